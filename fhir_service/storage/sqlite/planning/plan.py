"""How a search is run: where it begins, what is tested on the way, and in which order.

Every row of `ix` carries the primary date and the rid, so a page in that order is read from the rows of the rarest key,
and every other clause is a point probe; it ends as soon as the page is full. Where no key is rare but the rows of
another table are few, those are gathered and sorted. What is rare is found by counting, no further than FEW.
"""

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple, TypeGuard

from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.query import Query
from fhir_service.storage.sqlite.keys import parameter_id, type_key
from fhir_service.storage.sqlite.planning.links import Chained, Had
from fhir_service.storage.sqlite.planning.order import (
    VALUE_TABLES,
    Order,
    Page,
    beyond,
    by_all,
    downward,
    order_of,
    sorted_page,
)
from fhir_service.storage.sqlite.planning.parts import having, part_of
from fhir_service.storage.sqlite.planning.ranges import Ranges, Within, within
from fhir_service.storage.sqlite.planning.values import MOST_MERGED, Keys
from fhir_service.storage.sqlite.rows import NO_DATE
from fhir_service.storage.sqlite.sql import Candidate, Context, Part, Sql, all_of, count_up_to, one_of

FEW = 2_000
"""As many rids are gathered and sorted at the most (some milliseconds)."""

LEAST_FEW, PROBED = 200, 27
"""Of a type of n resources, sqrt(PROBED * n) are gathered as quickly as a page is found by trying one after another."""

MANY = 50_000
"""Between keys that all have more than FEW rows, counting goes on up to here."""

COUNTED = 10_000
"""As many matches are counted where an estimate of their number is asked for; of more it is a guess from a sample."""

DATED: dict[type[Part], int] = {Keys: 4, Ranges: 4, Chained: 8}
"""Parts whose rows hold the primary date: so many times FEW of them are gathered and sorted in the time that it takes
otherwise. To try a chain on one resource takes the longest."""

HAD = 4
"""So many times FEW resources that refer to others are gathered, where those that they refer to are asked for."""

SAMPLED = 61  # a prime: rids are times, with a count in their low bits that is nearly always 0

WORTH_A_SPAN = 200
"""A key with fewer rows than this is read without asking whether the dates of a query shorten the way."""


_NOTHING = Sql("SELECT d, rid FROM ix WHERE 0")


class Start(NamedTuple):
    """Where a search begins: at the rows of these keys, in order, or at the rows (d, rid) that are gathered.

    `part` passes all that begins here, so it is not tested again. `rows` is about how many begin (FEW: or more).
    `values` are tests of rows of `nq` that have one number each, and so stand in order, too.
    """

    keys: tuple[int, ...]
    gathered: Sql | None
    part: Part | None
    rows: int
    values: tuple[Sql, ...] = ()


class Plan:
    """The statements that answer one query at this moment of the database."""

    def __init__(self, query: Query, context: Context) -> None:
        self.query = query
        self.order = order_of(query, context)
        self._context = context
        self.few = self._few(query.resource_type, FEW)
        self.parts = tuple(part_of(query.resource_type, clause, context) for clause in query.clauses)
        self._spans = _spans(self.parts)
        self.start = self._begin()

    def page(self, page: Page) -> Sql:
        """Return the SELECT of a page: for each match its keys, in the (perhaps backward) order.

        One that has several values among those asked for may come several times, side by side.
        """
        if self.order.column == "d":
            return self._in_date_order(page)
        if self.order.column is not None and self._is_many():
            return self._in_column_order(self.order.column, page)
        if self.order.parameter is not None and self._is_many():
            return self._in_value_order(self.order.parameter, page)
        return sorted_page(self._candidates(), self.order, page)

    def count(self) -> Sql:
        """Return the SELECT of how many there are."""
        if len(self.parts) == 1 and self.start.gathered is None and self.start.part is not self.parts[0]:
            one = self.parts[0].rids()  # a scan of its rows is faster than a probe for every resource
            return Sql(f"SELECT count(DISTINCT rid) FROM ({one.text})", one.parameters)
        found = self._candidates()
        return Sql(f"SELECT count(*) FROM ({found.text})", found.parameters)

    @property
    def key(self) -> int | None:
        """The key that the matches have, and no other resource has, if there is one."""
        match self.parts:
            case ():
                return type_key(self.query.resource_type)
            case (Keys((key,)),):
                return key
            case _:
                return None

    def guess(self) -> Sql:
        """Return the SELECT of about how many there are, where there are many: one in SAMPLED is tested."""
        if self.start.gathered is not None or not self.start.keys:
            return self.count()
        tests = all_of(self._tests(Candidate("i.rid", "i.d"), self.start.part))
        text = (
            f"SELECT CAST(count(*) * total(CASE WHEN i.rid % {SAMPLED} = 0 THEN {tests.text} END) "
            f"/ max(1, total(i.rid % {SAMPLED} = 0)) AS INTEGER) AS n FROM ix i WHERE i.k = ?"
        )
        selects = [Sql(text, (*tests.parameters, key)) for key in self.start.keys]
        found = _union(selects, " UNION ALL ")
        return Sql(f"SELECT sum(n) FROM ({found.text})", found.parameters)

    def rids(self, limit: int) -> Sql:
        """Return the SELECT of the rids of matches, in no order, `limit` at the most."""
        found = self.matches()
        return Sql(f"{found.text} LIMIT ?", (*found.parameters, limit))

    def matches(self) -> Sql:
        """Return the SELECT of the rids of all matches, in no order."""
        found = self._candidates()
        return Sql(f"SELECT rid FROM ({found.text})", found.parameters)

    def _begin(self) -> Start:
        drivers = [part for part in self.parts if part.drives]
        keys = [part for part in drivers if isinstance(part, Keys) and part.ordered]
        if not drivers or (self.order.column == "d" and self._is_dated(drivers)):
            return self._everything()
        if len(drivers) == 1 and keys:
            return Start(keys[0].keys, None, keys[0], self.few)
        if len(drivers) == 1 and (start := self._values(drivers[0])):
            return start
        rarest, rows = self._rarest(drivers)
        if rarest is not None:
            return rarest
        if keys:
            key = min(keys, key=lambda part: part.estimate(self._context, MANY))
            return Start(key.keys, None, key, rows)
        return next(filter(None, map(self._values, drivers)), None) or self._everything()

    def _values(self, part: Part) -> Start | None:
        """Return the start at the few numbers that a part finds, if the order is that of their rows."""
        if self.order.column != "d" or not isinstance(part, Ranges):
            return None
        values = part.numbers(self._context.connection, MOST_MERGED)
        return Start((), None, part, self.few, tuple(values)) if values else None

    def _few(self, resource_type: str, most: int) -> int:
        """Return how many are gathered and sorted as quickly as a page is found among all of a type."""
        resources = self._context.rows_of_key(type_key(resource_type), most * most // PROBED + 1)
        return min(most, max(LEAST_FEW, isqrt(PROBED * resources)))

    def _rarest(self, drivers: Sequence[Part]) -> tuple[Start | None, int]:
        """Return the start with the fewest rows, if it has few."""
        start, rows = None, self.few
        for part in sorted(drivers, key=lambda part: not isinstance(part, Keys)):  # keys are the cheapest to count
            at_once = DATED[type(part)] if self.order.column == "d" and _has_dates(part) else 1
            if isinstance(part, Had):  # to try it on a resource is to try all that refer to that
                each = 1 if isinstance(part.part, Keys) else DATED[Chained]
                at_once = max(1, min(HAD * FEW, each * self._few(part.way.resource_type, HAD * FEW)) // self.few)
            count = self._context.passing(part, rows * at_once, part.side if isinstance(part, Ranges) else None)
            if count < rows * at_once:
                rows = -(-count // at_once)
                ordered = isinstance(part, Keys) and part.ordered
                keys = part.keys if isinstance(part, Keys) and ordered else ()
                start = Start(keys, None if ordered else _dated(part), part, count)
        for span in self._spans.values():
            count = self._context.rows_of(span.rids(), rows, span.side)
            if count < rows:
                rows = count
                start = Start((), _with_date(span.rids()), None, rows)
        return start, rows

    def _is_dated(self, drivers: Sequence[Part]) -> bool:
        """Whether all is about the primary date, whose order leads to what is asked for without any counting."""
        p = self._primary()
        span = self._spans.get(p) if p is not None else None
        if span is None or not all(isinstance(part, Ranges) and part.ps == (p,) for part in drivers):
            return False
        return span.lower is None or count_up_to(self._context.connection, span.earlier(), FEW) < FEW

    def _primary(self) -> int | None:
        """Return the number of the parameter that is the primary date of the type."""
        primary = self._context.primary_date(self.query.resource_type)
        return parameter_id(self.query.resource_type, primary) if primary else None

    def _everything(self) -> Start:
        return Start((type_key(self.query.resource_type),), None, None, self.few)

    def _is_many(self) -> bool:
        """Whether the matches may be too many to be sorted."""
        start = self.start
        if start.rows < self.few:
            return False
        return not isinstance(start.part, Keys) or start.part.estimate(self._context, self.few) >= self.few

    def _in_date_order(self, page: Page) -> Sql:
        after = (beyond(("i.d", "i.rid"), self.order, page), beyond(("g.d", "g.rid"), self.order, page))
        return _ordered(self._branches(after, downward(self.order, page)), self.order, page)

    def _in_column_order(self, column: str, page: Page) -> Sql:
        tests = [*beyond((f"r.{column}", "r.rid"), self.order, page), *self._tests(Candidate("r.rid", "r.d"), None)]
        where = all_of(tests)
        text = f"SELECT r.{column}, r.rid FROM res r WHERE r.rtype = ? AND r.deleted = 0 AND {where.text}"
        return _ordered([Sql(text, (self.query.resource_type, *where.parameters))], self.order, page)

    def _in_value_order(self, parameter: SearchParameter, page: Page) -> Sql:
        """Return the SELECT of a page in the order of a table's values; those without a value are the least."""
        of_type, down = self.query.resource_type, downward(self.order, page)
        at_none = page.cursor is not None and page.cursor[0] is None
        table, branches = VALUE_TABLES[parameter.type], list[Sql]()
        if page.cursor is None or at_none or down:
            last = ("i.d", "i.rid") if table.dated else ("i.rid",)
            after = beyond(last, self.order, page) if at_none else []
            lacking = one_of("i.k", having(of_type, parameter.stored[0], False, self._context).keys)
            where = all_of([lacking, *after, *self._tests(Candidate("i.rid", "i.d"), None)])
            branches.append(Sql(f"SELECT NULL, {', '.join(last)} FROM ix i WHERE {where.text}", where.parameters))
        if not (at_none and down):
            first = table.first(parameter_id(of_type, parameter.stored[0]), self.order.descending[0])
            columns = (f"v.{table.key}", *(("v.d",) if table.dated else ()), "v.rid")
            after = [] if at_none else beyond(columns, self.order, page)
            where = all_of([first, *after, *self._tests(Candidate("v.rid", "v.d" if table.dated else "r.d"), None)])
            rows = f"{table.name} v" if table.dated else f"{table.name} v CROSS JOIN res r ON r.rid = v.rid"
            branches.append(Sql(f"SELECT {', '.join(columns)} FROM {rows} WHERE {where.text}", where.parameters))
        return _ordered(branches, self.order, page, " UNION ALL ")

    def _candidates(self) -> Sql:
        """Return the SELECT of (d, rid) of every match, each once."""
        found = _union(self._branches())
        return found if self.start.keys else Sql(f"SELECT DISTINCT d, rid FROM ({found.text})", found.parameters)

    def _branches(self, after: tuple[list[Sql], list[Sql]] = ([], []), down: bool = False) -> list[Sql]:
        """Return SELECTs of (d, rid) that together give every match, as far as it is after the cursor (see there).

        Of two bounds on the same side SQLite begins at the first, so a cursor takes the place of that of the dates.
        """
        from_ix, from_gathered = after
        if self.start.gathered is not None:
            return [self._gathered(self.start.gathered, self.start.part, from_gathered)]
        sources = [("ix", Sql("i.k = ?", (key,))) for key in self.start.keys]
        sources += [("nq", value) for value in self.start.values]
        if not sources:
            return [_NOTHING]
        lower, upper, others = self._bounds()
        bounds = [bound for bound in (lower, upper) if bound and not (from_ix and bound is (upper if down else lower))]
        tests = [*bounds, *from_ix, *self._tests(Candidate("i.rid", "i.d"), self.start.part)]
        where = all_of(tests)
        branches = [
            Sql(
                f"SELECT i.d AS d, i.rid AS rid FROM {table} i WHERE {source.text} AND {where.text}",
                (*source.parameters, *where.parameters),
            )
            for table, source in sources
        ]
        return [*branches, self._gathered(_with_date(others), None, from_gathered)] if others else branches

    def _gathered(self, dated: Sql, part: Part | None, after: list[Sql]) -> Sql:
        where = all_of([*after, *self._tests(Candidate("g.rid", "g.d"), part)])
        text = f"SELECT g.d AS d, g.rid AS rid FROM ({dated.text}) g WHERE {where.text}"
        return Sql(text, (*dated.parameters, *where.parameters))

    def _tests(self, candidate: Candidate, passed: Part | None) -> list[Sql]:
        return [part.probe(candidate) for part in self.parts if part is not passed]

    def _bounds(self) -> tuple[Sql | None, Sql | None, Sql | None]:
        """Return what the dates asked for say of `i.d`, from below and above, and the rids it does not hold for."""
        p = self._primary()
        span = self._spans.get(p) if p is not None else None
        if span is None:
            return None, None, None
        upper = None if span.upper is None else Sql("i.d <= ?", (span.upper,))
        dated = None if upper is None else Sql("i.d > ?", (NO_DATE,))  # what has no date passes no clause about it
        if span.lower is None or self.start.rows < WORTH_A_SPAN:
            return dated, upper, None
        earlier = count_up_to(self._context.connection, span.earlier(), FEW)
        if earlier == FEW:
            return dated, upper, None
        return Sql("i.d >= ?", (max(span.least, NO_DATE + 1),)), upper, span.earlier() if earlier else None


def _dated(part: Part) -> Sql:
    """Return the SELECT of (d, rid) of what passes, perhaps some repeatedly."""
    return part.dated() if _has_dates(part) else _with_date(part.rids())


def _has_dates(part: Part) -> TypeGuard[Keys | Chained | Ranges]:
    """Whether the rows that a part is found by hold the primary date, too."""
    return isinstance(part, Keys | Chained) or (isinstance(part, Ranges) and part.table == "nq")


def _with_date(rids: Sql) -> Sql:
    text = f"SELECT r.d, r.rid FROM (SELECT DISTINCT rid FROM ({rids.text})) g CROSS JOIN res r ON r.rid = g.rid"
    return Sql(text, rids.parameters)


def _spans(parts: Sequence[Part]) -> dict[int, Within]:
    """Return for each date parameter the span that its clauses leave."""
    clauses: dict[int, list[Ranges]] = {}
    for part in parts:
        if isinstance(part, Ranges) and part.table == "dt" and len(part.ps) == 1:
            clauses.setdefault(part.ps[0], []).append(part)
    spans = {p: within(of_one) for p, of_one in clauses.items()}
    return {p: span for p, span in spans.items() if span is not None}


def _union(branches: Sequence[Sql], word: str = " UNION ") -> Sql:
    return Sql(
        word.join([branch.text for branch in branches]),
        tuple([parameter for branch in branches for parameter in branch.parameters]),
    )


def _ordered(branches: Sequence[Sql], order: Order, page: Page, word: str = " UNION ") -> Sql:
    """Return the rows of all branches in order, as far as the page goes; SQLite merges them as it reads."""
    found = _union(branches, word)
    return Sql(f"{found.text} ORDER BY {by_all(order, page)} LIMIT ?", (*found.parameters, page.limit))
