"""What was worked out of value sets and code systems, as bytes that can be kept: MessagePack, which is only data."""

from typing import Literal, Protocol

import msgspec

from fhir_service.fhir.resource import Resource
from fhir_service.terminology.code_system import CodeSystem
from fhir_service.terminology.extent import UNKNOWN, WHOLE, Extent, Selection
from fhir_service.terminology.external import external


class Kept(Protocol):
    """Where bytes are kept by name, for as long as the definitions are the same; `made_of` is their generation."""

    def get(self, name: str) -> bytes | memoryview | None: ...

    def put(self, name: str, data: bytes, made_of: int) -> None: ...


class Nothing:
    """Keeps nothing."""

    def get(self, name: str) -> bytes | memoryview | None:
        return None

    def put(self, name: str, data: bytes, made_of: int) -> None:
        pass


# --- code systems


class Names(msgspec.Struct, frozen=True, array_like=True):
    """The codes of a code system and their names: the display, None if there is none, then the designations."""

    supplement: bool
    complete: bool
    names: dict[str, tuple[str | None, ...]]


encode_names = msgspec.msgpack.Encoder(order="deterministic").encode
decode_names = msgspec.msgpack.Decoder(Names).decode


def names_of(definition: Resource, system: CodeSystem | None) -> Names:
    """Return the names of a CodeSystem that was read; None for one without concepts."""
    supplement = definition.get("content") == "supplement"
    if system is None:
        return Names(supplement, False, {})
    names: dict[str, tuple[str | None, ...]] = {}
    for code, concept in system.concepts.items():
        display = system.display(code)
        others = system.names(code) if "designation" in concept else ()
        names[code] = (display, *(each for each in others if each != display))
    return Names(supplement, system.complete, names)


# --- value sets

_Whose = Literal["whole", "unknown", "external"]


class _Codes(msgspec.Struct, array_like=True):
    """A `Selection`: of each system its codes, or which rule tells of them."""

    systems: dict[str, frozenset[str] | _Whose]
    rest: frozenset[str] | _Whose


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(_Codes).decode


def encode_selection(selection: Selection) -> bytes | None:
    """Return a selection as bytes; None for one that has rules of its own."""
    systems = {system: _written(extent, system) for system, extent in selection.systems.items()}
    rest = _written(selection.rest, "")
    if rest is None or None in systems.values():
        return None
    return _encode(_Codes({name: each for name, each in systems.items() if each is not None}, rest))


def decode_selection(data: bytes | memoryview) -> Selection:
    """Return what `encode_selection` wrote; ValueError for anything else."""
    codes = _decode(data)
    return Selection({name: _read(each, name) for name, each in codes.systems.items()}, _read(codes.rest, ""))


def _written(extent: Extent, system: str) -> frozenset[str] | _Whose | None:
    if isinstance(extent, frozenset):
        return extent
    if extent is WHOLE or extent is UNKNOWN:
        return "whole" if extent is WHOLE else "unknown"
    return "external" if extent is external(system) else None


def _read(written: frozenset[str] | _Whose, system: str) -> Extent:
    if isinstance(written, frozenset):
        return written
    return external(system) if written == "external" else WHOLE if written == "whole" else UNKNOWN
