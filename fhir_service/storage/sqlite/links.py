"""Clauses about other resources: chains and `_has`.

A reference's key is the target's rk XOR a constant of the parameter, so that from a target SQL comes to the resources
that refer to it through `ix`; from a resource it comes to its targets through `rf`.
https://hl7.org/fhir/R4/search.html#chaining
"""

from dataclasses import dataclass

from fhir_service.storage.sqlite.keys import key_of_target, parameter_id
from fhir_service.storage.sqlite.sql import Candidate, Context, Part, Sql, any_of, count_up_to, exists, union_all


@dataclass(frozen=True, slots=True)
class Chained:
    """Resources of a type whose reference leads to a resource that passes the part for its type."""

    resource_type: str
    code: str
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
        if sum(part.estimate(context, limit) for _, part in self.targets) >= limit:
            return limit
        return count_up_to(context.connection, self.rids(), limit)

    def _probe(self, candidate: Candidate, target_type: str, part: Part) -> Sql:
        f, t = f"f{candidate.depth}", f"t{candidate.depth}"
        test = part.probe(Candidate(f"{t}.rid", f"{t}.d", candidate.depth + 1))
        return exists(
            Sql(
                f"SELECT 1 FROM rf {f} CROSS JOIN res {t} ON {t}.rk = {f}.tk "
                f"WHERE {f}.rid = {candidate.rid} AND {f}.p = ? AND {t}.rtype = ? AND {t}.deleted = 0 AND {test.text}",
                (parameter_id(self.resource_type, self.code), target_type, *test.parameters),
            )
        )

    def _rows(self, depth: int, columns: str) -> Sql:
        """Return the SELECT of the rows of `ix` that refer to a target of any type: the key tells nothing of it."""
        s, t, x = f"s{depth}", f"t{depth}", f"x{depth}"
        select = union_all([part.rids(depth + 1) for _, part in self.targets])
        key = key_of_target(t, self.resource_type, self.code)
        return Sql(
            f"SELECT {columns} FROM ({select.text}) {s} CROSS JOIN res {t} ON {t}.rid = {s}.rid "
            f"CROSS JOIN ix {x} ON {x}.k = {key}",
            select.parameters,
        )


@dataclass(frozen=True, slots=True)
class Had:
    """Resources of a type that a resource of `source_type`, which passes the part, refers to."""

    resource_type: str
    source_type: str
    code: str
    part: Part

    @property
    def drives(self) -> bool:
        return self.part.drives

    def probe(self, candidate: Candidate) -> Sql:
        t, x = f"t{candidate.depth}", f"x{candidate.depth}"
        test = self.part.probe(Candidate(f"{x}.rid", f"{x}.d", candidate.depth + 1))
        key = key_of_target(t, self.source_type, self.code)
        return exists(
            Sql(
                f"SELECT 1 FROM res {t} CROSS JOIN ix {x} ON {x}.k = {key} "
                f"WHERE {t}.rid = {candidate.rid} AND {test.text}",
                test.parameters,
            )
        )

    def rids(self, depth: int = 0) -> Sql:
        s, f, t = f"s{depth}", f"f{depth}", f"t{depth}"
        select = self.part.rids(depth + 1)
        return Sql(
            f"SELECT {t}.rid FROM ({select.text}) {s} CROSS JOIN rf {f} ON {f}.rid = {s}.rid AND {f}.p = ? "
            f"CROSS JOIN res {t} ON {t}.rk = {f}.tk WHERE {t}.rtype = ? AND {t}.deleted = 0",
            (*select.parameters, parameter_id(self.source_type, self.code), self.resource_type),
        )

    def estimate(self, context: Context, limit: int) -> int:
        return self.part.estimate(context, limit)
