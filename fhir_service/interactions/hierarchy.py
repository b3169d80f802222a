"""Searches through hierarchies: `location:below=42` finds what refers to 42 or to what is part of it.

The store is asked step by step for what belongs to the hierarchy, and the search is then for these. That is done before
a search only: a condition of a commit has to be looked up at once.
https://hl7.org/fhir/R4/search.html#recursive
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from fhir_service.fhir.json import decode
from fhir_service.fhir.reference import local_key
from fhir_service.fhir.search import problems
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.query import (
    HIERARCHIC,
    AllOf,
    AnyOf,
    Chain,
    Clause,
    Has,
    Match,
    NoneOf,
    Query,
    ReferenceValue,
)
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Cursor

MOST = 10_000
"""How many resources a hierarchy may have below one of them."""
_PAGE = 1_000


async def unfolded(query: Query, services: Services) -> Query:
    """Return the query with the members of each hierarchy in its place; itself if there is none."""
    if not any(map(_has_hierarchy, query.clauses)):
        return query
    return replace(query, clauses=await _all(query.clauses, services))


def _has_hierarchy(clause: Clause) -> bool:
    match clause:
        case Match(parameter, _, modifier):
            return modifier in HIERARCHIC and parameter.type == "reference"
        case Chain(_, clauses):
            return any(_has_hierarchy(each) for _, each in clauses)
        case Has(_, _, inner):
            return _has_hierarchy(inner)
        case AnyOf(clauses) | AllOf(clauses) | NoneOf(clauses):
            return any(map(_has_hierarchy, clauses))
        case _:
            return False


async def _all(clauses: Iterable[Clause], services: Services) -> tuple[Clause, ...]:
    return tuple([await _clause(each, services) for each in clauses])


async def _clause(clause: Clause, services: Services) -> Clause:
    if not _has_hierarchy(clause):
        return clause
    match clause:
        case Match():
            return await _members(clause, services)
        case Chain(_, clauses):
            return replace(clause, clauses=tuple([(type_, await _clause(each, services)) for type_, each in clauses]))
        case Has(_, _, inner):
            return replace(clause, clause=await _clause(inner, services))
        case AnyOf(clauses) | AllOf(clauses) | NoneOf(clauses):
            return replace(clause, clauses=await _all(clauses, services))
        case _:
            return clause


async def _members(match: Match, services: Services) -> Match:
    """Return the match for the values themselves and all that are below, or above, them."""
    step = _parents if match.modifier == "above" else _parts
    named = {target for value in match.values if isinstance(value, ReferenceValue) for target in value.targets}
    found, last = set(named), named
    while last:
        last = await step(last, services) - found
        found |= last
        if len(found) > len(named) + MOST:
            raise problems.too_costly()
    return Match(match.parameter, (ReferenceValue(tuple(sorted(found))),))


async def _parts(targets: set[str], services: Services) -> set[str]:
    """Return what is part of these."""
    found: set[str] = set()
    for type_, group in groupby(sorted(targets), lambda target: target.partition("/")[0]):
        if (parameter := _part_of(type_, services)) is None:
            continue
        query = Query(type_, (Match(parameter, (ReferenceValue(tuple(group)),)),))
        after: Cursor | None = None
        while True:
            page = await services.store.search(query, count=_PAGE, after=after)
            found.update(str(version.key) for version in page.matches)
            after = page.next
            if after is None or len(found) > MOST:
                break
    return found


async def _parents(targets: set[str], services: Services) -> set[str]:
    """Return what these are part of."""
    found: set[str] = set()
    for key in filter(None, (local_key(each, "") for each in sorted(targets))):
        if (parameter := _part_of(key.type, services)) is None:
            continue
        version = await services.store.read(key)
        if version is not None and not version.deleted:
            entries = services.indexer.index(decode(version.body)).references
            found.update(each.target for each in entries if each.code == parameter.code and each.target is not None)
    return found


def _part_of(resource_type: str, services: Services) -> SearchParameter | None:
    known = resource_type in services.definitions.resource_types
    return services.indexer.registry.part_of(resource_type) if known else None
