"""From the clauses of a search to SQL: what each is in the tables, where the search begins, and what follows."""
