"""The order of a page in SQL: its keys, and what comes after a cursor.

https://hl7.org/fhir/R4/search.html#sort
"""

from typing import NamedTuple

from fhir_service.fhir.search.parameter import SearchType
from fhir_service.fhir.search.query import Query, Sort
from fhir_service.storage.order import directions, is_primary_date
from fhir_service.storage.sqlite.keys import parameter_id
from fhir_service.storage.sqlite.sql import Parameter, Sql
from fhir_service.storage.store import Cursor, PrimaryDates

# The least or greatest value (`{f}`) of one resource; {p} is the number of the parameter.
_VALUES: dict[SearchType, str] = {
    "string": "SELECT {f}(v) FROM st INDEXED BY st_rid WHERE rid = c.rid AND p = {p}",
    "date": "SELECT {f}(lo) FROM dt INDEXED BY dt_rid WHERE rid = c.rid AND p = {p}",
    "number": "SELECT {f}(lo) FROM nq INDEXED BY nq_rid WHERE rid = c.rid AND p = {p}",
    "quantity": "SELECT {f}(lo) FROM nq INDEXED BY nq_rid WHERE rid = c.rid AND p = {p}",
}
# Others are kept as JSON: a text, or [least, greatest].
_TEXT = "SELECT coalesce(sort->>'$.\"{p}\"[{n}]', sort->>'$.\"{p}\"') FROM entries WHERE rid = c.rid"


class Page(NamedTuple):
    """Which part of the order is asked for: `limit` rows after a cursor, or (`backward`) before it, nearest first."""

    limit: int
    cursor: Cursor | None = None
    backward: bool = False


class Order(NamedTuple):
    """The keys of an order, the rid last, and which descend.

    `column` names the one key by which an index can be read in order: `d`, `upd` or `id`.
    """

    keys: tuple[str, ...]
    descending: tuple[bool, ...]
    column: str | None


def order_of(query: Query, dates: PrimaryDates) -> Order:
    """Return the order of a query. A key is an expression over `c.rid` and `c.d`."""
    if not query.sort:
        return Order(("c.d", "c.rid"), directions(query), "d")
    keys = tuple(_key(sort, query, dates) for sort in query.sort)
    column = _COLUMNS.get(keys[0]) if len(keys) == 1 else None
    return Order((*keys, "c.rid"), directions(query), column)


_UPDATED = "(SELECT upd FROM res WHERE rid = c.rid)"
_ID = "(SELECT id FROM res WHERE rid = c.rid)"
_COLUMNS = {"c.d": "d", _UPDATED: "upd", _ID: "id"}


def _key(sort: Sort, query: Query, dates: PrimaryDates) -> str:
    if isinstance(sort.parameter, str):
        return _ID if sort.parameter == "_id" else _UPDATED
    if is_primary_date(sort, query, dates):
        return "c.d"
    p = parameter_id(query.resource_type, sort.parameter.code)
    select = _VALUES.get(sort.parameter.type, _TEXT)
    return f"({select.format(p=p, f='max' if sort.descending else 'min', n=int(sort.descending))})"


def index_order(columns: tuple[str, str], order: Order, page: Page) -> tuple[Sql | None, str]:
    """Return the test of a row after the cursor and the ORDER BY, both as an index serves them."""
    descending = order.descending[0] != page.backward
    by = ", ".join(f"{n} DESC" if descending else f"{n}" for n in (1, 2))
    if page.cursor is None:
        return None, by
    sign = "<" if descending else ">"
    return Sql(f"({columns[0]}, {columns[1]}) {sign} (?, ?)", _parameters(page.cursor)), by


def sorted_page(candidates: Sql, order: Order, page: Page) -> Sql:
    """Return the SELECT of a page of candidates (d, rid), sorted by keys that no index holds."""
    keys = ", ".join(f"{key} AS s{n}" for n, key in enumerate(order.keys))
    after, descending = Sql("1"), [one != page.backward for one in order.descending]
    if page.cursor is not None:
        after = _after(page.cursor, descending)
    names = [f"s{n}" for n in range(len(order.keys))]
    by = ", ".join(name + (" DESC" if down else "") for name, down in zip(names, descending, strict=True))
    return Sql(
        f"SELECT {', '.join(names)} FROM (SELECT {keys} FROM ({candidates.text}) c) WHERE {after.text} "
        f"ORDER BY {by} LIMIT ?",
        (*candidates.parameters, *after.parameters, page.limit),
    )


def _after(cursor: Cursor, descending: list[bool]) -> Sql:
    """Return the test that the keys come after those of the cursor; NULL is the least, as SQLite sorts it."""
    text, parameters = "0", list[Parameter]()
    for n in range(len(cursor) - 1, -1, -1):
        value, name = cursor[n], f"s{n}"
        if value is None:
            text = f"{name} IS NULL AND ({text})" if descending[n] else f"({name} IS NOT NULL OR {text})"
            continue
        beyond = f"({name} < ? OR {name} IS NULL)" if descending[n] else f"{name} > ?"
        text = f"({beyond} OR {name} = ? AND ({text}))"
        parameters = [value, value, *parameters]
    return Sql(text, tuple(parameters))


def _parameters(cursor: Cursor) -> tuple[Parameter, ...]:
    return tuple(value for value in cursor if value is not None)
