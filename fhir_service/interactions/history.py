"""The history interaction: the versions of one resource, of a type, or of all, newest first.

Every page says the total. `_since` and `_at` are as the specification has them; a date without a zone is Japanese.
`_summary` and `_elements` give parts of each version.
https://hl7.org/fhir/R4/http.html#history
"""

from typing import NamedTuple

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.dates import Bounds, bounds
from fhir_service.fhir.search.results import CHOICES
from fhir_service.interactions import cursor
from fhir_service.interactions.assembly import Link, bundle, format_parameters, query_string, url
from fhir_service.interactions.cursor import Position
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.preference import preference
from fhir_service.interactions.services import Services
from fhir_service.interactions.subsets import subset
from fhir_service.interactions.versions import etag, not_found
from fhir_service.storage.stamp import instant
from fhir_service.storage.store import HistoryPage, Version

_OURS = frozenset({"_count", "_since", "_at", "_summary", "_elements"})
_NOT_OURS = frozenset({"_format", "_pretty", cursor.PARAMETER})


class Asked(NamedTuple):
    """What the parameters ask for; `understood` is how the links say it."""

    size: int
    since: int | None
    at: Bounds | None
    summary: str | None
    elements: tuple[str, ...]
    understood: tuple[tuple[str, str], ...]


async def history(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of versions as a history Bundle; 404 for a resource that never was."""
    scope = request.path[:-1]
    resource_type, id_ = (*scope, None, None)[:2]
    asked = _asked(request, resource_type, services)
    bound_to = "/".join(request.path) + "?" + query_string(asked.understood)
    token = dict(request.query).get(cursor.PARAMETER)
    after = cursor.position(token, bound_to, services.secret).cursor if token else None

    page = await services.store.history(
        resource_type, id_, count=asked.size, since=asked.since, at=asked.at, after=after
    )
    if id_ is not None and resource_type is not None and not page.versions:
        key = Key(resource_type, id_)
        if await services.store.read(key) is None:
            raise not_found(str(key))

    links = _links(request, asked, page, bound_to, services.secret)
    entries = [_entry(_part(version, asked, services), request.base) for version in page.versions]
    return FhirResponse(200, bundle("history", links, entries, page.total))


def _links(request: FhirRequest, asked: Asked, page: HistoryPage, bound_to: str, secret: bytes) -> list[Link]:
    address = f"{request.base}/{'/'.join(request.path)}"
    shown = (*asked.understood, *format_parameters(request.query))
    links = [("self", url(address, query_string(shown)))]
    if page.next is not None and asked.size:
        token = cursor.token(Position("after", page.next), bound_to, secret)
        links.append(("next", url(address, query_string((*shown, (cursor.PARAMETER, token))))))
    return links


def _part(version: Version, asked: Asked, services: Services) -> Version:
    """Return the version with the part of it that is asked for; nearly always all of it, as stored."""
    if version.deleted or not (asked.elements or asked.summary in ("true", "text", "data")):
        return version
    return version._replace(body=subset(version.body, asked.summary, asked.elements, services))


def _entry(version: Version, base: str) -> bytes:
    key = version.key
    address = key.type if version.method == "POST" else f"{key.type}/{key.id}"
    status = 204 if version.deleted else 201 if version.method == "POST" or version.version == 1 else 200
    return b"".join(
        (
            b'{"fullUrl":"%b/%b/%b"' % (base.encode(), key.type.encode(), key.id.encode()),
            b',"resource":' + version.body if version.body else b"",
            b',"request":{"method":"%b","url":"%b"}' % (version.method.encode(), address.encode()),
            b',"response":{"status":"%d","etag":"%b","lastModified":"%b"}}'
            % (status, etag(version).replace('"', '\\"').encode(), instant(version.updated).encode()),
        )
    )


def _asked(request: FhirRequest, resource_type: str | None, services: Services) -> Asked:
    size, since, at, summary = services.default_count, None, None, None
    elements: list[str] = []
    understood: list[tuple[str, str]] = []
    for name, value in request.query:
        match name:
            case "_count":
                size = min(_count(value), services.max_count)
            case "_since":
                since = _bounds(name, value)[0]
            case "_at":
                at = _bounds(name, value)
            case "_summary":
                summary = _summary(value)
            case "_elements":
                elements += _elements(value, resource_type, services)
            case _ if name not in _NOT_OURS and not preference(request.headers).lenient:
                raise _refused(
                    name, f"「{name}」は履歴のパラメーターではありません", f'"{name}" is no parameter of history'
                )
        if name in _OURS:
            understood.append((name, str(size) if name == "_count" else value))
    return Asked(0 if summary == "count" else size, since, at, summary, tuple(elements), tuple(understood))


def _summary(value: str) -> str:
    if value not in CHOICES["_summary"]:
        known = ", ".join(CHOICES["_summary"])
        raise _refused("_summary", f"_summaryは次のどれかです: {known}", f"_summary is one of {known}")
    return value


def _elements(value: str, resource_type: str | None, services: Services) -> list[str]:
    """Return the elements that are named; over all types, each has those of them that it knows."""
    names = [each.strip() for each in value.split(",") if each.strip()]
    if resource_type is not None:
        by_json = services.definitions.type(resource_type).by_json
        known = {*by_json, *(element.name for element, _ in by_json.values())}
        if unknown := [name for name in names if name not in known]:
            shown = unknown[0][:40]
            raise _refused("_elements", f"{resource_type}に{shown}はありません", f"{resource_type} has no {shown}")
    return names


def _count(value: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise _refused("_count", "_countは0以上の整数で指定してください", "_count must be a whole number, 0 or more")
    return int(value[:9])


def _bounds(name: str, value: str) -> Bounds:
    found = bounds(value.replace(" ", "+"))  # an unescaped + has become a space
    if found is None:
        raise _refused(
            name, f"{name}の日時「{value[:40]}」が読めません", f'The time "{value[:40]}" of {name} cannot be read'
        )
    return found


def _refused(name: str, ja: str, en: str) -> FhirError:
    return FhirError(Issue("value", f"{ja}。", f"{en}.", (f"http.{name}",)))
