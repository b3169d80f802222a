"""The body of a request: read up to a limit, unpacked, and decoded by its Content-Type.

https://hl7.org/fhir/R4/http.html#mime-type
"""

import zlib
from collections.abc import Mapping
from typing import Any

from fhir_service.fhir import json, xml
from fhir_service.fhir.charset import text_in, xml_in_utf_8
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.http.asgi import Receive
from fhir_service.http.negotiation import ContentType
from fhir_service.interactions.exchange import RawBody, TextBody

# zlib's own names for its container formats: 32 + 15 finds out whether it is gzip or zlib
_ENCODINGS = {"gzip": 32 + zlib.MAX_WBITS, "x-gzip": 32 + zlib.MAX_WBITS, "deflate": 32 + zlib.MAX_WBITS}


class Disconnected(Exception):
    """The client went away before its request was complete; nobody waits for an answer."""


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """Return the whole body, unpacked; 413 beyond `limit` bytes (packed or not), 415 for an unknown encoding."""
    if int(headers.get(b"content-length", b"0")) > limit:
        raise too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        if part := message.get("body"):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise too_large(limit)
        if not message.get("more_body"):
            break
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    encoding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    return _unpacked(body, encoding, limit) if encoding not in ("", "identity") else body


def decode_body(raw: bytes, kind: ContentType, definitions: Definitions) -> Any:
    """Return what the body says; 400 with line and column if it cannot be read. An XML Patch is read later."""
    if kind.format == "bytes":
        return RawBody(raw)
    if kind.format in ("xml", "xml-patch"):
        document = xml_in_utf_8(raw, kind.charset)
        return document if kind.format == "xml-patch" else xml.decode(document, definitions)
    charset = kind.charset or "utf-8"
    if kind.format == "graphql":
        return TextBody(text_in(raw, charset))
    return json.decode(raw if charset == "utf-8" else text_in(raw, charset).encode())


def too_large(limit: int) -> FhirError:
    """Return the error for a body beyond the limit (413)."""
    return fhir_error(
        "too-long",
        f"本文が上限({limit:,}バイト)を超えています。",
        f"The body is larger than the limit of {limit:,} bytes.",
    )


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding not in _ENCODINGS:
        raise fhir_error(
            "not-supported",
            f"Content-Encoding {encoding[:40]} は扱えません。gzipかdeflateを使ってください。",
            f"Content-Encoding {encoding[:40]} is not supported; use gzip or deflate.",
            status=415,
        )
    unpacker = zlib.decompressobj(_ENCODINGS[encoding])
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        unpacked = None
    if unpacked is not None and len(unpacked) > limit:
        raise too_large(limit)
    if unpacked is None or not unpacker.eof:
        raise fhir_error(
            "structure", f"本文を{encoding}として展開できません。", f"The body cannot be unpacked as {encoding}."
        )
    return unpacked
