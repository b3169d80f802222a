"""What each data type says to each type of search parameter: one table, and the rules of R4 behind it.

A converter takes the code of the search parameter and one value of its data type, and returns the index entries.
https://hl7.org/fhir/R4/search.html#ptypes
"""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from fhir_service.fhir.reference import split_canonical
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.dates import Bounds, bounds, period
from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.index import (
    CompositeEntry,
    DateEntry,
    Entry,
    NumberEntry,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
    UriEntry,
)
from fhir_service.fhir.search.nfkc import nfkc
from fhir_service.fhir.search.parameter import SearchType

Converter = Callable[[str, Any], Sequence[Entry]]

OPEN = sys.float_info.max
"""The bound of a range that is open at one side; every number lies within."""

CURRENCIES = "urn:iso:std:iso:4217"  # https://hl7.org/fhir/R4/datatypes.html#Money


# Token: https://hl7.org/fhir/R4/search.html#token, the table of types


def coding(code: str, value: Resource) -> Sequence[Entry]:
    return (TokenEntry(code, value.get("system"), value.get("code"), value.get("display"), (), "coding"),)


def codeable_concept(code: str, value: Resource) -> Sequence[Entry]:
    """ "Matches against Coding.system and Coding.code"; the text stands in an entry of its own without a code."""
    entries = [
        TokenEntry(code, each.get("system"), each.get("code"), each.get("display"), (), "coding")
        for each in value.get("coding", ())
    ]
    if "text" in value:
        entries.append(TokenEntry(code, None, None, value["text"]))
    return entries


def identifier(code: str, value: Resource) -> Sequence[Entry]:
    if "type" not in value:
        return (TokenEntry(code, value.get("system"), value.get("value")),)
    codings = [each for each in value["type"].get("coding", ()) if "code" in each]
    types = tuple([(each.get("system"), each["code"]) for each in codings])
    return (TokenEntry(code, value.get("system"), value.get("value"), value["type"].get("text"), types),)


def contact_point(code: str, value: Resource) -> Sequence[Entry]:
    return (TokenEntry(code, None, fold_contact(value["value"])),) if "value" in value else ()


def boolean(code: str, value: bool) -> Sequence[Entry]:
    return (TokenEntry(code, None, "true" if value else "false"),)


def plain_token(code: str, value: str) -> Sequence[Entry]:
    return (TokenEntry(code, None, value),)


def string_token(code: str, value: str) -> Sequence[Entry]:
    """ "If the underlying datatype is string then the search is not case sensitive"."""
    return (TokenEntry(code, None, value.casefold()),)


def code_of(system: str) -> Converter:
    """Return the converter of a `code` whose required binding has one code system: found with and without it.

    "The system is defined in the value set (though it's not usually needed)"
    """
    return lambda code, value: (TokenEntry(code, system, value, None, (), "code"),)


_PHONE = re.compile(r"[+(]?[0-9][0-9+().\- ]*").fullmatch


@lru_cache(maxsize=1 << 14)
def fold_contact(value: str) -> str:
    """Return what a contact point is compared by: a number by its digits, anything else without width and case.

    "At the discretion of the server, token searches on ContactPoint may use special handling, such as ignoring
    punctuation": Japanese numbers are written with and without hyphens and +81, half and full width.
    """
    normal = re.sub("[\u2010-\u2015\u2212ー]", "-", nfkc(value)).strip().casefold()
    bare = normal.removeprefix("tel:").removeprefix("mailto:")
    if not _PHONE(bare):
        return bare
    digits = re.sub(r"[^0-9+]", "", bare)
    return "0" + digits.removeprefix("+81").removeprefix("0") if digits.startswith("+81") else digits


# String: https://hl7.org/fhir/R4/search.html#string


def string(code: str, value: str) -> Sequence[Entry]:
    return (StringEntry(code, value, fold(value)),)


def human_name(code: str, value: Resource) -> Sequence[Entry]:
    """ "HumanName: any of the string fields, including family, give, prefix, suffix, and/or text"."""
    parts = (*_texts(value, ("text", "family", "given", "prefix", "suffix")), *_whole(value, ("family", "given"), " "))
    return [entry for part in parts for entry in name_part(code, part)]


@lru_cache(maxsize=1 << 14)
def name_part(code: str, value: str) -> Sequence[StringEntry]:
    """ "Servers should search the parts of a family name independently: either 'Carreno' or 'Quinones' should match."

    Each word of a name begins an entry of its own; its text is the whole one, which is what `:exact` compares.
    """
    first = StringEntry(code, value, fold(value))
    if not _BETWEEN_WORDS.search(value):
        return (first,)
    starts = [found.end() for found in _BETWEEN_WORDS.finditer(value) if found.end() < len(value)]
    return (first, *(StringEntry(code, value, fold(value[start:])) for start in starts[:MAX_WORDS]))


def address(code: str, value: Resource) -> Sequence[Entry]:
    """ "Address: any of the string fields, including line, city, district, state, country, postalCode, and/or text"."""
    parts = _texts(value, ("text", "line", "city", "district", "state", "country", "postalCode"))
    whole = _whole(value, ("state", "city", "line"), "")
    return [StringEntry(code, part, fold(part)) for part in (*parts, *whole)]


def _texts(value: Resource, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        part = value.get(name)
        if type(part) is str:
            yield part
        elif part:
            yield from (each for each in part if each is not None)


def _whole(value: Resource, names: Sequence[str], separator: str) -> Iterator[str]:
    """Give the whole text of Japanese parts without one: people search 山田太郎 and 東京都港区, not only the parts."""
    if "text" not in value and not value.get(names[0], "").isascii():
        parts = list(_texts(value, names))
        if len(parts) > 1:
            yield separator.join(parts)


_BETWEEN_WORDS = re.compile(r"[\s\-・･=＝]+")
MAX_WORDS = 8


# Date: https://hl7.org/fhir/R4/search.html#date


def date(code: str, value: str) -> Sequence[Entry]:
    found = bounds(value)
    return (DateEntry(code, *found),) if found else ()


def date_period(code: str, value: Resource) -> Sequence[Entry]:
    found = period(value.get("start"), value.get("end"))
    return (DateEntry(code, *found),) if found else ()


def timing(code: str, value: Resource) -> Sequence[Entry]:
    """ "Timing: the specified scheduling details are ignored and only the outer limits matter"."""
    limits = value.get("repeat", {}).get("boundsPeriod", {})
    ranges: list[Bounds | None] = [bounds(event) for event in value.get("event", ()) if event is not None]
    ranges.append(period(limits.get("start"), limits.get("end")))
    known = [each for each in ranges if each]
    return (DateEntry(code, min(low for low, _ in known), max(high for _, high in known)),) if known else ()


# Number and quantity: https://hl7.org/fhir/R4/search.html#number and #quantity


def number(code: str, value: int | Decimal) -> Sequence[Entry]:
    exact = bounded(value)
    return (NumberEntry(code, exact, exact),)


def number_range(code: str, value: Resource) -> Sequence[Entry]:
    return [NumberEntry(code, entry.low, entry.high) for entry in quantity_range(code, value)]


# https://hl7.org/fhir/R4/valueset-quantity-comparator.html: the actual value is less than, … the given value
COMPARATORS: dict[str | None, Callable[[float], tuple[float, float]]] = {
    None: lambda value: (value, value),
    "<": lambda value: (-OPEN, math.nextafter(value, -math.inf)),
    "<=": lambda value: (-OPEN, value),
    ">=": lambda value: (value, OPEN),
    ">": lambda value: (math.nextafter(value, math.inf), OPEN),
}


def quantity(code: str, value: Resource) -> Sequence[Entry]:
    if "value" not in value:
        return ()
    low = high = bounded(value["value"])
    if "comparator" in value:
        low, high = COMPARATORS[value["comparator"]](low)
    return (QuantityEntry(code, low, high, value.get("system"), value.get("code"), value.get("unit")),)


def quantity_range(code: str, value: Resource) -> Sequence[QuantityEntry]:
    low, high = value.get("low", {}), value.get("high", {})
    if "value" not in low and "value" not in high:
        return ()
    first = bounded(low["value"]) if "value" in low else -OPEN
    last = bounded(high["value"]) if "value" in high else OPEN
    unit = low if "value" in low else high
    return (QuantityEntry(code, first, last, unit.get("system"), unit.get("code"), unit.get("unit")),)


def money(code: str, value: Resource) -> Sequence[Entry]:
    if "value" not in value:
        return ()
    exact = bounded(value["value"])
    return (QuantityEntry(code, exact, exact, CURRENCIES, value.get("currency"), None),)


def bounded(value: int | Decimal | Fraction) -> float:
    """Return the number as a finite float."""
    try:
        found = float(value)
        return found if -OPEN <= found <= OPEN else math.copysign(OPEN, found)
    except OverflowError:
        return OPEN if value > 0 else -OPEN


# Uri and canonical: https://hl7.org/fhir/R4/search.html#uri and https://hl7.org/fhir/R4/references.html#canonical


def uri(code: str, value: str) -> Sequence[Entry]:
    return (UriEntry(code, value),)


def canonical_uri(code: str, value: str) -> Sequence[Entry]:
    """A canonical is found with its version and without."""
    bare, bar, _ = value.partition("|")
    return (UriEntry(code, value), UriEntry(code, bare)) if bar else (UriEntry(code, value),)


def canonical(code: str, value: str) -> Sequence[ReferenceEntry]:
    """One to a contained resource has no target, but it is a value: `:missing=false`."""
    if value.startswith("#"):
        return (ReferenceEntry(code, None, canonical=True),)
    url, version, fragment = split_canonical(value)
    return (ReferenceEntry(code, url, version, canonical=True, fragment=fragment),)


def position(code: str, value: Resource) -> Sequence[Entry]:
    """`Location.position`: both numbers are there if it is."""
    if "latitude" not in value or "longitude" not in value:
        return ()
    places = [number("", value[name]) for name in ("latitude", "longitude")]
    return (CompositeEntry(code, tuple(tuple(place) for place in places)),)


def nothing(code: str, value: Any) -> Sequence[Entry]:
    """The type has no value for this type of parameter."""
    return ()


# Reference itself stands in `extract.py`, for it depends on the base of the server.
CONVERTERS: dict[SearchType, dict[str, Converter]] = {
    "token": {
        "Coding": coding,
        "CodeableConcept": codeable_concept,
        "Identifier": identifier,
        "ContactPoint": contact_point,
        "boolean": boolean,
        "string": string_token,
        **dict.fromkeys(("code", "id", "uri", "url", "canonical", "oid", "uuid"), plain_token),
    },
    "string": {
        "HumanName": human_name,
        "Address": address,
        **dict.fromkeys(("string", "markdown", "code", "id", "uri", "url", "canonical"), string),
    },
    "date": {
        **dict.fromkeys(("date", "dateTime", "instant"), date),
        "Period": date_period,
        "Timing": timing,
    },
    "number": {
        **dict.fromkeys(("integer", "decimal", "positiveInt", "unsignedInt"), number),
        "Range": number_range,
    },
    "quantity": {
        **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), quantity),
        "Range": quantity_range,
        "Money": money,
    },
    "uri": {
        **dict.fromkeys(("uri", "url", "oid", "uuid"), uri),
        "canonical": canonical_uri,
    },
    "special": {"Location.position": position},
    "reference": {
        **dict.fromkeys(("canonical", "uri", "url"), canonical),
    },
}

INDEXED: dict[SearchType, frozenset[str]] = {
    search_type: frozenset(converters) | {"Extension"} | ({"Reference"} if search_type == "reference" else set())
    for search_type, converters in CONVERTERS.items()
}
"""Which data types say something to which type of parameter."""

CANONICAL = frozenset(CONVERTERS["reference"])
"""The data types that name a definition by its URL."""
