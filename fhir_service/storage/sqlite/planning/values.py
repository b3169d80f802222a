"""Clauses about a resource itself: its keys, strings, id and time of update.

Each is a `Part`; what they have to mean is said in `fhir/search/match.py`.
https://hl7.org/fhir/R4/search.html
"""

from dataclasses import dataclass
from itertools import pairwise

from fhir_service.fhir.search.query import DateValue, StringValue
from fhir_service.storage.sqlite.keys import gram_keys, hash64, type_key
from fhir_service.storage.sqlite.planning.ranges import instant_test
from fhir_service.storage.sqlite.sql import (
    Candidate,
    Context,
    Part,
    Sql,
    all_of,
    any_of,
    count_up_to,
    exists,
    one_of,
    union_all,
)

MOST_GRAMS = 16
"""As many two-character pieces lead to a text; the text itself is compared anyhow."""

MOST_TRIED = 200
"""Each of so many keys is tried for every candidate; of more, all rows are gathered once, whatever they are."""

MOST_MERGED = 20
"""Of how many keys the ordered rows are merged; more are gathered and sorted."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Resources with one of these keys in `ix`."""

    keys: tuple[int, ...]

    @property
    def drives(self) -> bool:
        return True

    @property
    def ordered(self) -> bool:
        """Whether its rows can be read in the order of the primary date."""
        return len(self.keys) <= MOST_MERGED

    def probe(self, candidate: Candidate) -> Sql:
        if len(self.keys) > MOST_TRIED:
            gathered = self.rids()
            return Sql(f"{candidate.rid} IN ({gathered.text})", gathered.parameters)
        x, test = f"x{candidate.depth}", one_of(f"x{candidate.depth}.k", self.keys)
        where = f"{test.text} AND {x}.d = {candidate.d} AND {x}.rid = {candidate.rid}"
        return exists(Sql(f"SELECT 1 FROM ix {x} WHERE {where}", test.parameters))

    def rids(self, depth: int = 0) -> Sql:
        test = one_of("k", self.keys)
        return Sql(f"SELECT rid FROM ix WHERE {test.text}", test.parameters)

    def dated(self) -> Sql:
        """Return the SELECT of (d, rid)."""
        test = one_of("k", self.keys)
        return Sql(f"SELECT d, rid FROM ix WHERE {test.text}", test.parameters)

    def estimate(self, context: Context, limit: int) -> int:
        total = 0
        for key in self.keys:
            total += context.rows_of_key(key, limit)
            if total >= limit:
                return limit
        return total


@dataclass(frozen=True, slots=True)
class Not:
    """Resources of a type that do not pass."""

    resource_type: str
    part: Part

    @property
    def drives(self) -> bool:
        return False

    def probe(self, candidate: Candidate) -> Sql:
        test = self.part.probe(candidate)
        return Sql(f"NOT ({test.text})", test.parameters)

    def rids(self, depth: int = 0) -> Sql:
        return _each_of_type(self, depth)

    def estimate(self, context: Context, limit: int) -> int:
        return limit


@dataclass(frozen=True, slots=True)
class Differs:
    """Resources of a type with some value of a parameter that is none of these: their least or greatest is another.

    Where several are asked for, they are references by type and id; between two of them others may lie.
    """

    resource_type: str
    p: int
    texts: tuple[str, ...]

    @property
    def drives(self) -> bool:
        return False

    def probe(self, candidate: Candidate) -> Sql:
        least, greatest = (f"coalesce(sort->>'$.\"{self.p}\"[{n}]', sort->>'$.\"{self.p}\"')" for n in (0, 1))
        some = ", ".join("?" * len(self.texts))
        test = f"({least} NOT IN ({some}) OR {greatest} NOT IN ({some}))"
        outermost = Sql(
            f"SELECT 1 FROM entries WHERE rid = {candidate.rid} AND {test}",
            (*self.texts, *self.texts),
        )
        if len(self.texts) == 1:
            return exists(outermost)
        between = Sql(
            f"SELECT 1 FROM rf WHERE rid = {candidate.rid} AND p = ? AND tk NOT IN ({some})",
            (self.p, *map(hash64, self.texts)),
        )
        return any_of([exists(outermost), exists(between)])

    def rids(self, depth: int = 0) -> Sql:
        return _each_of_type(self, depth)

    def estimate(self, context: Context, limit: int) -> int:
        return limit


def _each_of_type(part: Not | Differs, depth: int) -> Sql:
    """Return the SELECT of what passes, by trying each resource of the type."""
    a = f"a{depth}"
    test = part.probe(Candidate(f"{a}.rid", f"{a}.d", depth + 1))
    where = f"{a}.k = ? AND {test.text}"
    return Sql(f"SELECT {a}.rid FROM ix {a} WHERE {where}", (type_key(part.resource_type), *test.parameters))


@dataclass(frozen=True, slots=True)
class Either:
    """Resources that pass one of these parts."""

    parts: tuple[Part, ...]

    @property
    def drives(self) -> bool:
        return all(part.drives for part in self.parts)

    def probe(self, candidate: Candidate) -> Sql:
        return any_of([part.probe(candidate) for part in self.parts])

    def rids(self, depth: int = 0) -> Sql:
        return union_all([part.rids(depth) for part in self.parts])

    def estimate(self, context: Context, limit: int) -> int:
        return min(limit, sum(part.estimate(context, limit) for part in self.parts))


@dataclass(frozen=True, slots=True)
class Both:
    """Resources that pass all of these parts."""

    parts: tuple[Part, ...]

    @property
    def drives(self) -> bool:
        return any(part.drives for part in self.parts)

    def probe(self, candidate: Candidate) -> Sql:
        test = all_of([part.probe(candidate) for part in self.parts])
        return Sql(f"({test.text})", test.parameters)

    def rids(self, depth: int = 0) -> Sql:
        first, *others = sorted(self.parts, key=lambda part: not part.drives)
        s, b = f"s{depth}", f"b{depth}"
        select, test = (
            first.rids(depth + 1),
            all_of([part.probe(Candidate(f"{b}.rid", f"{b}.d", depth + 1)) for part in others]),
        )
        return Sql(
            f"SELECT {b}.rid FROM ({select.text}) {s} CROSS JOIN res {b} ON {b}.rid = {s}.rid WHERE {test.text}",
            (*select.parameters, *test.parameters),
        )

    def estimate(self, context: Context, limit: int) -> int:
        return min([part.estimate(context, limit) for part in self.parts if part.drives], default=limit)


@dataclass(frozen=True, slots=True)
class Ids:
    """Resources of a type with one of these ids."""

    resource_type: str
    ids: tuple[str, ...]

    @property
    def drives(self) -> bool:
        return True

    def probe(self, candidate: Candidate) -> Sql:
        test = one_of("id", self.ids)
        return exists(Sql(f"SELECT 1 FROM res WHERE rid = {candidate.rid} AND {test.text}", test.parameters))

    def rids(self, depth: int = 0) -> Sql:
        test = one_of("id", self.ids)
        return Sql(
            f"SELECT rid FROM res WHERE rtype = ? AND deleted = 0 AND {test.text}",
            (self.resource_type, *test.parameters),
        )

    def estimate(self, context: Context, limit: int) -> int:
        return min(len(self.ids), limit)


@dataclass(frozen=True, slots=True)
class Updated:
    """Resources of a type that were last updated within one of these ranges."""

    resource_type: str
    values: tuple[DateValue, ...]

    @property
    def drives(self) -> bool:
        return True

    def probe(self, candidate: Candidate) -> Sql:
        test = self._test()
        return exists(Sql(f"SELECT 1 FROM res WHERE rid = {candidate.rid} AND {test.text}", test.parameters))

    def rids(self, depth: int = 0) -> Sql:
        return union_all(
            [
                Sql(
                    f"SELECT rid FROM res INDEXED BY res_type_upd WHERE rtype = ? AND deleted = 0 AND {test.text}",
                    (self.resource_type, *test.parameters),
                )
                for test in self._tests()
            ]
        )

    def estimate(self, context: Context, limit: int) -> int:
        return count_up_to(context.connection, self.rids(), limit)

    def _tests(self) -> list[Sql]:
        return [instant_test("upd", value) for value in self.values]

    def _test(self) -> Sql:
        return any_of(self._tests())


@dataclass(frozen=True, slots=True)
class Strings:
    """Resources with a string of one of the parameters `ps` that is, begins with or contains one of these."""

    resource_type: str
    ps: tuple[int, ...]
    values: tuple[StringValue, ...]
    modifier: str | None

    @property
    def drives(self) -> bool:
        return True

    def probe(self, candidate: Candidate) -> Sql:
        test = any_of([self._test(value) for value in self.values])
        where = all_of([one_of("p", self.ps), test])
        select = f"SELECT 1 FROM st INDEXED BY st_rid WHERE rid = {candidate.rid} AND {where.text}"
        return exists(Sql(select, where.parameters))

    def rids(self, depth: int = 0) -> Sql:
        return union_all([self._rids(value) for value in self.values])

    def estimate(self, context: Context, limit: int) -> int:
        return count_up_to(context.connection, self.rids(), limit)

    def _test(self, value: StringValue) -> Sql:
        if self.modifier == "exact":
            return Sql("v = ? AND x = ?", (value.folded, hash64(value.text)))
        if self.modifier == "contains":
            return Sql("instr(v, ?) > 0", (value.folded,))
        if self.modifier == "equals":
            return Sql("v = ?", (value.folded,))
        if self.modifier == "differs":
            return Sql("v <> ?", (value.folded,))
        if self.modifier == "ends":
            return Sql("substr(v, ?) = ?", (-len(value.folded), value.folded)) if value.folded else Sql("1")
        return begins("v", value.folded)

    def _rids(self, value: StringValue) -> Sql:
        test = all_of([one_of("p", self.ps), self._test(value)])
        cut = self.modifier in ("contains", "ends")
        pairs = list(dict.fromkeys(a + b for a, b in pairwise(value.folded))) if cut else []
        if not pairs:
            return Sql(f"SELECT rid FROM st WHERE {test.text}", test.parameters)
        first, *others = gram_keys(self.resource_type, pairs[:MOST_GRAMS])
        joins = "".join(f" CROSS JOIN gm g{n} ON g{n}.g = ? AND g{n}.rid = gm.rid" for n, _ in enumerate(others))
        return Sql(
            f"SELECT gm.rid FROM gm{joins} CROSS JOIN st INDEXED BY st_rid ON st.rid = gm.rid "
            f"AND {test.text} WHERE gm.g = ?",
            (*others, *test.parameters, first),
        )


def begins(column: str, prefix: str) -> Sql:
    """Return the test that a text begins with another, as an index serves it."""
    end = _after_prefix(prefix)
    return Sql(f"{column} >= ? AND {column} < ?", (prefix, end)) if end else Sql(f"{column} >= ?", (prefix,))


def _after_prefix(prefix: str) -> str | None:
    """Return the least text behind all that begin with the prefix, None if there is none."""
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1])
        if code < 0x10FFFF:
            return prefix[: end - 1] + chr(0xE000 if code + 1 == 0xD800 else code + 1)
    return None
