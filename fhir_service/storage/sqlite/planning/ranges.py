"""Clauses about dates, numbers and quantities: ranges compared with ranges.

An entry that passes has `hi` at or above some bound and `lo` at or below another. Entries begin where the index begins,
so a bound on `hi` alone would find no place in it. But most ranges are short: unless a resource is marked `far`, the
`lo` of a date is at most FAR_DATES below its `hi`, which bounds `lo` as well, and nearly every number has but one
value; the few that are longer have an index on their ends.
https://hl7.org/fhir/R4/search.html#prefix
"""

import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Literal

import apsw

from fhir_service.fhir.search.query import DateValue, NumberValue, Prefix, QuantityValue
from fhir_service.fhir.search.units import in_units, is_convertible
from fhir_service.storage.doubles import ordered
from fhir_service.storage.sqlite.keys import hash64, parameter_id, unit_text
from fhir_service.storage.sqlite.rows import FAR_DATES, NO_DATE
from fhir_service.storage.sqlite.sql import (
    Candidate,
    Context,
    Side,
    Sql,
    all_of,
    any_of,
    count_up_to,
    exists,
    one_of,
    union_all,
)

# What `fhir/search/match.py` asks, as tests of columns; {low} and {high} are the value's bounds.
_DATE_TESTS: dict[Prefix, str] = {
    "eq": "lo >= {low} AND hi <= {high}",
    "ne": "NOT (lo >= {low} AND hi <= {high})",
    "gt": "hi > {high}",
    "lt": "lo < {low}",
    "ge": "hi >= {low}",
    "le": "lo <= {high}",
    "sa": "lo > {high}",
    "eb": "hi < {low}",
    "ap": "lo <= {high} AND hi >= {low}",
}
# For numbers {value} is the exact one, and `high` does not belong to the range.
_NUMBER_TESTS: dict[Prefix, str] = {
    "eq": "lo >= {low} AND hi < {high}",
    "ne": "NOT (lo >= {low} AND hi < {high})",
    "gt": "hi > {value}",
    "lt": "lo < {value}",
    "ge": "hi >= {value}",
    "le": "lo <= {value}",
    "sa": "lo > {value}",
    "eb": "hi < {value}",
    "ap": "lo < {high} AND hi >= {low}",
}
# Which of a value's numbers bounds `hi` from below, and which bounds `lo` from above, in an entry that passes.
_DATE_BOUNDS: dict[Prefix, tuple[str | None, str | None]] = {
    "eq": ("low", "high"),
    "ne": (None, None),
    "gt": ("high", None),
    "lt": (None, "low"),
    "ge": ("low", None),
    "le": (None, "high"),
    "sa": ("high", None),
    "eb": (None, "low"),
    "ap": ("low", "high"),
}
_NUMBER_BOUNDS: dict[Prefix, tuple[str | None, str | None]] = {
    "eq": ("low", "high"),
    "ne": (None, None),
    "gt": ("value", None),
    "lt": (None, "value"),
    "ge": ("value", None),
    "le": (None, "value"),
    "sa": ("value", None),
    "eb": (None, "value"),
    "ap": ("low", "high"),
}

_BEGINS = frozenset[Prefix]({"eq", "sa"})
"""The prefixes whose tests bound `lo` from below."""

_NUMBERS = """
WITH RECURSIVE number (lo) AS (
  SELECT (SELECT min(lo) FROM nq WHERE p = ?1 AND lo >= ?2 AND lo <= ?3)
  UNION ALL SELECT (SELECT min(n.lo) FROM nq n WHERE n.p = ?1 AND n.lo > number.lo AND n.lo <= ?3)
  FROM number WHERE number.lo IS NOT NULL
) SELECT lo FROM number WHERE lo IS NOT NULL LIMIT ?4
"""

_UNITS = "SELECT v FROM txt WHERE p = ?"

Table = Literal["dt", "nq"]

# Which rows are short, by how much at the most, and which are long: what the index on the ends holds.
_SHORT: dict[Table, tuple[str, int]] = {"dt": ("far = 0", FAR_DATES), "nq": ("hi = lo", 0)}
_LONG: dict[Table, tuple[str, str]] = {"dt": ("far > 0", "dt_far"), "nq": ("hi > lo", "nq_long")}


@dataclass(frozen=True, slots=True)
class Range:
    """One value: the test of an entry, and the bounds that follow from it.

    `begins` is whether the test itself bounds `lo` from below, so that the index begins there for all entries.
    """

    test: Sql
    lower: int | None
    upper: int | None
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Ranges:
    """Resources with an entry of one of the parameters `ps` that passes one of these."""

    table: Table
    ps: tuple[int, ...]
    values: tuple[Range, ...]

    @property
    def drives(self) -> bool:
        return True

    def probe(self, candidate: Candidate) -> Sql:
        test = any_of([value.test for value in self.values])
        table = self.table
        where = all_of([one_of("p", self.ps), test])
        select = f"SELECT 1 FROM {table} INDEXED BY {table}_rid WHERE rid = {candidate.rid} AND {where.text}"
        return exists(Sql(select, where.parameters))

    def rids(self, depth: int = 0) -> Sql:
        return self._selected("rid")

    def dated(self) -> Sql:
        """Return the SELECT of (d, rid); only `nq` has both."""
        return self._selected("d, rid")

    def numbers(self, connection: apsw.Connection, most: int) -> list[Sql]:
        """Return the tests of rows `i` that pass, one for each number that they have; none if there are more numbers.

        Rows of one number stand in the order of the primary date.
        """
        tests: list[Sql] = []
        for p, value in product(self.ps, self.values):
            if self.table != "nq" or value.upper is None or not value.begins:
                return []
            for (number,) in connection.execute(_NUMBERS, (p, value.lower, value.upper, most + 1 - len(tests))):
                tests.append(Sql(f"i.p = ? AND i.lo = ? AND {value.test.text}", (p, number, *value.test.parameters)))
        return tests if len(tests) <= most else []

    @property
    def side(self) -> Side | None:
        """What it has in common with other ranges, if it is open to one side."""
        (value, *more) = self.values or (None,)
        if more or value is None or (value.lower is None) == (value.upper is None):
            return None
        bound, *others = value.test.parameters
        kind = (self.table, self.ps, value.test.text, *others)
        return Side(kind, int(bound) if value.upper is None else -int(bound))

    def _selected(self, columns: str) -> Sql:
        return union_all([each for value in self.values for each in _selects(columns, self.table, self.ps, value)])

    def estimate(self, context: Context, limit: int) -> int:
        return count_up_to(context.connection, self.rids(), limit)


def dates(resource_type: str, code: str, values: tuple[DateValue, ...]) -> Ranges:
    """Return the clause about a date parameter."""
    return Ranges("dt", (parameter_id(resource_type, code),), tuple(map(date_range, values)))


def numbers(resource_type: str, code: str, values: tuple[NumberValue, ...]) -> Ranges:
    """Return the clause about a number parameter."""
    return Ranges("nq", (parameter_id(resource_type, code),), tuple(map(number_range, values)))


def quantities(resource_type: str, code: str, values: tuple[QuantityValue, ...], context: Context) -> Ranges:
    """Return the clause about a quantity parameter."""
    p = parameter_id(resource_type, code)
    return Ranges("nq", (p,), tuple([each for value in values for each in quantity_ranges(value, p, context)]))


def quantity_ranges(value: QuantityValue, p: int, context: Context) -> list[Range]:
    """Return the tests of an entry against a quantity, in each unit that the parameter has entries in."""
    if not is_convertible(value.system, value.unit):
        return [quantity_range(value)]
    codes = [code for (code,) in context.connection.execute(_UNITS, (p,))]
    return [quantity_range(each) for each in in_units(value, codes)]


def instant_test(column: str, value: DateValue) -> Sql:
    """Return the test of a column that holds an instant."""
    template = re.sub(r"\b(lo|hi)\b", column, _DATE_TESTS[value.prefix])
    return _filled(template, {"low": value.low, "high": value.high})


@dataclass(frozen=True, slots=True)
class Within:
    """Resources whose dates of a parameter overlap the span that several clauses on it leave together.

    It finds at least all that pass those clauses: a way to begin, not a test.
    """

    p: int
    lower: int | None
    upper: int | None

    def rids(self) -> Sql:
        """Return the SELECT of the rids."""
        near, *far = _selects("rid", "dt", (self.p,), Range(Sql("1"), self.lower, self.upper))
        return union_all([near, self._far("1", ())]) if far else near

    def earlier(self) -> Sql:
        """Return the SELECT of those that begin before `least`."""
        return self._far("(far = 2 OR lo < ?)", (self.least,))

    @property
    def side(self) -> Side | None:
        """See `Ranges.side`."""
        if self.upper is None:
            return None if self.lower is None else Side(("from", self.p), self.lower)
        return Side(("until", self.p), -self.upper) if self.lower is None else None

    @property
    def least(self) -> int:
        """What the earliest date is of one that is not far, or later."""
        return NO_DATE if self.lower is None else max(self.lower - FAR_DATES, NO_DATE)

    def _far(self, test: str, parameters: tuple[int, ...]) -> Sql:
        # Of several dates one may keep the one bound, and another the other: `upper` is not asked of each.
        text = f"SELECT rid FROM dt INDEXED BY dt_far WHERE p = ? AND far > 0 AND hi >= ? AND {test}"
        return Sql(text, (self.p, NO_DATE if self.lower is None else self.lower, *parameters))


def within(clauses: list[Ranges]) -> Within | None:
    """Return the span that these clauses (of one date parameter, joined by AND) leave, None if it is all time."""
    single = [clause.values[0] for clause in clauses if len(clause.values) == 1]
    lower = max((value.lower for value in single if value.lower is not None), default=None)
    upper = min((value.upper for value in single if value.upper is not None), default=None)
    return None if lower is None and upper is None else Within(clauses[0].ps[0], lower, upper)


def date_range(value: DateValue) -> Range:
    """Return the test of an entry against a date, and its bounds."""
    numbers = {"low": value.low, "high": value.high}
    lower, upper = _DATE_BOUNDS[value.prefix]
    test = _filled(_DATE_TESTS[value.prefix], numbers)
    return Range(test, numbers.get(lower or ""), numbers.get(upper or ""), value.prefix in _BEGINS)


def number_range(value: NumberValue) -> Range:
    """Return the test of an entry against a number, and its bounds."""
    numbers = {"low": ordered(value.low), "high": ordered(value.high), "value": ordered(float(value.value))}
    lower, upper = _NUMBER_BOUNDS[value.prefix]
    test = _filled(_NUMBER_TESTS[value.prefix], numbers)
    return Range(test, numbers.get(lower or ""), numbers.get(upper or ""), value.prefix in _BEGINS)


def quantity_range(value: QuantityValue) -> Range:
    """Return the test of an entry against a quantity, and its bounds."""
    # https://hl7.org/fhir/R4/search.html#quantity: `5.4` any unit, `5.4||mg` a code or its text, `5.4|system|mg` both.
    number = number_range(value.number)
    if value.system is not None:
        unit = Sql("sc = ?", (hash64(unit_text(value.system, value.unit)),))
    elif value.unit is not None:
        unit = Sql("(c = ? OR u = ?)", (hash64(value.unit), hash64(value.unit)))
    else:
        return number
    return replace(number, test=all_of([number.test, unit]))


def _selects(columns: str, table: Table, ps: tuple[int, ...], value: Range) -> list[Sql]:
    """Return the SELECTs of the entries that pass: one range of the index, or of the short ones and of the long."""
    tail, last = value.test
    of_p, p = one_of("p", ps)
    if value.upper is not None:
        tail, last = f"lo <= ? AND {tail}", (value.upper, *last)
    if value.lower is None or value.begins:
        return [Sql(f"SELECT {columns} FROM {table} WHERE {of_p} AND {tail}", (*p, *last))]
    (is_short, most), (is_long, by_end) = _SHORT[table], _LONG[table]
    least = max(value.lower - most, NO_DATE)
    return [
        Sql(f"SELECT {columns} FROM {table} WHERE {of_p} AND {is_short} AND lo >= ? AND {tail}", (*p, least, *last)),
        Sql(
            f"SELECT {columns} FROM {table} INDEXED BY {by_end} WHERE {of_p} AND {is_long} AND hi >= ? AND {tail}",
            (*p, value.lower, *last),
        ),
    ]


@cache
def _parsed(template: str) -> tuple[str, tuple[str, ...]]:
    return re.sub(r"\{\w+\}", "?", template), tuple(re.findall(r"\{(\w+)\}", template))


def _filled(template: str, numbers: dict[str, int]) -> Sql:
    text, names = _parsed(template)
    return Sql(text, tuple([numbers[name] for name in names]))
