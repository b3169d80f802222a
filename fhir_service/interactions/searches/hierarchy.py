"""Hierarchies in what is asked of resources that the store does not have: `location:below=42`.

https://hl7.org/fhir/R4/search.html#recursive
"""

from dataclasses import replace

from fhir_service.fhir.search.query import AllOf, AnyOf, Clause, HierarchyValue, Match, NoneOf
from fhir_service.storage.store import Store


async def resolved(clause: Clause, store: Store) -> Clause:
    """Return the clause with the members of each hierarchy, as the store has them now, in its place."""
    match clause:
        case Match(parameter, values) if any(isinstance(value, HierarchyValue) for value in values):
            members = [await store.members(each) if isinstance(each, HierarchyValue) else each for each in values]
            return Match(parameter, tuple(members))
        case AnyOf(clauses) | AllOf(clauses) | NoneOf(clauses):
            return replace(clause, clauses=tuple([await resolved(each, store) for each in clauses]))
        case _:
            return clause
