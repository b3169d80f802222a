"""Doubles as integers in the same order, as indexes and sort keys hold them."""

from struct import Struct

_DOUBLE = Struct("<d")
_INT64 = Struct("<q")
_SIGN_KEPT = 0x7FFF_FFFF_FFFF_FFFF


def ordered(number: float) -> int:
    """Return the integer that stands for a double: in the same order, and exact through any text."""
    bits: int = _INT64.unpack(_DOUBLE.pack(number + 0.0))[0]  # + 0.0: there is one zero
    return bits if bits >= 0 else bits ^ _SIGN_KEPT


def unordered(number: int) -> float:
    """Return the double that an integer of `ordered` stands for."""
    found: float = _DOUBLE.unpack(_INT64.pack(number if number >= 0 else number ^ _SIGN_KEPT))[0]
    return found
