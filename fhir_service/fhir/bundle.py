"""The entries of a batch or transaction Bundle: read with care, and written back as the entries of the answer.

https://hl7.org/fhir/R4/bundle.html and https://hl7.org/fhir/R4/http.html#transaction
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.patch.apply import XML_PATCH
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.url import path_segments, query_parameters

FHIR_JSON = "application/fhir+json"

# https://hl7.org/fhir/R4/http.html#trules: the order in which a transaction is processed.
ORDER: dict[str, int] = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
_WITH_BODY = frozenset({"PUT", "PATCH"})

# https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request: the headers that the properties stand for.
_HEADERS: dict[str, str] = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifNoneExist": "if-none-exist",
    "ifModifiedSince": "if-modified-since",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the request it stands for; `body` and `media_type` are what HTTP would have carried."""

    index: int
    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    full_url: str | None
    body: Any
    media_type: str = FHIR_JSON

    @property
    def order(self) -> int:
        """When a transaction processes it."""
        return 3 if self.method == "POST" and self.path[-1:] == ("_search",) else ORDER[self.method]

    @property
    def expression(self) -> str:
        return f"Bundle.entry[{self.index}]"


def entries_of(bundle: Resource, most: int) -> list[Any]:
    """Return the entries as they stand; 400 if there is no list of them, 413 if there are more than `most`."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise fhir_error("structure", "entryはリストです。", "entry must be a list.", ("Bundle.entry",))
    if len(entries) > most:
        ja = f"エントリーが上限({most:,}件)を超えています。分けて送ってください。"
        en = f"There are more than {most:,} entries; send them in parts."
        raise fhir_error("too-long", ja, en, ("Bundle.entry",))
    return entries


def read_entry(raw: Any, index: int, base: str) -> Entry:
    """Return one entry; 400 with the expression of what is wrong in it."""
    where = f"Bundle.entry[{index}]"
    if not isinstance(raw, dict):
        raise _wrong(where, "entryはオブジェクトです", "an entry is an object")
    request = raw.get("request")
    if not isinstance(request, dict):
        raise _wrong(f"{where}.request", "requestが必要です", "a request is required")
    method = request.get("method")
    if not isinstance(method, str) or method not in ORDER:
        raise _wrong(f"{where}.request.method", f"methodは{'・'.join(ORDER)}です", f"a method is {', '.join(ORDER)}")
    full_url = raw.get("fullUrl")
    if full_url is not None and not isinstance(full_url, str):
        raise _wrong(f"{where}.fullUrl", "fullUrlは文字列です", "a fullUrl is a string")

    path, query = _url(request.get("url"), where, base)
    entry = Entry(index, method, path, query, _headers(request, where), full_url, raw.get("resource"))
    if method in _WITH_BODY and not isinstance(entry.body, dict):
        raise _wrong(f"{where}.resource", f"{method}にはresourceが必要です", f"{method} needs a resource")
    return _patch(entry) if method == "PATCH" else entry


def located(error: FhirError, index: int) -> FhirError:
    """Return an error of one entry as an error of the Bundle: its expressions lead through the entry."""
    return FhirError(
        *(replace(issue, expression=_through(issue.expression, index)) for issue in error.issues), status=error.status
    )


def _through(expressions: tuple[str, ...], index: int) -> tuple[str, ...]:
    """Return `Patient.name[0]` as `Bundle.entry[3].resource.name[0]`, a parameter (`http.name`) as its request."""
    entry = f"Bundle.entry[{index}]"
    if any(expression.startswith("http.") for expression in expressions):
        return (f"{entry}.request",)
    inside = (expression.partition(".") for expression in expressions if not expression.startswith("Bundle.entry"))
    found = tuple(f"{entry}.resource{dot}{rest}" for _, dot, rest in inside)
    return found or tuple(expression for expression in expressions if expression.startswith(entry)) or (entry,)


def _url(url: Any, where: str, base: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the path and the parameters of a URL relative to the base, or absolute under it."""
    if not isinstance(url, str):
        raise _wrong(f"{where}.request.url", "urlが必要です", "a url is required")
    if url.isalpha():  # `Observation`, as of nearly all entries that create
        return (url,), ()
    path, _, query = url.removeprefix(base).partition("?")
    if "://" in path:
        raise _wrong(f"{where}.request.url", "このサーバーのURLではありません", "this is no URL of this server")
    try:
        return path_segments(path.strip("/").encode()), query_parameters(query.encode())
    except FhirError as refused:
        issues = (replace(issue, expression=(f"{where}.request.url",)) for issue in refused.issues)
        raise FhirError(*issues, status=refused.status) from None


def _headers(request: Mapping[str, Any], where: str) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, header in _HEADERS.items():
        value = request.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise _wrong(f"{where}.request.{name}", f"{name}は文字列です", f"{name} is a string")
        headers[header] = _http_date(value, f"{where}.request.{name}") if name == "ifModifiedSince" else value
    return headers


def _http_date(instant: str, where: str) -> str:
    try:
        time = datetime.fromisoformat(instant)
    except ValueError:
        raise _wrong(where, "日時が正しくありません", "this is no instant") from None
    if time.tzinfo is None:
        raise _wrong(where, "日時に時差が必要です", "an instant has a zone")
    return format_datetime(datetime.fromtimestamp(int(time.timestamp()), tz=UTC), usegmt=True)


def _patch(entry: Entry) -> Entry:
    """Return a PATCH entry with the patch itself as its body: a Binary holds a JSON Patch or an XML Patch.

    https://hl7.org/fhir/R4/http.html#patch: "… a Binary resource … the contentType … application/json-patch+json"
    """
    match entry.body:
        case {"resourceType": "Binary", "contentType": str(media_type), "data": str(data)}:
            where = f"{entry.expression}.resource.data"
            try:
                raw = base64.b64decode(data, validate=True)
            except (binascii.Error, ValueError):
                raise _wrong(where, "base64ではありません", "this is not base64") from None
            try:
                name = media_type.partition(";")[0].strip().lower()
                return replace(entry, body=raw if name == XML_PATCH else json.decode(raw), media_type=name)
            except FhirError as error:
                raise FhirError(*(replace(issue, expression=(where,)) for issue in error.issues)) from None
        case _:
            return entry


def _wrong(where: str, ja: str, en: str) -> FhirError:
    return fhir_error("value", f"{ja}。", f"The Bundle cannot be processed: {en}.", (where,), status=400)


class EntryAnswer(NamedTuple):
    """What became of an entry. `status` is as `201 Created`, `last_modified` an instant; `resource` is its JSON."""

    status: str
    resource: bytes | None = None
    full_url: str | None = None
    location: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    outcome: Resource | None = None


def answer_bundle(type_: str, answers: Iterable[EntryAnswer | bytes]) -> bytes:
    """Return the JSON of the response Bundle (`batch-response`, `transaction-response`), its entries in this order.

    An entry may be JSON already.
    """
    entries = b",".join(answer if isinstance(answer, bytes) else answer_entry(answer) for answer in answers)
    return b'{"resourceType":"Bundle","type":"%b"%b}' % (
        type_.encode(),
        b',"entry":[%b]' % entries if entries else b"",
    )


def answer_entry(answer: EntryAnswer) -> bytes:
    """Return the JSON of one entry of a response Bundle."""
    response: dict[str, Any] = {"status": answer.status}
    if answer.location is not None:
        response["location"] = answer.location
    if answer.etag is not None:
        response["etag"] = answer.etag
    if answer.last_modified is not None:
        response["lastModified"] = answer.last_modified
    if answer.outcome is not None:
        response["outcome"] = answer.outcome
    if answer.resource is None:
        return b'{"response":%b}' % json.encode(response)
    if answer.full_url is None:
        return b'{"resource":%b,"response":%b}' % (answer.resource, json.encode(response))
    return b'{"fullUrl":%b,"resource":%b,"response":%b}' % (
        json.encode(answer.full_url),
        answer.resource,
        json.encode(response),
    )
