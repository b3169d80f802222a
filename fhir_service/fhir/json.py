"""FHIR's JSON: bytes to plain values and back, numbers exact, and nothing accepted that could not be given back.

Decimals become `Decimal` and keep their digits (`1.00`). The parser keeps the last of duplicate keys silently and lets
control characters pass, so these are looked for here, cheaply, in the text. Where the text is wrong, the error says
line and column.
https://hl7.org/fhir/R4/json.html
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from fhir_service.fhir.json_errors import Fault, UnfitNumber, fault_of
from fhir_service.fhir.json_text import duplicate_key, forbidden_escape, long_number, too_deep
from fhir_service.fhir.resource import Resource

MAX_DEPTH = 100
MAX_DIGITS = 1_000
MAX_EXPONENT = 308  # what a double can hold, which indexes and other programs compute with

BOM = b"\xef\xbb\xbf"

# https://hl7.org/fhir/R4/datatypes.html#string forbids characters below 32 but tab, CR and LF; XML also forbids U+FFFE
# and U+FFFF, so that a resource with them could not be given to all.
_SUSPECT_ESCAPE = re.compile(rb"\\(?:[bf]|u(?:00[01]|[fF]{3}[eEfF]))").search
_NONCHARACTER = re.compile(b"\xef\xbf[\xbe\xbf]").search


def number(text: str) -> Decimal:
    """Return the decimal of a number's text with the digits it has, or raise UnfitNumber."""
    if len(text) > MAX_DIGITS:
        raise UnfitNumber(text, Fault.LONG_NUMBER)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise UnfitNumber(text, Fault.FAR_NUMBER) from None
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise UnfitNumber(text, Fault.FAR_NUMBER)
    return number


_decode = msgspec.json.Decoder(float_hook=number).decode
encode = msgspec.json.Encoder(decimal_format="number").encode
"""Return the JSON of a value, compact, in UTF-8, decimals with the digits they came with."""


def pretty(value: Any) -> bytes:
    """Return the JSON of a value, indented for people."""
    return msgspec.json.format(encode(value), indent=2)


def decode(data: bytes) -> Any:
    """Return the value of a JSON text in UTF-8, or raise the FhirError (400) that says what is wrong, and where."""
    if data.startswith(BOM):
        data = data[len(BOM) :]
    try:
        value = _decode(data)
    except (UnfitNumber, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise fault_of(error, data, MAX_DEPTH) from None

    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise Fault.TOO_DEEP.error(data, too_deep(data, MAX_DEPTH))
    if b"\\" in data and _SUSPECT_ESCAPE(data) and (place := forbidden_escape(data)) is not None:
        raise Fault.CONTROL_CHARACTER.error(data, place)
    if b"\xef\xbf" in data and (noncharacter := _NONCHARACTER(data)):
        raise Fault.CONTROL_CHARACTER.error(data, noncharacter.start())
    if _repeats_keys(data, value):
        name, place = duplicate_key(data)
        raise Fault.DUPLICATE_KEY.error(data, place, text=name)
    if _has_digits_in_a_row(data) and (found := _far_integer(value)) is not None:
        raise Fault.FAR_NUMBER.error(data, long_number(data, MAX_EXPONENT), text=found)
    return value


def decode_resource(data: bytes) -> Resource:
    """Return the resource of a JSON text; the same errors, and one if it is not an object that names its type."""
    value = decode(data)
    if not isinstance(value, dict):
        raise Fault.NOT_AN_OBJECT.error(data, 0)
    if not isinstance(value.get("resourceType"), str) or not value["resourceType"]:
        raise Fault.NO_RESOURCE_TYPE.error(data, max(data.find(b"{"), 0))
    return value


def split_for_stamp(resource: Resource) -> tuple[bytes, bytes]:
    """Return the canonical JSON of a resource that has its id, cut where the store writes version and time.

    `head + b'"versionId":"3","lastUpdated":"…"' + tail` is the JSON; resourceType, id and meta come first.
    """
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _STAMPED}
    rest = {name: value for name, value in resource.items() if name not in _LEADING}
    head = b'{"resourceType":%b,"id":%b,"meta":{' % (encode(resource["resourceType"]), encode(resource["id"]))
    return head, _continued(meta) + _continued(rest)


_LEADING = frozenset({"resourceType", "id", "meta"})
_STAMPED = frozenset({"versionId", "_versionId", "lastUpdated", "_lastUpdated"})


def _continued(properties: dict[str, Any]) -> bytes:
    """Return the rest of an object that has begun."""
    return b"," + encode(properties)[1:] if properties else b"}"


def _depth(value: Any) -> int:
    depth = 0
    level = [value] if isinstance(value, dict | list) else []
    while level:
        depth += 1
        below = []
        for container in level:
            for each in container.values() if type(container) is dict else container:
                if type(each) is dict or type(each) is list:
                    below.append(each)
        level = below
    return depth


def _repeats_keys(data: bytes, value: Any) -> bool:
    """Whether some key stands twice in an object.

    The value is encoded again: a key that was lost took its colon with it. Colons inside strings count on both sides,
    once those spelled as an escape are spelled as they will be again.
    """
    if b"\\u003" in data:
        data = data.replace(b"\\\\", b"//")  # so that a backslash left is the start of an escape
        data = data.replace(b"\\u003a", b":").replace(b"\\u003A", b":")
    return data.count(b":") != encode(value).count(b":")


def _has_digits_in_a_row(data: bytes) -> bool:
    """Whether more than MAX_EXPONENT digits follow each other somewhere, be it in a string."""
    return len(data) > MAX_EXPONENT and _LONG in data.translate(_ZEROS)


_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * (MAX_EXPONENT + 1)


def _far_integer(value: Any) -> str | None:
    pending = [value]
    while pending:
        match pending.pop():
            case dict(properties):
                pending.extend(properties.values())
            case list(items):
                pending.extend(items)
            case int(number) if abs(number) >= 10**MAX_EXPONENT * 10:
                return str(number)
    return None
