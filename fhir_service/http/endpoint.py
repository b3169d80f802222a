"""The FHIR endpoint: a raw ASGI application under `/fhir`, with a short way for the plain read.

FastAPI's own stack costs three times what the server under it does, and FHIR fixes paths, parameters and errors, so
that it would have nothing to add here (docs/architecture.md, the request path).
https://hl7.org/fhir/R4/http.html
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from fhir_service.fhir import json, xml
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Key, Resource
from fhir_service.http.address import BASE_PATH, BaseUrl
from fhir_service.http.asgi import Asgi, Receive, Scope, Send
from fhir_service.http.body import Disconnected, decode_body, read_body
from fhir_service.http.envelope import ONE_PACKET
from fhir_service.http.negotiation import FORM, JSON, Representation, acceptable, content_type, representation
from fhir_service.http.outcome import outcome, unexpected
from fhir_service.http.url import path_segments, query_parameters
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services
from fhir_service.interactions.versions import http_date

HeaderList = Sequence[tuple[bytes, bytes]]

_PREFIX = BASE_PATH.encode()
# Patients' data: no cache may show it to others, nor show what has changed since.
_CACHE_CONTROL = (b"cache-control", b"private, no-cache")
_VARY = (b"vary", b"Accept")
_SLOW = frozenset({b"if-none-match", b"if-modified-since", b"origin"})
"""Headers of a read that the short way knows nothing of."""


class Endpoint:
    """Answers every request under `/fhir`; `wrap` puts CORS and gzip around all but the shortest way."""

    def __init__(self, services: Services, base_url: BaseUrl, max_body: int, wrap: Callable[[Asgi], Asgi]) -> None:
        self._services = services
        self._base_url = base_url
        self._max_body = max_body
        self._types = services.definitions.resource_types
        self._wrapped = wrap(self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" and not scope["query_string"]:
            parts = scope["path"].split("/")
            if len(parts) == 4 and parts[2] in self._types and await self._read(parts[2], parts[3], scope, send):
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
            chosen = representation(headers.get(b"accept", b"").decode("latin-1"), query)
            request = await self._request(base, query, scope, headers, receive)
            response = await self._services.dispatch(request, self._services)
            body = self._rendered(response.body, chosen)
        except Disconnected:
            return
        except FhirError as error:
            response = outcome(error)
            body = self._rendered(response.body, chosen)
        except Exception as error:  # the last line of defence: a defect of ours must not end the connection bare
            chosen, response = JSON, unexpected(error, f"{scope['method']} {scope['path']}")
            body = self._rendered(response.body, chosen)
        await _send(response, body, chosen, send)

    async def _request(
        self,
        base: str,
        query: tuple[tuple[str, str], ...],
        scope: Scope,
        headers: Mapping[bytes, bytes],
        receive: Receive,
    ) -> FhirRequest:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = path_segments(scope["raw_path"][len(_PREFIX) :])
        raw = b"" if method == "GET" else await read_body(receive, headers, self._max_body)
        body, media_type = None, ""
        if raw:
            kind = content_type(headers.get(b"content-type", b"").decode("latin-1"))
            media_type = kind.media_type
            if kind.format == "form":
                query += _form(raw, method, path)
            else:
                body = decode_body(raw, kind, self._services.definitions)
        texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
        return FhirRequest(method, base, path, query, texts, body, raw, media_type)

    def _rendered(self, body: Resource | bytes | None, chosen: Representation) -> bytes:
        if body is None:
            return b""
        if chosen.format == "xml":
            resource = json.decode(body) if isinstance(body, bytes) else body
            return xml.encode(resource, self._services.definitions, pretty=chosen.pretty)
        data = body if isinstance(body, bytes) else json.encode(body)
        return msgspec.json.format(data, indent=2) if chosen.pretty else data


async def _send(response: FhirResponse, body: bytes, chosen: Representation, send: Send) -> None:
    head = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in response.headers]
    if body:
        head.append((b"content-type", chosen.content_type))
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
        raise FhirError(
            Issue(
                "not-supported",
                f"{FORM}の本文は_searchへのPOSTだけで使えます。リソースは{JSON.media_type}などで送ってください。",
                f"A body of {FORM} is for POST to _search only; send a resource as {JSON.media_type}.",
            ),
            status=415,
        )
    return query_parameters(raw, form=True)
