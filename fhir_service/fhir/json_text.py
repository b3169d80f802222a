"""Places in a JSON text: where it is too deep, repeats a key, holds a forbidden character.

Only texts that are known to be wrong are read here; the offsets are those of bytes. A very long text is not searched,
because an error must not cost more than the work it refuses: the place is then None.
"""

import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},]', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:(?P<forbidden>[bf]|u00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F])|u[fF]{3}[eEfF])"
    rb"|u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<lone>u[dD][89a-fA-F])|.)",
    re.DOTALL,
)
_NUMBER = re.compile(rb"[0-9]+")
SEARCHED = 1_000_000  # bytes


def tokens(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give strings, brackets and commas with their places."""
    return ((found.start(), found.group()) for found in _TOKEN.finditer(data, 0, SEARCHED))


def too_deep(data: bytes, limit: int) -> int | None:
    """Return where the object or array starts that is one too deep."""
    depth = 0
    for place, token in tokens(data):
        if token in (b"{", b"["):
            depth += 1
            if depth > limit:
                return place
        elif token in (b"}", b"]"):
            depth -= 1
    return None


def duplicate_key(data: bytes) -> tuple[str, int | None]:
    """Return the first key that stands twice in its object, and where it stands again."""
    seen: list[set[str] | None] = []
    before = b""
    for place, token in tokens(data):
        if token == b"{":
            seen.append(set())
        elif token == b"[":
            seen.append(None)
        elif token in (b"}", b"]"):
            seen.pop()
        elif before in (b"{", b",") and (keys := seen[-1] if seen else None) is not None:
            key = json.loads(token)
            if key in keys:
                return key, place
            keys.add(key)
        before = token
    return "", None


def forbidden_escape(data: bytes) -> int | None:
    """Return where an escape stands for a character that FHIR or XML forbids."""
    return next((each.start() for each in _ESCAPE.finditer(data) if each["forbidden"]), None)


def lone_surrogate(data: bytes) -> int | None:
    """Return where an escape stands for half of a character."""
    return next((each.start() for each in _ESCAPE.finditer(data, 0, SEARCHED) if each["lone"]), None)


def long_number(data: bytes, digits: int) -> int | None:
    """Return where the first number with more than so many digits in a row starts."""
    end = 0
    for place, token in (*tokens(data), (min(len(data), SEARCHED), b"")):
        for found in _NUMBER.finditer(data, end, place):
            if len(found.group()) > digits:
                return found.start()
        end = place + len(token)
    return None


def line_and_column(data: bytes, place: int) -> tuple[int, int]:
    """Return line and column of a place, both from 1, the column in characters."""
    start = data.rfind(b"\n", 0, place) + 1
    return data.count(b"\n", 0, place) + 1, len(data[start:place].decode("utf-8", "replace")) + 1
