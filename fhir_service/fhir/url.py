"""The path and the query of a URL, decoded strictly: what cannot be read is refused, not guessed at.

https://hl7.org/fhir/R4/http.html#general and https://www.rfc-editor.org/rfc/rfc3986#section-2.1
"""

import re
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import unquote_to_bytes

from fhir_service.fhir.outcome import fhir_error

Query = tuple[tuple[str, str], ...]
MOST_PARAMETERS = 1_000
_PLAIN = re.compile(rb"[A-Za-z0-9\-._~!$'()*,;:@/=]*").fullmatch
_PLAIN_QUERY = re.compile(rb"[\x21-\x24\x26-\x2a\x2c-\x7e]+").fullmatch  # ASCII without controls, space, % and +
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})").search
_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search  # a value may have several lines


def path_segments(raw: bytes) -> tuple[str, ...]:
    """Return the segments of the path under the base; one slash at the end is allowed."""
    trimmed = raw.removeprefix(b"/").removesuffix(b"/")
    if not trimmed:
        return ()
    if _PLAIN(trimmed):
        return tuple(trimmed.decode("ascii").split("/"))
    return tuple(_decoded(segment, _CONTROL) for segment in trimmed.split(b"/"))


def query_parameters(raw: bytes) -> Query:
    """Return the parameters in their order, of a query string or of a form body."""
    if not raw:
        return ()
    if raw.count(b"&") >= MOST_PARAMETERS:
        ja = f"パラメータは{MOST_PARAMETERS:,}個までです。"
        raise fhir_error("too-costly", ja, f"There can be {MOST_PARAMETERS:,} parameters.", status=400)
    if _PLAIN_QUERY(raw):
        pairs = [part.partition("=") for part in raw.decode("ascii").split("&") if part]
        return tuple([(name, value) for name, _, value in pairs])
    return tuple(_parameter(part) for part in raw.split(b"&") if part)


def _parameter(part: bytes) -> tuple[str, str]:
    name, _, value = part.partition(b"=")
    return _decoded(name.replace(b"+", b" "), _CONTROL), _decoded(value.replace(b"+", b" "), _CONTROL_BUT_LINES)


def _decoded(raw: bytes, forbidden: Callable[[str], object]) -> str:
    if _BROKEN_ESCAPE(raw):
        _refuse("%の後に16進数2桁がありません", "a % is not followed by two hexadecimal digits")
    try:
        text = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        _refuse("UTF-8として読めません", "it is not UTF-8")
    if forbidden(text):
        _refuse("制御文字が含まれています", "it holds a control character")
    return text


def _refuse(ja: str, en: str) -> NoReturn:
    raise fhir_error("value", f"URLが正しくありません({ja})。", f"The URL cannot be read: {en}.", status=400)
