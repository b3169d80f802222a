"""What `_explain=true` tells of a search in SQLite: where it begins, the tables of each clause, its SQL.

The SQL has `?` for each value; besides there stand in it numbers that come from names of parameters.
https://sqlite.org/eqp.html
"""

import re

from fhir_service.fhir.search.query import Query
from fhir_service.storage.explanation import Explanation, Step, described, order_described
from fhir_service.storage.sqlite.context import Reader
from fhir_service.storage.sqlite.planning.order import Page
from fhir_service.storage.sqlite.planning.plan import MANY, Plan
from fhir_service.storage.sqlite.sql import Candidate, Part

_TABLES = re.compile(r"\b(?:FROM|JOIN) ([a-z]+)\b").findall


def explain(reader: Reader, query: Query, count: int) -> Explanation:
    """Return how the first page of a query is found now; other data may be found in another way."""
    plan = Plan(query, reader)
    select = plan.page(Page(count + 1)) if count else plan.count()
    rows = reader.connection.execute(f"EXPLAIN QUERY PLAN {select.text}", select.parameters)
    return Explanation(
        query.resource_type,
        order_described(query),
        _start(plan),
        tuple(
            _step(described(clause), part, plan, reader) for clause, part in zip(query.clauses, plan.parts, strict=True)
        ),
        select.text,
        tuple(detail for *_, detail in rows),
    )


def _start(plan: Plan) -> str:
    start = plan.start
    if start.gathered is not None:
        return f"about {start.rows} rows of {', '.join(_of(start.gathered.text))}, gathered and sorted"
    if start.values:
        return f"{len(start.values)} numbers of nq, in the order of their dates"
    if start.part is None:
        return f"every {plan.query.resource_type}, in the order of ix"
    return f"{len(start.keys)} keys of ix, in their order"


def _step(name: str, part: Part, plan: Plan, reader: Reader) -> Step:
    tables = dict.fromkeys((*_of(part.probe(Candidate("i.rid", "i.d")).text), *_of(part.rids().text)))
    if not part.drives:
        return Step(name, tuple(tables))
    rows = part.estimate(reader, MANY)
    return Step(name, tuple(tables), rows, rows >= MANY, part is plan.start.part)


def _of(sql: str) -> list[str]:
    """Return the tables that a piece of SQL reads."""
    return [table for table in dict.fromkeys(_TABLES(sql)) if table != "json"]
