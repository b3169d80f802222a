"""Reading the value of a search parameter: prefixes, precision, escapes and the forms of each type.

https://hl7.org/fhir/R4/search.html#ptypes and https://hl7.org/fhir/R4/search.html#escaping
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from fhir_service.fhir.reference import ParsedReference, parse_reference, split_canonical
from fhir_service.fhir.search.converters import bounded, fold_contact
from fhir_service.fhir.search.dates import bounds
from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.near import DEFAULT_METRES, DEFAULT_UNIT, EARTH, UNITS, is_place
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.query import (
    CompositeValue,
    DateValue,
    NearValue,
    NumberValue,
    Prefix,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
    Value,
)
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.fhir.search.terminology import Terminology

PREFIXES: dict[str, Prefix] = {
    "eq": "eq", "ne": "ne", "gt": "gt", "lt": "lt", "ge": "ge", "le": "le", "sa": "sa", "eb": "eb", "ap": "ap",
}  # fmt: skip

# "The presence of the pipe symbol SHALL NOT be used" on these types of token: they have no system.
WITHOUT_SYSTEM = frozenset({"ContactPoint", "uri", "boolean", "string", "id"})

_NUMBER = re.compile(r"[+-]?(?:\d{1,60}(?:\.\d{0,60})?|\.\d{1,60})(?:[eE][+-]?\d{1,3})?", re.ASCII).fullmatch
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII).fullmatch
_ESCAPED = re.compile(r"\\([,|$\\])")
_SPACE_FOR_PLUS = re.compile(r"(T[0-9:.]+) (\d\d:\d\d)$")  # "+" that a client did not percent-encode


MOST_TRIED = 4_000
"""On so many types the steps of chains are tried in one search, half a second at the most."""

MOST_LETTERS = 100_000
"""So long are all texts together that one search compares folded: Japanese ones take half a second."""


@dataclass(slots=True)
class Left:
    """What all criteria of one search together may still ask for."""

    tries: int = MOST_TRIED
    letters: int = MOST_LETTERS


@dataclass(frozen=True, slots=True)
class Reading:
    """What a value is read against: the parameters, the base of this server, and now in microseconds."""

    registry: SearchRegistry
    base: str
    now: int
    left: Left = field(default_factory=Left, compare=False)

    @property
    def terminology(self) -> Terminology:
        return self.registry.terminology

    def folded(self, text: str) -> str:
        """Return a text as it is compared; 400 if the search has too much of it."""
        self.left.letters -= len(text)
        if self.left.letters < 0:
            raise problems.too_costly()
        return fold(text)


def split(text: str, separator: str) -> list[str]:
    """Split at every separator that has no backslash before it; the escapes stay as they are."""
    if "\\" not in text:
        return text.split(separator)
    parts, start, position = [], 0, 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == separator:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]


def unescape(text: str, key: str) -> str:
    """Return the value that is meant: "the parameter value `xx\\xx` is illegal"."""
    if "\\" not in text:
        return text
    if "\\" in _ESCAPED.sub("", text):
        raise problems.bad_escape(key)
    return _ESCAPED.sub(r"\1", text)


def read(parameter: SearchParameter, text: str, reading: Reading) -> Value:
    """Return the meaning of one value of the parameter, still escaped; 400 if it has none."""
    if not text.strip():
        raise problems.empty_value(parameter.code)
    return READERS[parameter.type](parameter, text, reading)


def _number(parameter: SearchParameter, text: str, reading: Reading) -> NumberValue:
    prefix, plain = _prefixed(text)
    if not _NUMBER(plain):
        raise problems.bad_value(parameter, text)
    value = Decimal(plain)
    half = _half_of_precision(value)
    # At the limit of what a float can tell apart, the number itself is still found.
    low, high = bounded(value - half), max(bounded(value + half), math.nextafter(bounded(value), math.inf))
    if prefix == "ap":
        # "The recommended value for the approximation is 10% of the stated value"
        about = abs(value) / 10
        low = min(low, bounded(value - about))
        high = max(high, math.nextafter(bounded(value + about), math.inf))
    return NumberValue(prefix, value, low, high)


def _half_of_precision(value: Decimal) -> Decimal:
    """Return half a unit of the last digit: "100: [99.5 ... 100.5)", "100.00: [99.995 ... 100.005)".

    A single digit in exponential form counts as if it had one more: "1e2: [95 ... 105)".
    """
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # the pattern lets no infinity or NaN pass
    if exponent > 0 and len(digits) == 1:
        exponent -= 1
    return Decimal(5).scaleb(exponent - 1)


def _prefixed(text: str) -> tuple[Prefix, str]:
    prefix = PREFIXES.get(text[:2])
    return (prefix, text[2:]) if prefix else ("eq", text)


def _date(parameter: SearchParameter, text: str, reading: Reading) -> DateValue:
    prefix, plain = _prefixed(text)
    found = bounds(_SPACE_FOR_PLUS.sub(r"\1+\2", plain))
    if found is None:
        raise problems.bad_value(parameter, text)
    low, high = found
    if prefix == "ap":
        # "10% of the gap between now and the date", but never less than the precision of the value itself
        about = max(abs(reading.now - (low + high) // 2) // 10, high - low + 1)
        low, high = low - about, high + about
    return DateValue(prefix, low, high)


def _string(parameter: SearchParameter, text: str, reading: Reading) -> StringValue:
    plain = unescape(text, parameter.code)
    return StringValue(plain, reading.folded(plain))


def _token(parameter: SearchParameter, text: str, reading: Reading) -> TokenValue:
    parts = split(text, "|")
    types = {path.type for path in reading.registry.paths(parameter)}
    if len(parts) > 1 and types and types <= WITHOUT_SYSTEM:
        raise problems.bad_value(parameter, text)
    value = token(parameter, text)
    if value.value is None or not types <= {"ContactPoint", "string"} or not types:
        return value
    return TokenValue(None, fold_contact(value.value) if "ContactPoint" in types else value.value.casefold())


def token(parameter: SearchParameter, text: str) -> TokenValue:
    """Return what `[code]`, `[system]|[code]`, `|[code]` or `[system]|` means."""
    match [unescape(part, parameter.code) for part in split(text, "|")]:
        case [code]:
            return TokenValue(None, code)
        case [system, code] if system or code:
            return TokenValue(system, code or None)
        case _:
            raise problems.bad_value(parameter, text)


def reference(parameter: SearchParameter, text: str, reading: Reading) -> ReferenceValue:
    """Return what an id, `Type/id`, URL or canonical means."""
    unescaped = unescape(text, parameter.code)
    canonical = any(path.type != "Reference" for path in reading.registry.paths(parameter))
    if canonical:
        plain, version, fragment = split_canonical(unescaped)
    else:
        plain, _, version = unescaped.partition("|")
        fragment = None
    found = parse_reference(plain)
    targets = _targets(parameter, plain, found, reading, canonical)
    if not targets:
        raise problems.bad_value(parameter, text)
    return ReferenceValue(targets, version or found.version, fragment=fragment)


def _targets(
    parameter: SearchParameter, plain: str, found: ParsedReference, reading: Reading, canonical: bool
) -> tuple[str, ...]:
    """Return what an id, `Type/id` or URL may mean; () if it is none."""
    match found.kind:
        case "literal" if found.key and found.is_local(reading.base):
            # "A relative reference resolving to the same value as a specified absolute URL, or vice versa, qualifies
            # as a match." A Reference is indexed relative; a canonical as it is, so both its forms are asked for.
            absolute = (f"{reading.base}/{found.key}",) if canonical else ()
            known = found.key.type in reading.registry.definitions.resource_types
            return (str(found.key), *absolute) if known else ()
        case "literal":
            return (f"{found.base}/{found.key}",)
        case "urn":
            return (plain,)
        case "other" if ":" in plain:
            return (plain,)
        case "other" if _ID(plain):
            types = parameter.targets or sorted(reading.registry.definitions.resource_types)
            bare = (plain,) if canonical else ()
            return (*(f"{each}/{plain}" for each in types), *bare)
        case _:
            return ()


def _quantity(parameter: SearchParameter, text: str, reading: Reading) -> QuantityValue:
    parts = split(text, "|")
    number = _number(parameter, parts[0], reading)
    match [unescape(part, parameter.code) for part in parts[1:]]:
        case [] | ["", ""]:
            return QuantityValue(number, None, None)
        case [system, unit] if unit:
            return QuantityValue(number, system or None, unit)
        case _:
            raise problems.bad_value(parameter, text)


def _uri(parameter: SearchParameter, text: str, reading: Reading) -> UriValue:
    return UriValue(unescape(text, parameter.code))


def _composite(parameter: SearchParameter, text: str, reading: Reading) -> CompositeValue:
    parts = split(text, "$")
    if len(parts) != len(parameter.components):
        raise problems.bad_value(parameter, text)
    parameters = reading.registry.parameters(parameter.resource_type)
    return CompositeValue(
        tuple(
            read(parameters[code], part, reading) for (code, _), part in zip(parameter.components, parts, strict=True)
        )
    )


def _near(parameter: SearchParameter, text: str, reading: Reading) -> NearValue:
    """`latitude|longitude|distance|units`; "if the units are omitted, then kms should be assumed"."""
    latitude, longitude, reach, unit = [*split(text, "|"), "", ""][:4] if text.count("|") in (1, 2, 3) else [""] * 4
    metres_a_unit = UNITS.get(unit or DEFAULT_UNIT)
    if not (_NUMBER(latitude) and _NUMBER(longitude) and metres_a_unit and (not reach or _NUMBER(reach))):
        raise problems.bad_value(parameter, text)
    if not is_place(Decimal(latitude), Decimal(longitude)) or Decimal(reach or 0) < 0:
        raise problems.bad_value(parameter, text)
    metres = bounded(Decimal(reach)) * metres_a_unit if reach else DEFAULT_METRES
    return NearValue(float(latitude), float(longitude), min(metres, 4 * EARTH))


READERS: dict[SearchType, Callable[[SearchParameter, str, Reading], Value]] = {
    "number": _number,
    "date": _date,
    "string": _string,
    "token": _token,
    "reference": reference,
    "quantity": _quantity,
    "uri": _uri,
    "composite": _composite,
    "special": _near,
}
