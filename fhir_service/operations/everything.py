"""[type]/[id]/$everything: what is on record about a person, a group, an encounter or an episode, page by page.

A page holds the next resources about it, and beside them (mode `include`, each on the first page that needs it) what
these refer to: organisations, practitioners, medications, but never another patient. The first page begins with the
resource itself, over and above `_count`. `Patient/$everything` walks all patients, one after the other.
https://hl7.org/fhir/R4/patient-operation-everything.html, …/group-operation-everything.html and
…/encounter-operation-everything.html; that of an EpisodeOfCare is our own (`profiles/operations`).
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.reference import local_key
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.dates import EARLIEST, LATEST, Bounds, bounds
from fhir_service.interactions.answers import cursor
from fhir_service.interactions.answers.assembly import Link, bundle, entries, format_parameters, query_string, url
from fhir_service.interactions.answers.cursor import Position
from fhir_service.interactions.answers.versions import standing
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.everything_patients import EveryPatient
from fhir_service.operations.everything_walk import WHOLE_DOCUMENTS, Found, Root, Walk
from fhir_service.operations.parameters import Given, given, refused, text, whole_number
from fhir_service.storage.store import Cursor, Version

MOST_ENCOUNTERS = 10_000  # of one episode
MOST_ROUNDS = 200  # of looking for something to show on a page
MOST_MARKS = 1_000  # of resources beside the matches that a page link remembers, to show each only once
_ALWAYS = frozenset({"_since", "_type", "_count"})
_CARE_DATES = frozenset({"start", "end"})


class Kind(NamedTuple):
    """How the operation is on one type; in the patient compartment, what others refer to holds nothing of patients."""

    definition: str
    parameters: frozenset[str]
    roots: Callable[[Found, str, Services], Awaitable[list[Root]]]
    in_patient_compartment: bool


class Asked(NamedTuple):
    """What the parameters ask for; `care` are the bounds of the care dates, None if any date will do."""

    size: int
    types: frozenset[str]
    since: int | None
    care: Bounds | None
    understood: tuple[tuple[str, str], ...]


async def everything(kind: Kind, request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of everything about this resource, or all patients, as a searchset Bundle; 404 or 410 if none."""
    asked = _asked(given(request, kind.parameters), services)
    bound_to = f"{'/'.join(request.path)}?{query_string(asked.understood)}"
    token = dict(request.query).get(cursor.PARAMETER)
    seen, after = _place(cursor.position(token, bound_to, services.secret).cursor) if token else ("", None)
    walk, first = await _walk(kind, asked, request, services)
    itself = {each.version.key for each in first}
    page = await _page(kind, walk, first if after is None else [], itself, asked, seen, after)
    if page.end is not None:
        ahead = await _page(kind, walk, [], itself, asked._replace(size=1), page.seen, page.end)
        page = page if ahead.matches or ahead.others else page._replace(end=None)

    end = None if page.end is None else (page.seen, *page.end)
    links = _links(request, asked, end, bound_to, services.secret)
    both = [*entries(page.matches, "match", request.base), *entries(page.others, "include", request.base)]
    return FhirResponse(200, bundle("searchset", links, both))


class _Page(NamedTuple):
    """What a page shows, where it ends, and what was shown beside the matches so far."""

    matches: list[Version]
    others: list[Version]
    seen: str
    end: Cursor | None


async def _walk(
    kind: Kind, asked: Asked, request: FhirRequest, services: Services
) -> tuple[Walk | EveryPatient, list[Found]]:
    """Return the walk, and the resource itself, which stands before what the walk finds."""
    if len(request.path) == 2:
        within = _members("Patient", services)
        return EveryPatient(within, asked.types, asked.care, request.base, services), []
    key = Key(*request.path[:2])
    version = standing(key, await services.store.read(key))
    itself = Found(version, decode_resource(version.body))
    roots = await kind.roots(itself, request.base, services)
    return Walk(roots, asked.types, asked.care, request.base, services), [itself]


async def _page(
    kind: Kind,
    walk: Walk | EveryPatient,
    first: list[Found],
    itself: Collection[Key],
    asked: Asked,
    seen: str,
    after: Cursor | None,
) -> _Page:
    """Walk on until there is something to show, so that no page is empty where `_since` or `_type` leave out much."""
    at = after
    for _ in range(MOST_ROUNDS):
        reached, end = await walk.page(asked.size, at)
        found = [each for each in reached if each.version.key not in itself]  # a Group is in its members' compartments
        matches = [each.version for each in (*first, *found) if _wanted(each.version, asked)]
        shown = {each.version.key for each in found}.union(itself)
        referred = [each for each in await _referred(kind, walk, first, found) if each.key not in shown]
        others = [each for each in referred if _wanted(each, asked) and not _is_in(each.key, seen)]
        if matches or others or end is None:
            break
        first, at = [], end
        await asyncio.sleep(0)  # others are answered meanwhile
    return _Page(matches, others, _with(others, seen), end)


async def _referred(kind: Kind, walk: Walk | EveryPatient, first: list[Found], found: list[Found]) -> list[Version]:
    """Return what matches refer to: no other patient than that of the encounter or episode, and none of theirs."""
    if kind.in_patient_compartment:
        return await walk.referred([*first, *found], walk.services.definitions.compartment("Patient"))
    return [*await walk.referred(first, ()), *await walk.referred(found, {"Patient", "Group", "RelatedPerson"})]


def _place(position: Cursor) -> tuple[str, Cursor]:
    seen, *after = position
    return str(seen), tuple(after)


def _mark(key: Key) -> str:
    """Return eight characters that stand for a resource in a page link."""
    return urlsafe_b64encode(blake2b(str(key).encode(), digest_size=6).digest()).decode("ascii")


def _is_in(key: Key, seen: str) -> bool:
    mark = _mark(key)
    return any(seen.startswith(mark, n) for n in range(0, len(seen), len(mark)))


def _with(others: Iterable[Version], seen: str) -> str:
    """Return the marks with those of these resources, as far as a page link can hold them."""
    marks = (_mark(each.key) for each in others)
    return seen if len(seen) >= MOST_MARKS * 8 else seen + "".join(marks)[: MOST_MARKS * 8 - len(seen)]


async def _of_patient(itself: Found, base: str, services: Services) -> list[Root]:
    return [Root(itself.version.key, _members("Patient", services))]


async def _of_encounter(itself: Found, base: str, services: Services) -> list[Root]:
    return [Root(itself.version.key, _members("Encounter", services))]


async def _of_episode(itself: Found, base: str, services: Services) -> list[Root]:
    """Return the episode and its encounters, each with what is within it."""
    key, within = itself.version.key, _members("Encounter", services)
    encounters: list[Root] = []
    after: Cursor | None = None
    while True:
        page = await services.store.referrers(key, ["Encounter"], count=services.max_count, after=after)
        encounters += [Root(version.key, within, shown=True) for version in page.matches]
        if len(encounters) > MOST_ENCOUNTERS:
            raise _too_many(MOST_ENCOUNTERS)
        if (after := page.next) is None:
            break
    others = services.definitions.resource_types - WHOLE_DOCUMENTS - {"Encounter", "EpisodeOfCare", "AuditEvent"}
    return sorted([*encounters, Root(key, others)])


async def _of_group(itself: Found, base: str, services: Services) -> list[Root]:
    """Return the patients who are in the group now."""
    members = [each["entity"] for each in itself.resource.get("member", ()) if not each.get("inactive")]
    keys = {local_key(entity.get("reference", ""), base) for entity in members}
    within = _members("Patient", services)
    return sorted(Root(key, within, shown=True) for key in keys if key is not None and key.type == "Patient")


def _members(compartment: str, services: Services) -> frozenset[str]:
    """Return the types in a compartment; the resource itself stands at the beginning, others of its type nowhere."""
    return frozenset(services.definitions.compartment(compartment)) - {compartment} - WHOLE_DOCUMENTS


def _asked(pairs: Iterable[Given], services: Services) -> Asked:
    size, since, low, high = services.default_count, None, EARLIEST, LATEST
    types: set[str] = set()
    understood: list[tuple[str, str]] = []
    for name, value in pairs:
        said = text(name, value)
        match name:
            case "_count":
                size = min(whole_number(name, value), services.max_count)
            case "_since":
                since = _bounds(name, said)[0]
            case "start":
                low = _bounds(name, said)[0]
            case "end":
                high = _bounds(name, said)[1]
            case _:
                types |= _types(said, services)
        understood.append((name, str(size) if name == "_count" else said))
    care = None if (low, high) == (EARLIEST, LATEST) else (low, high)
    return Asked(size, frozenset(types), since, care, tuple(understood))


def _bounds(name: str, value: str) -> Bounds:
    found = bounds(value.replace(" ", "+"))  # an unescaped + has become a space
    if found is None:
        raise refused(name, f"の日時「{value[:40]}」が読めません", f'has a time that cannot be read: "{value[:40]}"')
    return found


def _types(value: str, services: Services) -> set[str]:
    types = {each for each in value.split(",") if each}
    if unknown := types - services.definitions.resource_types:
        names = ", ".join(sorted(unknown))[:80]
        raise refused("_type", f"にR4にない型があります({names})", f"names types that R4 does not have: {names}")
    return types


def _wanted(version: Version, asked: Asked) -> bool:
    typed = not asked.types or version.key.type in asked.types
    return typed and (asked.since is None or version.updated >= asked.since)


def _links(request: FhirRequest, asked: Asked, end: Cursor | None, bound_to: str, secret: bytes) -> list[Link]:
    address = f"{request.base}/{'/'.join(request.path)}"
    shown = (*asked.understood, *format_parameters(request.query))
    links = [("self", url(address, query_string((*shown, *cursor.given(request.query)))))]
    if end is not None:
        token = cursor.token(Position("after", end), bound_to, secret)
        links.append(("next", url(address, query_string((*shown, (cursor.PARAMETER, token))))))
    return links


def _too_many(limit: int) -> FhirError:
    ja, en = f"受診が{limit:,}件を超えています。", f"There are more than {limit:,} encounters."
    return fhir_error("too-costly", ja, en)


_R4 = "http://hl7.org/fhir/OperationDefinition"
KINDS = {
    "Patient": Kind(f"{_R4}/Patient-everything", _ALWAYS | _CARE_DATES, _of_patient, True),
    "Group": Kind(f"{_R4}/Group-everything", _ALWAYS | _CARE_DATES, _of_group, True),
    "Encounter": Kind(f"{_R4}/Encounter-everything", _ALWAYS, _of_encounter, False),
    "EpisodeOfCare": Kind(
        "https://example.jp/fhir/outreach/OperationDefinition/EpisodeOfCare-everything",
        _ALWAYS | _CARE_DATES,
        _of_episode,
        False,
    ),
}
OPERATIONS = tuple(
    Operation(
        "everything",
        kind.definition,
        frozenset({"type", "instance"} if resource_type == "Patient" else {"instance"}),
        frozenset({"GET", "POST"}),
        partial(everything, kind),
        frozenset({resource_type}),
    )
    for resource_type, kind in KINDS.items()
)
