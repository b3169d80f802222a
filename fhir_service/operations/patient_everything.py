"""Patient/[id]/$everything: what is on record about a person, and what that refers to, page by page.

A page holds the next resources of the patient's compartment, and beside them (mode `include`, again on each page that
needs them) what these refer to: organisations, practitioners, medications, but never another patient. The first page
begins with the Patient itself, over and above `_count`.
https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from collections.abc import Iterable
from typing import NamedTuple

from fhir_service.fhir.json import decode
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.reference import local_key, references
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.dates import EARLIEST, LATEST, Bounds, bounds
from fhir_service.interactions import cursor
from fhir_service.interactions.assembly import Link, bundle, format_parameters, query_string, url
from fhir_service.interactions.cursor import Position
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.preference import preference
from fhir_service.interactions.services import Operation, Services
from fhir_service.interactions.versions import standing
from fhir_service.storage.store import Cursor, Version

MOST_READS = 20  # of the store for one page, where the dates asked for leave little of each
WHOLE_DOCUMENTS = frozenset(
    {"Binary", "Bundle"}
)  # what they hold is there as resources; the DocumentReference names them
_NOT_OURS = frozenset({"_format", "_pretty", cursor.PARAMETER})


class Asked(NamedTuple):
    """What the parameters ask for; `care` are the bounds of the care dates, None if any date will do."""

    size: int
    types: frozenset[str]
    since: int | None
    care: Bounds | None
    understood: tuple[tuple[str, str], ...]


async def patient_everything(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of everything about this patient as a searchset Bundle; 404 or 410 if there is no such patient."""
    key = Key(*request.path[:2])
    patient = standing(key, await services.store.read(key))
    asked = _asked(request, services)
    bound_to = f"{key}/$everything?{query_string(asked.understood)}"
    token = dict(_parameters(request)).get(cursor.PARAMETER)
    after = cursor.position(token, bound_to, services.secret).cursor if token else None

    found, end = await _compartment(key, asked, after, services)
    referred = await _referred(found, request.base, services)
    matches = [*([patient] if after is None else []), *(version for version, _ in found)]

    links = _links(request, asked, end, bound_to, services.secret)
    entries = [
        *_entries((each for each in matches if _wanted(each, asked)), "match", request.base),
        *_entries((each for each in referred if _wanted(each, asked)), "include", request.base),
    ]
    return FhirResponse(200, bundle("searchset", links, entries))


OPERATION = Operation(
    name="everything",
    definition="http://hl7.org/fhir/OperationDefinition/Patient-everything",
    levels=frozenset({"instance"}),
    methods=frozenset({"GET", "POST"}),
    run=patient_everything,
    types=frozenset({"Patient"}),
)


async def _compartment(
    key: Key, asked: Asked, after: Cursor | None, services: Services
) -> tuple[list[tuple[Version, Resource]], Cursor | None]:
    """Return the next resources about the patient, and where they end (None: there are no more)."""
    members = frozenset(services.definitions.compartment("Patient")) - {"Patient"}
    # A type outside the compartment (Organization) is there because something within refers to it.
    visited = asked.types & members if asked.types and asked.types <= members | {"Patient"} else members
    found: list[tuple[Version, Resource]] = []
    if not visited:
        return found, None
    for _ in range(MOST_READS):
        page = await services.store.referrers(key, sorted(visited), count=asked.size - len(found), after=after)
        decoded = ((version, decode(version.body)) for version in page.matches)
        found += [each for each in decoded if _in_care(each[1], asked, services)]
        after = page.next
        if after is None or len(found) >= asked.size:
            break
    return found, after


async def _referred(found: Iterable[tuple[Version, Resource]], base: str, services: Services) -> list[Version]:
    """Return what these refer to on this server outside the compartment: no other patient, and none of theirs."""
    left_out = services.definitions.compartment("Patient").keys() | WHOLE_DOCUMENTS
    keys = {
        key: None
        for _, resource in found
        for reference in references(resource)
        if (key := local_key(reference.text, base)) and key.type not in left_out
    }
    return [*(await services.store.read_many([*keys])).values()]


def _in_care(resource: Resource, asked: Asked, services: Services) -> bool:
    """Whether its care dates touch those asked for; what has no such date is always in."""
    if asked.care is None:
        return True
    code = services.indexer.registry.primary_date(resource["resourceType"])
    spans = [(each.low, each.high) for each in services.indexer.index(resource).dates if each.code == code]
    return not spans or any(low <= asked.care[1] and high >= asked.care[0] for low, high in spans)


def _wanted(version: Version, asked: Asked) -> bool:
    typed = not asked.types or version.key.type in asked.types
    return typed and (asked.since is None or version.updated >= asked.since)


def _entries(versions: Iterable[Version], mode: str, base: str) -> Iterable[bytes]:
    for version in versions:
        yield b'{"fullUrl":"%b/%b","resource":%b,"search":{"mode":"%b"}}' % (
            base.encode(),
            str(version.key).encode(),
            version.body,
            mode.encode(),
        )


def _links(request: FhirRequest, asked: Asked, end: Cursor | None, bound_to: str, secret: bytes) -> list[Link]:
    address = f"{request.base}/{'/'.join(request.path)}"
    shown = (*asked.understood, *format_parameters(request.query))
    links = [("self", url(address, query_string(shown)))]
    if end is not None:
        token = cursor.token(Position("after", end), bound_to, secret)
        links.append(("next", url(address, query_string((*shown, (cursor.PARAMETER, token))))))
    return links


def _parameters(request: FhirRequest) -> list[tuple[str, str]]:
    """Return the parameters of the URL, and those of a Parameters resource in the body."""
    given: list[tuple[str, str]] = [*request.query]
    match request.body:
        case {"resourceType": "Parameters", "parameter": list(parameters)}:
            for each in parameters:
                given += [(each["name"], str(each[name])) for name in each if name.startswith("value")]
    return given


def _asked(request: FhirRequest, services: Services) -> Asked:
    size, since, low, high = services.default_count, None, EARLIEST, LATEST
    types: set[str] = set()
    understood: list[tuple[str, str]] = []
    for name, value in _parameters(request):
        match name:
            case "_count":
                size = min(_count(value), services.max_count)
            case "_since":
                since = _bounds(name, value)[0]
            case "start":
                low = _bounds(name, value)[0]
            case "end":
                high = _bounds(name, value)[1]
            case "_type":
                types |= _types(value, services)
            case _:
                if name not in _NOT_OURS and not preference(request.headers).lenient:
                    raise _refused(name, "は$everythingのパラメーターではありません", "is no parameter of $everything")
                continue
        understood.append((name, str(size) if name == "_count" else value))
    care = None if (low, high) == (EARLIEST, LATEST) else (low, high)
    return Asked(size, frozenset(types), since, care, tuple(understood))


def _count(value: str) -> int:
    if not (value.isascii() and value.isdecimal()) or not int(value[:9]):
        raise _refused("_count", "は1以上の整数で指定してください", "must be a whole number, 1 or more")
    return int(value[:9])


def _bounds(name: str, value: str) -> Bounds:
    found = bounds(value.replace(" ", "+"))  # an unescaped + has become a space
    if found is None:
        raise _refused(name, f"の日時「{value[:40]}」が読めません", f'has a time that cannot be read: "{value[:40]}"')
    return found


def _types(value: str, services: Services) -> set[str]:
    types = {each for each in value.split(",") if each}
    if unknown := types - services.definitions.resource_types:
        names = ", ".join(sorted(unknown))[:80]
        raise _refused("_type", f"にR4にない型があります({names})", f"names types that R4 does not have: {names}")
    return types


def _refused(name: str, ja: str, en: str) -> FhirError:
    return FhirError(Issue("value", f"「{name[:40]}」{ja}。", f'"{name[:40]}" {en}.', (f"http.{name[:40]}",)))
