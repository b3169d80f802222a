"""The order of a page in SQL: its keys, and what comes after a cursor.

https://hl7.org/fhir/R4/search.html#sort
"""

from dataclasses import dataclass
from typing import NamedTuple

from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.query import Query, Sort, words_of
from fhir_service.storage.order import directions, is_by_number, is_primary_date
from fhir_service.storage.sqlite.keys import composite_key, constant, parameter_id
from fhir_service.storage.sqlite.planning.links import ways
from fhir_service.storage.sqlite.sql import Parameter, Sql
from fhir_service.storage.sqlite.words import rank
from fhir_service.storage.store import Cursor, PrimaryDates


@dataclass(frozen=True, slots=True)
class ValueTable:
    """A table that holds values in their order. `key` is what they sort by, `others` tell rows of a resource apart.

    `dated` is whether equal values stand in the order of the primary date.
    """

    name: str
    key: str
    others: tuple[str, ...]
    dated: bool = False

    def first(self, p: int, down: bool) -> Sql:
        """Return the test that a row `v` of the parameter is what its resource sorts by: its least value, or greatest.

        That is so in whichever direction the page is read.
        """
        columns = (self.key, *self.others)
        one, other = (", ".join(f"{alias}.{column}" for column in columns) for alias in ("v", "w"))
        return Sql(
            f"v.p = ? AND NOT EXISTS (SELECT 1 FROM {self.name} w INDEXED BY {self.name}_rid "
            f"WHERE w.rid = v.rid AND w.p = ? AND ({other}) {'>' if down else '<'} ({one}))",
            (p, p),
        )


VALUE_TABLES: dict[SearchType, ValueTable] = {
    "string": ValueTable("st", "v", ("x",)),
    "date": ValueTable("dt", "lo", ("hi",)),
    "number": ValueTable("nq", "lo", ("hi", "sc", "c", "u"), dated=True),
    "quantity": ValueTable("nq", "lo", ("hi", "sc", "c", "u"), dated=True),
}

# What has no table of its own is kept as JSON: a text, or [least, greatest].
_TEXT = "SELECT coalesce(sort->>'$.\"{p}\"[{n}]', sort->>'$.\"{p}\"') AS v FROM entries WHERE rid = {rid}"


class Page(NamedTuple):
    """Which part of the order is asked for: `limit` rows after a cursor, or (`backward`) before it, nearest first."""

    limit: int
    cursor: Cursor | None = None
    backward: bool = False


class Order(NamedTuple):
    """The keys of an order, the rid last, and which descend; `values` are the parameters of the keys.

    Of an order by one key (and the date, if it is a number), `column` is that of `res` or `ix` which holds it (`d`,
    `upd` or `id`), or `parameter` the one whose values a table holds in order.
    """

    keys: tuple[str, ...]
    descending: tuple[bool, ...]
    column: str | None = None
    parameter: SearchParameter | None = None
    values: tuple[Parameter, ...] = ()


def order_of(query: Query, dates: PrimaryDates) -> Order:
    """Return the order of a query. A key is an expression over `c.rid` and `c.d`."""
    if not query.sort:
        return Order(("c.d", "c.rid"), directions(query), "d")
    score = rank(words_of(query.clauses))
    keys = tuple(score.text if sort.parameter == "_score" else _key(sort, query, dates) for sort in query.sort)
    last = ("c.d", "c.rid") if is_by_number(query) else ("c.rid",)
    order = Order((*keys, *last), directions(query), values=score.parameters * keys.count(score.text))
    if len(keys) > 1:
        return order
    if keys[0] in _COLUMNS:
        return order._replace(column=_COLUMNS[keys[0]])
    if (parameter := _in_a_table(query.sort[0])) is not None:
        return order._replace(parameter=parameter)
    return order


def _in_a_table(sort: Sort) -> SearchParameter | None:
    """Return the parameter of a sort key if one table holds its values in order."""
    if isinstance(sort.parameter, str) or sort.through or len(sort.parameter.stored) > 1:
        return None
    return sort.parameter if sort.parameter.type in VALUE_TABLES else None


_STORED = {"_id": "(SELECT id FROM res WHERE rid = {rid})", "_lastUpdated": "(SELECT upd FROM res WHERE rid = {rid})"}
_COLUMNS = {
    "c.d": "d",
    _STORED["_id"].format(rid="c.rid"): "id",
    _STORED["_lastUpdated"].format(rid="c.rid"): "upd",
}


def _key(sort: Sort, query: Query, dates: PrimaryDates) -> str:
    if is_primary_date(sort, query, dates):
        return "c.d"
    if not sort.through:
        return _value(sort, query.resource_type, "c.rid")
    steps, at, of_type = [], "c.rid", query.resource_type
    for n, hop in enumerate(sort.through):
        f, t, by = f"f{n}", f"t{n}", ways(of_type, hop)
        leads = " OR ".join([f"({f}.p = {way.p} AND {way.leads(f, t, hop.target)})" for way in by])
        steps.append(
            f"rf {f} ON {f}.rid = {at} AND {f}.p IN ({', '.join({str(way.p) for way in by})}) "
            f"CROSS JOIN res {t} ON ({leads})"
        )
        at, of_type = f"t{n}.rid", hop.target
    value = _value(sort, of_type, at)
    return f"(SELECT {_most(sort)}({value}) FROM (SELECT 1) CROSS JOIN {' CROSS JOIN '.join(steps)})"


def _value(sort: Sort, of_type: str, rid: str) -> str:
    """Return the expression for what a resource sorts by."""
    if isinstance(sort.parameter, str):
        return _STORED[sort.parameter].format(rid=rid)
    if sort.centres:
        return _distance(sort, of_type, sort.parameter.code, rid)
    ps = [parameter_id(of_type, code) for code in sort.parameter.stored]
    if (table := VALUE_TABLES.get(sort.parameter.type)) is None:
        texts = [_TEXT.format(p=p, n=int(sort.descending), rid=rid) for p in ps]
        return f"({texts[0]})" if len(texts) == 1 else f"(SELECT {_most(sort)}(v) FROM ({' UNION ALL '.join(texts)}))"
    test = f"p = {ps[0]}" if len(ps) == 1 else f"p IN ({', '.join(map(str, ps))})"
    name, key = table.name, table.key
    return f"(SELECT {_most(sort)}({key}) FROM {name} INDEXED BY {name}_rid WHERE rid = {rid} AND {test})"


def _distance(sort: Sort, of_type: str, code: str, rid: str) -> str:
    """Return the expression for how far a resource is away. Numbers are written as SQL has them, too."""
    distances = [f"near(lo, sc, {each.latitude!r}, {each.longitude!r})" for each in sort.centres]
    most = _most(sort)
    of_all = f"{most}({most}({', '.join(distances)}))" if len(distances) > 1 else f"{most}({distances[0]})"
    p = composite_key((), constant(of_type, code))
    return f"(SELECT {of_all} FROM nq INDEXED BY nq_rid WHERE rid = {rid} AND p = {p})"


def _most(sort: Sort) -> str:
    return "max" if sort.descending else "min"


def downward(order: Order, page: Page) -> bool:
    """Whether an order by one key is read from its end, be it that it descends or that the page lies before."""
    return order.descending[0] != page.backward


def by_all(order: Order, page: Page) -> str:
    """Return the ORDER BY of all keys of an order whose keys have one direction."""
    down = " DESC" if downward(order, page) else ""
    return ", ".join([f"{n}{down}" for n in range(1, len(order.keys) + 1)])


def beyond(columns: tuple[str, ...], order: Order, page: Page) -> list[Sql]:
    """Return the test of a row after the cursor (or its last columns), as an index serves it; none without a cursor."""
    if page.cursor is None:
        return []
    sign, last = "<" if downward(order, page) else ">", page.cursor[-len(columns) :]
    values = tuple([value for value in last if value is not None])
    return [Sql(f"({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))})", values)]


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
        (*order.values, *candidates.parameters, *after.parameters, page.limit),
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
