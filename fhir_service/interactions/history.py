"""The history interaction: the versions of one resource, of a type, or of all.

Every page says the total. `_since`, `_at` and `_list` are as the specification has them; a date without a zone is
Japanese. `_sort` is that of R5: `-_lastUpdated`, which is the order without it, `_lastUpdated` or `none`. `_summary`
and `_elements` give parts of each version.
https://hl7.org/fhir/R4/http.html#history
"""

from collections.abc import Sequence
from typing import NamedTuple

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.reference import local_key
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.dates import Bounds, bounds
from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.parsing.clauses import ON_A_LIST
from fhir_service.fhir.search.parsing.results import CHOICES
from fhir_service.interactions.answers import cursor
from fhir_service.interactions.answers.assembly import Link, bundle, format_parameters, query_string, url
from fhir_service.interactions.answers.cursor import Position
from fhir_service.interactions.answers.preference import preference
from fhir_service.interactions.answers.subsets import subset
from fhir_service.interactions.answers.versions import etag, not_found
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services
from fhir_service.storage.stamp import instant
from fhir_service.storage.store import HistoryPage, Reference, Version

_SINGLE = frozenset({"_count", "_since", "_at", "_list", "_sort", "_summary"})
_OURS = _SINGLE | {"_elements"}
_ORDERS = ("-_lastUpdated", "_lastUpdated", "none")
_NOT_OURS = frozenset({"_format", "_pretty", cursor.PARAMETER})


class Asked(NamedTuple):
    """What the parameters ask for; `understood` is how the links say it."""

    size: int
    since: int | None
    at: Bounds | None
    referrer: Key | None
    oldest_first: bool
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
        resource_type,
        id_,
        count=asked.size,
        since=asked.since,
        at=asked.at,
        only=None if asked.referrer is None else await _items(asked.referrer, services),
        oldest_first=asked.oldest_first,
        after=after,
    )
    if id_ is not None and resource_type is not None and not page.versions:
        key = Key(resource_type, id_)
        if await services.store.read(key) is None:
            raise not_found(str(key))

    links = _links(request, asked, page, bound_to, services.secret)
    entries = [_entry(_part(version, asked, services), request.base) for version in page.versions]
    return FhirResponse(200, bundle("history", links, entries, page.total))


async def _items(key: Key, services: Services) -> Sequence[Reference]:
    """Return what a List refers to that it does not mark as deleted; nothing if there is no such List."""
    version = await services.store.read(key)
    if version is None or version.deleted:
        return ()
    references = services.indexer.index(json.decode(version.body)).references
    return [
        (target, int(each.version) if each.version else None)
        for each in references
        if each.code == ON_A_LIST and (target := local_key(each.target or "", ""))
        if each.version is None or (each.version.isascii() and each.version.isdecimal())
    ]


def _links(request: FhirRequest, asked: Asked, page: HistoryPage, bound_to: str, secret: bytes) -> list[Link]:
    address = f"{request.base}/{'/'.join(request.path)}"
    shown = (*asked.understood, *format_parameters(request.query))
    links = [("self", url(address, query_string((*shown, *cursor.given(request.query)))))]
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
    lenient = preference(request.headers).lenient
    single: dict[str, str] = {}
    elements: list[str] = []
    understood: list[tuple[str, str]] = []
    for name, value in request.query:
        if name in _SINGLE:
            if name in single:
                raise _refused(name, f"「{name}」は一度だけ指定できます", f'"{name}" can be given once only')
            single[name] = value
        elif name == "_elements":
            elements += _elements(value, resource_type, services)
        elif name not in _NOT_OURS and not lenient:
            raise _refused(
                name, f"「{name}」は履歴のパラメーターではありません", f'"{name}" is no parameter of history'
            )
        if name in _OURS:
            understood.append((name, str(_size(value, services)) if name == "_count" else value))
    summary = _one_of("_summary", single.get("_summary"), CHOICES["_summary"])
    return Asked(
        size=0 if summary == "count" else _size(single.get("_count"), services),
        since=_bounds("_since", single["_since"])[0] if "_since" in single else None,
        at=_bounds("_at", single["_at"]) if "_at" in single else None,
        referrer=_list(single["_list"], request.base) if "_list" in single else None,
        oldest_first=_one_of("_sort", single.get("_sort"), _ORDERS) == "_lastUpdated",
        summary=summary,
        elements=tuple(elements),
        understood=tuple(understood),
    )


def _size(value: str | None, services: Services) -> int:
    return services.default_count if value is None else min(_count(value), services.max_count)


def _list(value: str, base: str) -> Key:
    key = local_key(value if "/" in value else f"List/{value}", base)
    if key is None or key.type != "List":
        raise problems.no_list("_list", value)
    return key


def _one_of(name: str, value: str | None, choices: Sequence[str]) -> str | None:
    if value is not None and value not in choices:
        known = ", ".join(choices)
        raise _refused(name, f"{name}は次のどれかです: {known}", f"{name} is one of {known}")
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
    return fhir_error("value", f"{ja}。", f"{en}.", (f"http.{name}",))
