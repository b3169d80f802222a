"""String manipulation.

https://hl7.org/fhirpath/N1/#string-manipulation
"""

import base64
import binascii
import html
from collections.abc import Callable

import msgspec

from fhir_service.fhir.fhirpath.code import Function, kind_error, plain
from fhir_service.fhir.fhirpath.error import FhirPathError, failed
from fhir_service.fhir.fhirpath.functions.scalar import scalar, value_as
from fhir_service.fhir.fhirpath.item import BOOLEAN, INTEGER, STRING, Items
from fhir_service.fhir.fhirpath.operators import MAX_STRING, string
from fhir_service.fhir.fhirpath.regex import pattern, steps, substitute


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


def _replace(text: str, found: str, by: str) -> str:
    # Counted first: a short expression could otherwise ask for terabytes.
    if len(text) + (text.count(found) * len(by)) > MAX_STRING:
        raise _too_long()
    return text.replace(found, by)


def _too_long() -> FhirPathError:
    return failed("置換の結果が長すぎます。", f"The result of a replacement is longer than {MAX_STRING} characters.")


def _replace_matches(text: str, expression: str, by: str) -> str:
    result = substitute(text, expression, by, MAX_STRING)
    if result is None:
        raise _too_long()
    return result


def _matches(text: str, expression: str) -> bool:
    return pattern(expression).search(text) is not None


def _matches_full(text: str, expression: str) -> bool:
    return pattern(expression).fullmatch(text) is not None


def _replacing(text: str, expression: str, _: str) -> int:
    return 4 * len(text) + steps(text, expression)  # there may be a match at each character


def _join(items: Items, separator: Items | None = None) -> Items:
    between = "" if separator is None else value_as(separator, STRING)
    if between is None or not items:
        return []
    texts = [item.value for item in items if item.value is not None]
    if any(type(text) is not str for text in texts):
        raise kind_error(STRING, next(item.type for item in items if type(item.value) is not str))
    if sum(map(len, texts)) + len(between) * len(texts) > MAX_STRING:
        raise _too_long()
    return string(between.join(texts))


# https://hl7.org/fhirpath/#additional-string-functions
ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "urlbase64": base64.urlsafe_b64encode,
    "hex": binascii.hexlify,
}
DECODE: dict[str, Callable[[bytes], bytes]] = {
    "base64": lambda data: base64.b64decode(data, validate=True),
    "urlbase64": base64.urlsafe_b64decode,
    "hex": binascii.unhexlify,
}


def _encode(text: str, way: str) -> str | None:
    encoder = ENCODE.get(way)
    return None if encoder is None else encoder(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _decode(text: str, way: str) -> str | None:
    decoder = DECODE.get(way)
    if decoder is None:
        return None
    try:
        return decoder(text.encode("utf-8", "surrogatepass")).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise failed(f"{way}として復号できません。", f"This cannot be decoded as {way}.") from None


def _escape(text: str, target: str) -> str | None:
    if target == "html":
        return html.escape(text)
    return msgspec.json.encode(text).decode()[1:-1] if target == "json" else None


def _unescape(text: str, target: str) -> str | None:
    if target == "html":
        return html.unescape(text)
    if target != "json":
        return None
    try:
        return msgspec.json.decode(f'"{text}"'.encode("utf-8", "surrogatepass"), type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Quotes that need no escape outside JSON stand as they are.
        return text


def _index_of(text: str, part: str) -> int:
    return text.find(part)


TABLE: dict[str, Function] = {
    "indexOf": scalar(_index_of, STRING, (STRING,), returns=INTEGER),
    "lastIndexOf": scalar(lambda text, part: text.rfind(part), STRING, (STRING,), returns=INTEGER),
    "substring": scalar(_substring, STRING, (INTEGER, INTEGER), optional=1, returns=STRING),
    "startsWith": scalar(lambda text, part: text.startswith(part), STRING, (STRING,), returns=BOOLEAN),
    "endsWith": scalar(lambda text, part: text.endswith(part), STRING, (STRING,), returns=BOOLEAN),
    "contains": scalar(lambda text, part: part in text, STRING, (STRING,), returns=BOOLEAN),
    "upper": scalar(lambda text: text.upper(), STRING, returns=STRING),
    "lower": scalar(lambda text: text.lower(), STRING, returns=STRING),
    "replace": scalar(_replace, STRING, (STRING, STRING), returns=STRING),
    "matches": scalar(_matches, STRING, (STRING,), returns=BOOLEAN, steps=steps),
    "matchesFull": scalar(_matches_full, STRING, (STRING,), returns=BOOLEAN, steps=steps),
    "replaceMatches": scalar(_replace_matches, STRING, (STRING, STRING), returns=STRING, steps=_replacing),
    "length": scalar(len, STRING, returns=INTEGER),
    "toChars": scalar(list, STRING, returns=STRING),
    "trim": scalar(lambda text: text.strip(), STRING, returns=STRING),
    "split": scalar(lambda text, by: text.split(by) if by else list(text), STRING, (STRING,), returns=STRING),
    "join": plain(_join, optional=1, returns=(STRING,)),
    "encode": scalar(_encode, STRING, (STRING,), returns=STRING),
    "decode": scalar(_decode, STRING, (STRING,), returns=STRING),
    "escape": scalar(_escape, STRING, (STRING,), returns=STRING),
    "unescape": scalar(_unescape, STRING, (STRING,), returns=STRING),
}
