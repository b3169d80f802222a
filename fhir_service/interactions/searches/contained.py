"""`_contained=true` and `both`: contained resources as matches, or (`_containedType=container`) what contains them.

Each resource that contains one of the type is asked, which is bounded; with `both` the contained ones come after the
others. A contained resource has the URL of its container with `#` and its id.
https://hl7.org/fhir/R4/search.html#contained
"""

from collections.abc import Sequence
from dataclasses import replace

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.contained import holding
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.parsing.draft import ParsedSearch
from fhir_service.fhir.search.query import AllOf
from fhir_service.interactions.searches.contained_clauses import ContainedSearch, Container
from fhir_service.interactions.services import Services
from fhir_service.storage.order import Place, SortValue, directions, sort_values
from fhir_service.storage.store import Cursor, Page, Version

MOST_CONTAINERS = 2_000
"""As many resources are asked whether they contain what is searched for."""


_MARK = "#"
"""Where a cursor among contained resources begins; the number after it is how many come before."""


async def contained_page(
    parsed: ParsedSearch, services: Services, *, count: int, after: Cursor | None, before: Cursor | None, total: bool
) -> Page:
    """Return a page as `Store.search` does; a contained resource stands in it as a version of its own."""
    _check(parsed)
    found = await _matches(parsed, services)
    place = after or before
    if parsed.contained == "true" or (place and place[0] == _MARK):
        return _slice(found, count, after, before)
    page = await services.store.search(parsed.query, count=count, after=after, before=before, total=total)
    room = 0 if page.next else count - len(page.matches)
    further: Cursor | None = (_MARK, room) if len(found) > room else None
    return replace(
        page,
        matches=(*page.matches, *found[:room]),
        next=page.next or further,
        total=None if page.total is None else page.total + len(found),
    )


def _slice(found: Sequence[Version], count: int, after: Cursor | None, before: Cursor | None) -> Page:
    first = int((after or (0, 0))[1] or 0)
    last = first + count
    if before is not None:
        last = int(before[1] or 0)
        first = max(0, last - count)
    return Page(
        tuple(found[first:last]),
        total=len(found),
        next=(_MARK, last) if last < len(found) else None,
        previous=(_MARK, first) if first else None,
    )


async def _matches(parsed: ParsedSearch, services: Services) -> Sequence[Version]:
    """Return the contained resources that match, in the order asked for, or the resources that contain them."""
    wanted = parsed.query.resource_type
    first, *also = [holding(each, wanted) for each in sorted(services.definitions.resource_types)]
    page = await services.store.search(first, also=also, count=MOST_CONTAINERS)
    if page.next is not None:
        raise _too_many()
    inside = [
        each for version in page.matches for each in Container(version, services).contained if each.type == wanted
    ]
    passed = await ContainedSearch(services).fulfilling(AllOf(parsed.query.clauses), set(inside))
    found: list[tuple[Place, Version]] = []
    for each in inside:
        if each in passed:
            container = each.container.version
            shown = container if parsed.contained_type == "container" else _contained(container, each.resource)
            found.append((_place(parsed, each.entries, len(found)), shown))
    found.sort(key=lambda pair: pair[0])
    return list({version.key: version for _, version in found}.values())[: parsed.most]


def _contained(container: Version, resource: Resource) -> Version:
    key = Key(container.key.type, f"{container.key.id}#{resource.get('id', '')}")
    return container._replace(key=key, body=json.encode(resource))


def _place(parsed: ParsedSearch, entries: IndexEntries, number: int) -> Place:
    keys: list[SortValue] = []
    for sort in parsed.query.sort:
        values = list(sort_values(sort, entries))
        keys.append(max(values, default=None) if sort.descending else min(values, default=None))
    keys = keys or [None]
    return Place((*keys, number), (*directions(replace(parsed.query, among=True))[: len(keys)], False))


def _check(parsed: ParsedSearch) -> None:
    """Raise 400 for what has no meaning on contained resources."""
    if parsed.query.includes:
        raise problems.excluded(f"_contained={parsed.contained}", "_include, _revinclude")
    if parsed.contained == "both" and parsed.most is not None:
        raise problems.excluded("_contained=both", "_maxresults")
    if any(isinstance(sort.parameter, str) or sort.through for sort in parsed.query.sort):
        raise problems.excluded(f"_contained={parsed.contained}", "_sort=_id, _lastUpdated, a.b")


def only_of_one_type(scope: str) -> FhirError:
    """Return the error for `_contained` in a search that is not of one type."""
    return fhir_error(
        "not-supported",
        "_contained=trueとbothは、一つの型の検索でだけ使えます。",
        f"_contained=true and both are for a search of one type, not for '{scope or '/'}'.",
        ("http._contained",),
    )


def _too_many() -> FhirError:
    return fhir_error(
        "too-costly",
        f"この型のリソースを含むリソースが{MOST_CONTAINERS}件を超えるため、_containedの検索はできません。",
        f"More than {MOST_CONTAINERS} resources contain one of this type; they cannot be searched by _contained.",
    )
