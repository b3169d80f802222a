"""How a search is answered, for whoever asks with `_explain=true`: names of parameters and tables, never a value.

https://hl7.org/fhir/R4/search.html
"""

from dataclasses import dataclass

from fhir_service.fhir.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Clause,
    Has,
    LastUpdatedMatch,
    Match,
    NoneOf,
    Query,
    WordsMatch,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One clause. `rows` is about how many resources fulfil it, None where that was not worked out; `more`: or more."""

    clause: str
    tables: tuple[str, ...] = ()
    rows: int | None = None
    more: bool = False
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """The way to the matches of one type.

    `order` is what the page is sorted by, `start` where the search begins; `statement` its SQL with `?` for each value,
    `plan` what the database says about that.
    """

    resource_type: str
    order: str
    start: str
    steps: tuple[Step, ...]
    statement: str = ""
    plan: tuple[str, ...] = ()


def explained(query: Query, resources: int) -> Explanation:
    """Return how a backend without an index answers: it asks each resource of the type."""
    steps = tuple(Step(described(clause)) for clause in query.clauses)
    return Explanation(query.resource_type, order_described(query), f"all {resources} of {query.resource_type}", steps)


def order_described(query: Query) -> str:
    """Return what a search sorts by."""
    keys = []
    for sort in query.sort:
        last = sort.parameter if isinstance(sort.parameter, str) else sort.parameter.code
        path = [f"{hop.parameter.code}:{hop.target}" for hop in sort.through]
        keys.append(("-" if sort.descending else "") + ".".join((*path, last)))
    return ",".join(keys) or "primary date"


def described(clause: Clause) -> str:
    """Return the clause as a request names it, without its values."""
    match clause:
        case Match(parameter, values, modifier):
            name = parameter.code + (f":{modifier}" if modifier else "")
            return (
                f"{name} ({parameter.type}, {len(values)} values)" if len(values) > 1 else f"{name} ({parameter.type})"
            )
        case Chain(parameter, clauses):
            named = ", ".join(f"{type_}.{described(rest)}" for type_, rest in clauses[:3])
            return f"{parameter.code} → {named}{', …' if len(clauses) > 3 else ''}"
        case Has(resource_type, parameter, rest):
            return f"_has {resource_type}:{parameter.code} → {described(rest)}"
        case AnyOf(clauses):
            return " or ".join(map(described, clauses)).join("()")
        case AllOf(clauses):
            return " and ".join(map(described, clauses)).join("()")
        case NoneOf(clauses):
            return "not " + " or ".join(map(described, clauses)).join("()")
        case WordsMatch(where):
            return "_text" if where == "narrative" else "_content"
        case LastUpdatedMatch():
            return "_lastUpdated"
        case _:
            return "_id"
