"""Large bodies: decoded in a thread, so that other requests go on, and refused where they hold too many elements.

What takes long in a large body is not its bytes but its elements: each is an object, is checked and indexed. The parts
of a batch or transaction have their turn one after the other; one resource has not, and so has a limit of its own.
https://hl7.org/fhir/R4/http.html#Status-Codes
"""

import asyncio
import gc
from collections.abc import Iterator
from threading import Lock
from typing import Any, NamedTuple

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.http.body import decode_body
from fhir_service.http.negotiation import ContentType
from fhir_service.interactions.apart import has_more

LARGE = 256 * 1024  # bytes
_MARKS = {"json": (b",", b"{", b"["), "xml": (b"<", b"="), "xml-patch": (b"<", b"=")}


class Limits(NamedTuple):
    """What a body may have: bytes, elements by the marks between them, and elements of one resource in it."""

    body: int
    elements: int
    in_resource: int


async def decoded(raw: bytes, kind: ContentType, definitions: Definitions, limits: Limits) -> Any:
    """Return what a body says; 400 if it cannot be read, 413 if it has too many elements."""
    if len(raw) < LARGE:
        return decode_body(raw, kind, definitions)
    if sum(map(raw.count, _MARKS.get(kind.format, ()))) > limits.elements:
        raise _too_many(limits.elements)
    return await asyncio.to_thread(_decoded, raw, kind, definitions, limits.in_resource)


def _decoded(raw: bytes, kind: ContentType, definitions: Definitions, most: int) -> Any:
    with _no_collection:
        value = decode_body(raw, kind, definitions)
        for part in _parts(value):
            if has_more(part, most):
                raise _too_many(most)
    return value


def _parts(value: Any) -> Iterator[Any]:
    """Give what is worked on in one piece: the entries of a batch or transaction, or all."""
    match value:
        case {"resourceType": "Bundle", "type": "batch" | "transaction", "entry": [*entries]}:
            yield from entries
        case _:
            yield value


class _NoCollection:
    """Keeps the collector still: it would walk what is being decoded again and again, and all threads would wait."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entered = 0

    def __enter__(self) -> None:
        with self._lock:
            self._entered += 1
            gc.disable()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._entered -= 1
            if not self._entered:
                gc.enable()


_no_collection = _NoCollection()


def _too_many(limit: int) -> FhirError:
    return fhir_error(
        "too-long",
        f"要素の数が上限({limit:,})を超えています。分けて送ってください。",
        f"There are more than {limit:,} elements; send them in parts.",
    )
