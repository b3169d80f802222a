"""The FHIR endpoint: a raw ASGI application under `/fhir`, with a short way for the plain read.

FastAPI's own stack costs three times what the server under it does, and FHIR fixes paths, parameters and errors, so
that it would have nothing to add here (docs/architecture.md, the request path).
https://hl7.org/fhir/R4/http.html
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from fhir_service.fhir import json, xml
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Key
from fhir_service.fhir.url import path_segments, query_parameters
from fhir_service.http.address import BASE_PATH, BaseUrl
from fhir_service.http.asgi import Asgi, Receive, Scope, Send
from fhir_service.http.binary import binary_of, is_binary, native
from fhir_service.http.body import Disconnected, read_body, too_large
from fhir_service.http.envelope import ONE_PACKET
from fhir_service.http.large_body import Limits, decoded
from fhir_service.http.negotiation import (
    FORM,
    JSON,
    Representation,
    acceptable,
    content_type,
    is_fhir,
    names_fhir,
    representation,
)
from fhir_service.http.outcome import outcome, unexpected
from fhir_service.interactions.answers.versions import http_date
from fhir_service.interactions.apart import LARGE, MANY, has_more
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services

HeaderList = Sequence[tuple[bytes, bytes]]

_PREFIX = BASE_PATH.encode()
# Patients' data: no cache may show it to others, nor show what has changed since.
MOST_OF_A_FORM = 2_000_000  # bytes: 10,000 codes with their systems have half of it
_CACHE_CONTROL = (b"cache-control", b"private, no-cache")
_VARY = (b"vary", b"Accept")
_SLOW = frozenset({b"if-none-match", b"if-modified-since", b"origin", b"x-request-id"})
"""Headers of a read that the short way knows nothing of."""


class Endpoint:
    """Answers every request under `/fhir`; `wrap` puts CORS and gzip around all but the shortest way."""

    def __init__(self, services: Services, base_url: BaseUrl, limits: Limits, wrap: Callable[[Asgi], Asgi]) -> None:
        self._services = services
        self._base_url = base_url
        self._limits = limits
        self._plain = services.definitions.resource_types - {"Binary"}  # which may be asked for as it is
        self._wrapped = wrap(self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" and not scope["query_string"]:
            parts = scope["path"].split("/")
            if len(parts) == 4 and parts[2] in self._plain and await self._read(parts[2], parts[3], scope, send):
                return
        await self._wrapped(scope, receive, send)

    async def _read(self, resource_type: str, id_: str, scope: Scope, send: Send) -> bool:
        """Answer a plain read of JSON that finds its resource; return whether it was one."""
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]) or not _SLOW.isdisjoint(headers) or b"%" in scope["raw_path"]:
            return False
        try:
            self._base_url.of(scope["scheme"], headers)
            chosen = acceptable(headers[b"accept"].decode("latin-1")) if b"accept" in headers else JSON
            version = await self._services.store.read(Key(resource_type, id_))
        except Exception:  # whatever it is, the long way meets it again and says so
            return False
        if chosen.format != "json" or version is None or not (body := version.body):
            return False
        if len(body) > ONE_PACKET and b"gzip" in headers.get(b"accept-encoding", b""):
            return False

        head = (
            (b"content-type", chosen.content_type),
            (b"content-length", b"%d" % len(body)),
            (b"etag", b'W/"%d"' % version.version),
            (b"last-modified", http_date(version.updated // 1_000_000).encode()),
            _CACHE_CONTROL,
            _VARY,
        )
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})
        return True

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = JSON
        headers: Mapping[bytes, bytes] = _joined(scope["headers"])
        try:
            base = self._base_url.of(scope["scheme"], headers)
            query = query_parameters(scope["query_string"])
            path = path_segments(scope["raw_path"][len(_PREFIX) :])
            accept = headers.get(b"accept", b"").decode("latin-1")
            unreadable: FhirError | None = None
            is_content = is_binary(path) and len(path) > 1 and scope["method"] in ("GET", "HEAD")
            try:
                chosen = representation(accept, query)
            except FhirError as error:
                if not is_content:
                    raise
                unreadable = error  # but perhaps it can read the content as it is
            request = await self._request(base, path, query, scope["method"], headers, receive)
            if len(request.query) > len(query):  # a form may say `_format` and `_pretty`, too
                chosen = representation(accept, request.query)
            response = await self._services.dispatch(request, self._services)
            if unreadable is not None or (is_content and not names_fhir(accept, query)):
                response = _native(response, dict(query).get("_format") or accept, unreadable)
            if _takes_long(response, chosen):
                body = await asyncio.to_thread(self._rendered, response, chosen)
            else:
                body = self._rendered(response, chosen)
        except Disconnected:
            return
        except FhirError as error:
            response = outcome(error)
            body = self._rendered(response, chosen)
        except Exception as error:  # the last line of defence: a defect of ours must not end the connection bare
            chosen, response = JSON, unexpected(error, f"{scope['method']} {scope['path']}")
            body = self._rendered(response, chosen)
        await _send(response, body, chosen, headers, send)

    async def _request(
        self,
        base: str,
        path: tuple[str, ...],
        query: tuple[tuple[str, str], ...],
        said_method: str,
        headers: Mapping[bytes, bytes],
        receive: Receive,
    ) -> FhirRequest:
        method = "GET" if said_method == "HEAD" else said_method
        texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
        raw = b"" if method == "GET" else await read_body(receive, headers, self._limits.body)
        body, media_type = None, ""
        said = texts.get("content-type", "")
        if raw and method in ("POST", "PUT") and is_binary(path) and said and not is_fhir(said):
            body, media_type = binary_of(raw, said, path, texts), JSON.media_type
        elif raw:
            kind = content_type(said)
            media_type = kind.media_type
            if kind.format == "form":
                query += _form(raw, method, path)
            else:
                body = await decoded(raw, kind, self._services.definitions, self._limits)
        return FhirRequest(method, base, path, query, texts, body, raw, media_type)

    def _rendered(self, response: FhirResponse, chosen: Representation) -> bytes:
        body = response.body
        if body is None:
            return b""
        if response.media_type is not None:
            return body if isinstance(body, bytes) else json.encode(body)
        if chosen.format == "xml":
            resource = json.decode(body) if isinstance(body, bytes) else body
            return xml.encode(resource, self._services.definitions, pretty=chosen.pretty)
        data = body if isinstance(body, bytes) else json.encode(body)
        return msgspec.json.format(data, indent=2) if chosen.pretty else data


def _takes_long(response: FhirResponse, chosen: Representation) -> bool:
    """Whether other requests should go on while an answer is written; stored JSON is given as it is."""
    if isinstance(response.body, bytes):
        return len(response.body) > LARGE and response.media_type is None and (chosen.format == "xml" or chosen.pretty)
    return has_more(response.body, MANY)


def _native(response: FhirResponse, accept: str, unreadable: FhirError | None) -> FhirResponse:
    """Return a Binary as its content (a 304 as it is); raise the error if the client does not accept that either."""
    if response.body is None:
        return response
    content = native(json.decode(response.body), accept or "*/*") if isinstance(response.body, bytes) else None
    if content is None:
        if unreadable is not None:
            raise unreadable
        return response
    return replace(content, headers=(*response.headers, *content.headers))


async def _send(
    response: FhirResponse, body: bytes, chosen: Representation, asked: Mapping[bytes, bytes], send: Send
) -> None:
    head = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in response.headers]
    if body:
        kind = chosen.content_type if response.media_type is None else response.media_type.encode("latin-1", "replace")
        head.append((b"content-type", kind))
    if (request_id := asked.get(b"x-request-id")) is not None:
        head.append((b"x-request-id", request_id))
    if response.status not in (204, 304):
        head.append((b"content-length", b"%d" % len(body)))
    head += (_CACHE_CONTROL, _VARY)
    await send({"type": "http.response.start", "status": response.status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def _joined(headers: HeaderList) -> dict[bytes, bytes]:
    """Return the headers by name; of one that stands several times, the values with commas between (RFC 9110 5.3)."""
    joined = dict(headers)
    if len(joined) == len(headers):
        return joined
    joined.clear()
    for name, value in headers:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined


def _form(raw: bytes, method: str, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a form body; only a search may have one."""
    if method != "POST" or path[-1:] != ("_search",):
        raise fhir_error(
            "not-supported",
            f"{FORM}の本文は_searchへのPOSTだけで使えます。リソースは{JSON.media_type}などで送ってください。",
            f"A body of {FORM} is for POST to _search only; send a resource as {JSON.media_type}.",
            status=415,
        )
    if len(raw) > MOST_OF_A_FORM:
        raise too_large(MOST_OF_A_FORM)
    return query_parameters(raw)
