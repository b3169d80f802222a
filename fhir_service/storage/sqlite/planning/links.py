"""Clauses about other resources: chains and `_has`.

A reference's key is the target's rk XOR a constant of the parameter, so that from a target SQL comes to the resources
that refer to it through `ix`; from a resource it comes to its targets through `rf`. By canonical URL the canonical
stands between the two (`canonicals.py`).
https://hl7.org/fhir/R4/search.html#chaining
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_service.fhir.search.query import Chain, Has, Hop
from fhir_service.storage.sqlite.keys import key_of_target, parameter_id
from fhir_service.storage.sqlite.planning.canonicals import definitions, keys_of_names
from fhir_service.storage.sqlite.sql import Candidate, Context, Part, Sql, any_of, count_up_to, exists, union_all

SAMPLE = 16
"""So many targets are asked how many refer to them."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a reference parameter of a type leads to resources: by type and id, or by the canonical URL of `named` types.

    `f`, `t` and `x` are the aliases of rows of `rf`, `res` and `ix` in SQL.
    """

    resource_type: str
    code: str
    named: tuple[str, ...] = ()

    @property
    def p(self) -> int:
        return parameter_id(self.resource_type, self.code)

    def leads(self, f: str, t: str, target_type: str) -> str:
        """Return the test that a reference leads to a resource that stands and is of a type.

        A definition is of the type of its `url`: asked for that once more, SQLite would begin with all of the type.
        """
        if self.named:
            return f"{t}.rid IN ({definitions(f'{f}.tk', (target_type,), self.named)})"
        return f"{t}.rk = {f}.tk AND {t}.rtype = '{target_type}' AND {t}.deleted = 0"

    def comes(self, x: str, t: str, target_types: Sequence[str]) -> str:
        """Return the test that a key is that of a reference to a resource, which is of one of these types."""
        if self.named:
            found = keys_of_names(f"{t}.rid", target_types, self.named, self.resource_type, self.code)
            return f"{x}.k IN ({found})"
        return f"{x}.k = {key_of_target(t, self.resource_type, self.code)}"


def ways(source_type: str, link: Chain | Has | Hop) -> tuple[Way, ...]:
    """Return the ways in which the parameter of a step leads from a type to others."""
    parameter = link.parameter
    literal = (Way(source_type, parameter.holder or parameter.code),) if link.literal else ()
    return (*literal, Way(source_type, parameter.code, link.canonical)) if link.canonical else literal


@dataclass(frozen=True, slots=True)
class Chained:
    """Resources of a type whose reference leads to a resource that passes the part for its type."""

    way: Way
    targets: tuple[tuple[str, Part], ...]

    @property
    def drives(self) -> bool:
        return all(part.drives for _, part in self.targets)

    def probe(self, candidate: Candidate) -> Sql:
        return any_of([self._probe(candidate, type_, part) for type_, part in self.targets])

    def rids(self, depth: int = 0) -> Sql:
        return self._rows(depth, f"x{depth}.rid")

    def dated(self) -> Sql:
        """Return the SELECT of (d, rid), as their keys have both."""
        return self._rows(0, "x0.d, x0.rid")

    def estimate(self, context: Context, limit: int) -> int:
        """Return as many as refer to a target on average, for all of them: what refers to the first SAMPLE is counted.

        To count all of them takes as long as to gather them.
        """
        targets = sum(part.estimate(context, limit) for _, part in self.targets)
        if targets >= limit:
            return limit
        found = count_up_to(context.connection, self._rows(0, "x0.rid", SAMPLE), limit)
        return min(limit, found if targets <= SAMPLE else -(-found * targets // SAMPLE))

    def _probe(self, candidate: Candidate, target_type: str, part: Part) -> Sql:
        f, t = f"f{candidate.depth}", f"t{candidate.depth}"
        test = part.probe(Candidate(f"{t}.rid", f"{t}.d", candidate.depth + 1))
        return exists(
            Sql(
                f"SELECT 1 FROM rf {f} CROSS JOIN res {t} ON {self.way.leads(f, t, target_type)} "
                f"WHERE {f}.rid = {candidate.rid} AND {f}.p = ? AND {test.text}",
                (self.way.p, *test.parameters),
            )
        )

    def _rows(self, depth: int, columns: str, most: int | None = None) -> Sql:
        """Return the SELECT of the rows of `ix` that refer to a target of any type: the key tells nothing of it.

        Of the targets, the first `most` are meant.
        """
        s, t, x = f"s{depth}", f"t{depth}", f"x{depth}"
        select = union_all([part.rids(depth + 1) for _, part in self.targets])
        if most is not None:
            select = Sql(f"{select.text} LIMIT ?", (*select.parameters, most))
        comes = self.way.comes(x, t, [type_ for type_, _ in self.targets])
        return Sql(
            f"SELECT {columns} FROM ({select.text}) {s} CROSS JOIN res {t} ON {t}.rid = {s}.rid "
            f"CROSS JOIN ix {x} ON {comes}",
            select.parameters,
        )


@dataclass(frozen=True, slots=True)
class Had:
    """Resources of a type that a resource which passes the part refers to."""

    resource_type: str
    way: Way
    part: Part

    @property
    def drives(self) -> bool:
        return self.part.drives

    def probe(self, candidate: Candidate) -> Sql:
        t, x = f"t{candidate.depth}", f"x{candidate.depth}"
        test = self.part.probe(Candidate(f"{x}.rid", f"{x}.d", candidate.depth + 1))
        return exists(
            Sql(
                f"SELECT 1 FROM res {t} CROSS JOIN ix {x} ON {self.way.comes(x, t, (self.resource_type,))} "
                f"WHERE {t}.rid = {candidate.rid} AND {test.text}",
                test.parameters,
            )
        )

    def rids(self, depth: int = 0) -> Sql:
        s, f, t = f"s{depth}", f"f{depth}", f"t{depth}"
        select = self.part.rids(depth + 1)
        return Sql(
            f"SELECT {t}.rid FROM ({select.text}) {s} CROSS JOIN rf {f} ON {f}.rid = {s}.rid AND {f}.p = ? "
            f"CROSS JOIN res {t} ON {self.way.leads(f, t, self.resource_type)}",
            (*select.parameters, self.way.p),
        )

    def estimate(self, context: Context, limit: int) -> int:
        return self.part.estimate(context, limit)
