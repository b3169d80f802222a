"""Large bodies: decoded in a thread, so that other requests go on, and refused where they hold too many elements.

What takes long in a large body is not its bytes but its elements: each is an object, is checked and indexed. The parts
of a batch or transaction have their turn one after the other; one resource has not, and so has a limit of its own.
https://hl7.org/fhir/R4/http.html#Status-Codes
"""

import asyncio
import gc
from collections.abc import Iterator
from threading import Lock
from typing import Any

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.http.body import decode_body
from fhir_service.http.negotiation import ContentType

LARGE = 256 * 1024  # bytes
MOST_ELEMENTS = 3_000_000
"""In one body, counted by the marks between them: a transaction of 50 MB has some two million."""

MOST_IN_RESOURCE = 300_000
"""In one resource; the codes of a large terminology, each with a display, are fewer."""

_MARKS = {"json": (b",", b"{", b"["), "xml": (b"<", b"="), "xml-patch": (b"<", b"=")}


async def decoded(raw: bytes, kind: ContentType, definitions: Definitions) -> Any:
    """Return what a body says; 400 if it cannot be read, 413 if it has too many elements."""
    if len(raw) < LARGE:
        return decode_body(raw, kind, definitions)
    if sum(map(raw.count, _MARKS.get(kind.format, ()))) > MOST_ELEMENTS:
        raise _too_many(MOST_ELEMENTS)
    return await asyncio.to_thread(_decoded, raw, kind, definitions)


def _decoded(raw: bytes, kind: ContentType, definitions: Definitions) -> Any:
    with _no_collection:
        value = decode_body(raw, kind, definitions)
        for part in _parts(value):
            if _has_more(part, MOST_IN_RESOURCE):
                raise _too_many(MOST_IN_RESOURCE)
    return value


def _parts(value: Any) -> Iterator[Any]:
    """Give what is worked on in one piece: the entries of a batch or transaction, or all."""
    match value:
        case {"resourceType": "Bundle", "type": "batch" | "transaction", "entry": [*entries]}:
            yield from entries
        case _:
            yield value


def _has_more(value: Any, limit: int) -> bool:
    """Whether a value holds more than `limit` values."""
    count = 0
    pending = [value] if isinstance(value, dict | list) else []
    while pending:
        container = pending.pop()
        count += len(container)
        if count > limit:
            return True
        children = container.values() if isinstance(container, dict) else container
        pending += [each for each in children if isinstance(each, dict | list)]
    return False


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
    return FhirError(
        Issue(
            "too-long",
            f"要素の数が上限({limit:,})を超えています。分けて送ってください。",
            f"There are more than {limit:,} elements; send them in parts.",
        )
    )
