"""Conversion: `toInteger()` and `convertsToInteger()`, and so for every System type.

https://hl7.org/fhirpath/N1/#conversion
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_service.fhir.fhirpath import temporal
from fhir_service.fhir.fhirpath.code import Function, plain
from fhir_service.fhir.fhirpath.functions.scalar import value_as
from fhir_service.fhir.fhirpath.item import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    NOTHING,
    QUANTITY,
    STRING,
    TIME,
    Item,
    Items,
    Quantity,
    boolean,
)
from fhir_service.fhir.fhirpath.operators import value_of
from fhir_service.fhir.fhirpath.quantity import CALENDAR, from_fhir, in_unit

_WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?")
_QUANTITY = re.compile(r"([+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?)(?:\s*'([^']+)'|\s+([a-z]+))?")


def _to_boolean(value: Any, kind: str) -> bool | None:
    if kind == BOOLEAN:
        return bool(value)
    if kind in (INTEGER, DECIMAL):
        return bool(value) if value in (0, 1) else None
    return _WORDS.get(value.lower()) if kind == STRING else None


def _to_integer(value: Any, kind: str) -> int | None:
    if kind in (INTEGER, BOOLEAN):
        return int(value)
    whole = int(value) if kind == STRING and _INTEGER.fullmatch(value) else None
    return whole if whole is not None and -(2**31) <= whole < 2**31 else None


def _to_decimal(value: Any, kind: str) -> Decimal | None:
    if kind in (INTEGER, DECIMAL, BOOLEAN):
        return Decimal(value)
    return Decimal(value) if kind == STRING and _DECIMAL.fullmatch(value) else None


def _to_string(value: Any, kind: str) -> str | None:
    if kind == BOOLEAN:
        return "true" if value else "false"
    if kind == DECIMAL:
        number = Decimal(value)
        return format(number, "f") if abs(number.adjusted()) < 100 else str(number)
    if kind == QUANTITY:
        amount = from_fhir(value)
        return None if amount is None else text_of(amount)
    return str(value)


def text_of(amount: Quantity) -> str:
    """Return a quantity as FHIRPath writes it: `1 'mg'`, `1 week`, `2 weeks`."""
    number = _to_string(amount.value, DECIMAL)
    if not amount.calendar:
        return f"{number} '{amount.unit}'"
    return f"{number} {amount.unit}{'' if amount.value == 1 else 's'}"


def _to_date(value: Any, kind: str) -> str | None:
    if kind in (DATE, DATETIME, STRING) and temporal.parse(value) and not (kind == STRING and "T" in value):
        return str(value).partition("T")[0]
    return None


def _to_datetime(value: Any, kind: str) -> str | None:
    return str(value) if kind in (DATE, DATETIME, STRING) and temporal.parse(value) else None


def _to_time(value: Any, kind: str) -> str | None:
    return str(value) if kind in (TIME, STRING) and temporal.parse(value, time=True) else None


def _to_quantity(value: Any, kind: str) -> Quantity | None:
    if kind == QUANTITY:
        return from_fhir(value)
    if kind in (INTEGER, DECIMAL, BOOLEAN):
        return Quantity(Decimal(value), "1")
    match = _QUANTITY.fullmatch(value) if kind == STRING else None
    if match is None or (match[3] and match[3] not in CALENDAR):
        return None
    if match[3]:
        return Quantity(Decimal(match[1]), CALENDAR[match[3]], True)
    return Quantity(Decimal(match[1]), match[2] or "1")


Convert = Callable[[Any, str], Any]

_CONVERSIONS: dict[str, tuple[str, Convert]] = {
    "Boolean": (BOOLEAN, _to_boolean),
    "Integer": (INTEGER, _to_integer),
    "Decimal": (DECIMAL, _to_decimal),
    "String": (STRING, _to_string),
    "Date": (DATE, _to_date),
    "DateTime": (DATETIME, _to_datetime),
    "Time": (TIME, _to_time),
}


def _converted(items: Items, convert: Convert) -> tuple[bool, Any]:
    """Return whether there is a value, and what it converts to."""
    found = value_of(items)
    if found is None:
        return False, None
    item, kind = found
    return True, None if kind is None else convert(item.value, kind)


def _to(type_name: str, convert: Convert) -> Function:
    def to(items: Items) -> Items:
        value = _converted(items, convert)[1]
        return NOTHING if value is None else [Item(value, type_name)]

    return plain(to, returns=(type_name,))


def _converts_to(convert: Convert) -> Function:
    def converts_to(items: Items) -> Items:
        there, value = _converted(items, convert)
        return boolean(value is not None) if there else NOTHING

    return plain(converts_to, returns=(BOOLEAN,))


def _quantity(items: Items, unit: Items | None = None) -> Items:
    amount = _converted(items, _to_quantity)[1]
    if amount is not None and unit is not None:
        wanted = value_as(unit, STRING)
        amount = in_unit(amount, wanted) if wanted is not None else None
    return NOTHING if amount is None else [Item(amount, QUANTITY)]


def _is_quantity(items: Items, unit: Items | None = None) -> Items:
    return boolean(bool(_quantity(items, unit))) if value_of(items) else NOTHING


TABLE: dict[str, Function] = {
    **{f"to{name}": _to(*conversion) for name, conversion in _CONVERSIONS.items()},
    **{f"convertsTo{name}": _converts_to(convert) for name, (_, convert) in _CONVERSIONS.items()},
    "toQuantity": plain(_quantity, optional=1, returns=(QUANTITY,)),
    "convertsToQuantity": plain(_is_quantity, optional=1, returns=(BOOLEAN,)),
}
