"""Search within a compartment: of one type (`Patient/1/Observation`), or of all its types (`Patient/1/*`).

A resource is in the compartment if one of the parameters that the CompartmentDefinition names for its type leads to
the compartment's own resource, which is in it as well. Over all types the matches stand type by type; what is asked
has to have a meaning on each type, so that `_type` narrows it.
https://hl7.org/fhir/R4/http.html#vsearch and https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from collections.abc import Iterable
from dataclasses import replace

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.clauses import Criterion
from fhir_service.fhir.search.query import AnyOf, Clause, IdMatch
from fhir_service.fhir.search.values import Reading
from fhir_service.interactions import cursor
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.searchset import Asked, answered, asked_of, searchset
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Cursor, Page, Version

_TYPE = "_type"


async def search_compartment_type(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of the resources of one type in the compartment as a searchset Bundle."""
    key, resource_type = Key(*request.path[:2]), request.path[2]
    asked = _asked(key, resource_type, f"{key}/{resource_type}", request, services)
    return await answered(asked, request, services)


async def search_compartment(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of the resources of several types in the compartment as a searchset Bundle."""
    key = Key(*request.path[:2])
    by_type = {each: _asked(key, each, f"{key}/*", request, services) for each in _types(key, request, services)}
    asked = _all_of(by_type.values(), request)
    if asked.only_count:
        return searchset(asked, Page(()), await _total(by_type, services), request, services)

    token = dict(request.query).get(cursor.PARAMETER)
    after = cursor.position(token, asked.bound_to, services.secret).cursor if token else None
    page = await _page(by_type, asked.size, after, services)
    total = await _total(by_type, services) if asked.counted else None
    if total is None and asked.parsed.total is None and after is None and page.next is None:
        total = len(page.matches)
    return searchset(asked, page, total, request, services)


async def _page(by_type: dict[str, Asked], size: int, after: Cursor | None, services: Services) -> Page:
    """Return a page over the types in their order; its cursor begins with the type where it ends."""
    matches: list[Version] = []
    included: dict[Key, Version] = {}
    end: Cursor | None = None
    for resource_type, asked in by_type.items():
        if after is not None and resource_type < str(after[0]):
            continue
        begin = after[1:] if after is not None and resource_type == after[0] else None
        if len(matches) == size:
            # Whether there are more is seen only here: a next link never leads to nothing.
            if (await services.store.search(asked.parsed.query, count=1)).matches:
                end = end or (resource_type,)
                break
            continue
        page = await services.store.search(asked.parsed.query, count=size - len(matches), after=begin or None)
        matches += page.matches
        included |= {version.key: version for version in page.included}
        if page.next is not None:
            end = (resource_type, *page.next)
            break
    for match in matches:
        included.pop(match.key, None)
    return Page(tuple(matches), tuple(included.values()), next=end)


async def _total(by_type: dict[str, Asked], services: Services) -> int:
    pages = [await services.store.search(each.parsed.query, count=0, total=True) for each in by_type.values()]
    return sum(page.total or 0 for page in pages)


def _asked(key: Key, resource_type: str, scope: str, request: FhirRequest, services: Services) -> Asked:
    query = [pair for pair in request.query if pair[0] != _TYPE or not scope.endswith("*")]
    within = _within(key, resource_type, request.base, services)
    return asked_of(resource_type, scope, query, request, services, within)


def _all_of(asked: Iterable[Asked], request: FhirRequest) -> Asked:
    """Return what the types are asked in common, and how the links say it."""
    first, *others = asked
    ignored = dict.fromkeys(name for each in (first, *others) for name in each.parsed.ignored)
    types = [f"{_TYPE}={value}" for name, value in request.query if name == _TYPE]
    understood = "&".join([*types, *([first.understood] if first.understood else [])])
    return first._replace(parsed=replace(first.parsed, ignored=tuple(ignored)), understood=understood)


def _within(key: Key, resource_type: str, base: str, services: Services) -> Clause:
    """Return the clause that a resource of this type is in the compartment."""
    codes = _members(key, services).get(resource_type)
    if codes is None:
        raise _not_a_member(key, resource_type)
    reading = Reading(services.indexer.registry, base, 0)
    clauses = [Criterion(code, str(key), reading).clause(resource_type) for code in codes]
    if resource_type == key.type:
        clauses.append(IdMatch((key.id,)))
    return AnyOf(tuple(clauses))


def _members(key: Key, services: Services) -> dict[str, tuple[str, ...]]:
    """Return the types of the compartment with their parameters; 404 if R4 has no such compartment."""
    try:
        return {key.type: (), **services.definitions.compartment(key.type)}
    except KeyError:
        ja, en = f"FHIR R4に{key.type}のコンパートメントはありません。", f"FHIR R4 has no compartment of a {key.type}."
        raise FhirError(Issue("not-supported", ja, en), status=404) from None


def _types(key: Key, request: FhirRequest, services: Services) -> list[str]:
    """Return the types to search, in their order: those of the compartment, or those that `_type` names."""
    members = _members(key, services)
    named = [each for name, value in request.query if name == _TYPE for each in value.split(",")]
    for each in named:
        if each not in members:
            raise _not_a_member(key, each)
    if any(name == "_sort" for name, _ in request.query):
        ja, en = "すべての型の検索では_sortは使えません。", "_sort is not possible over all types."
        raise FhirError(Issue("not-supported", ja, en, ("http._sort",)))
    return sorted(set(named) or members)


def _not_a_member(key: Key, resource_type: str) -> FhirError:
    shown = resource_type[:60]
    ja = f"「{shown}」は{key.type}のコンパートメントに入る型ではありません。"
    return FhirError(Issue("not-supported", ja, f'"{shown}" is no type of the {key.type} compartment.'))
