"""What create, update, patch, delete and the entries of a transaction share."""
