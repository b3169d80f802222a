"""Quantities: from FHIR, comparing across units, and their arithmetic.

https://hl7.org/fhirpath/N1/#quantity
https://hl7.org/fhir/R4/fhirpath.html#quantity
"""

from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from fhir_service.fhir.fhirpath import ucum
from fhir_service.fhir.fhirpath.item import Quantity

_EXACT = Context(prec=34, traps=[])
MAX_UNIT = 200
MAX_EXPONENT = 100
"""Numbers beyond it are no quantities: written out exactly they would fill the memory."""

# https://hl7.org/fhirpath/N1/#time-valued-quantities
CALENDAR: dict[str, str] = {
    word: name
    for name in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for word in (name, name + "s")
}
DEFINITE = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}
_AS_UCUM = {name: code for code, name in DEFINITE.items()}
_MONTHS = {"year": 12, "month": 1}
# FHIR writes calendar durations with UCUM codes: https://hl7.org/fhir/R4/fhirpath.html#quantity
_FHIR_CALENDAR = {"a": "year", "mo": "month"}


def from_fhir(value: Any) -> Quantity | None:
    """Return the System.Quantity of a FHIR Quantity, None if it has no plain number (no value, or a comparator)."""
    if isinstance(value, Quantity):
        return value
    if type(value) is not dict or "comparator" in value:
        return None
    number = value.get("value")
    if type(number) is int:
        number = Decimal(number)
    if type(number) is not Decimal or abs(number.adjusted()) > MAX_EXPONENT:
        return None
    unit = value.get("code") or value.get("unit") or "1"
    return Quantity(number, unit) if isinstance(unit, str) else None


def to_fhir(quantity: Quantity) -> dict[str, Any]:
    """Return the FHIR Quantity of a System.Quantity."""
    if quantity.calendar:
        return {"value": quantity.value, "unit": quantity.unit}
    return {"value": quantity.value, "unit": quantity.unit, "system": ucum.SYSTEM, "code": quantity.unit}


def _base(quantity: Quantity, calendar: bool) -> tuple[Fraction, ucum.Dimension] | None:
    """Return the number in base units and the dimension; `calendar` reads years and months as calendar durations."""
    unit, value = quantity.unit, Fraction(quantity.value)
    if calendar:
        unit = _FHIR_CALENDAR.get(unit, unit)
    if unit in _MONTHS:
        return value * _MONTHS[unit], (("month", 1),)
    found = ucum.unit(_AS_UCUM.get(unit, unit))
    return None if found is None else (value * found.factor + found.offset, found.dimension)


def compare(left: Quantity, right: Quantity, *, fhir: bool = False) -> int | None:
    """Return -1, 0 or 1, or None if the units do not convert. `fhir`: one of them is a FHIR Quantity."""
    if left.unit == right.unit:
        a, b = Fraction(left.value), Fraction(right.value)
    else:
        calendar = fhir and (left.calendar or right.calendar)
        here, there = _base(left, calendar), _base(right, calendar)
        if here is None or there is None or here[1] != there[1]:
            return None
        a, b = here[0], there[0]
    return (a > b) - (a < b)


def comparable(left: Quantity, right: Quantity) -> bool:
    """Return whether the units convert into one another."""
    if left.unit == right.unit:
        return True
    here, there = _base(left, False), _base(right, False)
    return here is not None and there is not None and here[1] == there[1]


def equivalent(left: Quantity, right: Quantity) -> bool:
    """Return whether they are the same at the precision of the less precise one: 4 'g' and 4040 'mg' are."""
    if left.unit == right.unit:
        return round_equal(left.value, right.value)
    here, there = _base(left, True), _base(right, True)
    if here is None or there is None or here[1] != there[1]:
        return False
    grain = max(_grain(left), _grain(right))
    return round(here[0] / grain) == round(there[0] / grain)


def _grain(quantity: Quantity) -> Fraction:
    """Return, in base units, one unit of the last digit of the value."""
    last = quantity._replace(value=Decimal(1).scaleb(_exponent(quantity.value)))
    at, zero = _base(last, True), _base(quantity._replace(value=Decimal(0)), True)
    return Fraction(1) if at is None or zero is None else at[0] - zero[0]


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def round_equal(left: Decimal, right: Decimal) -> bool:
    """Return whether two decimals are equal when rounded to the fewer places of the two."""
    if max(abs(left.adjusted()), abs(right.adjusted())) > MAX_EXPONENT:
        return left == right
    places = min(max(0, -_exponent(left)), max(0, -_exponent(right)))
    return round(Fraction(left), places) == round(Fraction(right), places)


def key(quantity: Quantity) -> tuple[object, ...]:
    """Return what equal quantities, and only they, have in common."""
    return _base(quantity, False) or (quantity.value, quantity.unit)


def sum_of(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    """Return left + sign * right in the unit of the left one, None if the units do not convert."""
    if left.unit == right.unit:
        return left._replace(value=left.value + sign * right.value)
    here, there = _base(Quantity(Decimal(1), left.unit), False), _base(right, False)
    if here is None or there is None or here[1] != there[1]:
        return None
    return left._replace(value=left.value + sign * _decimal(there[0] / here[0]))


def _decimal(fraction: Fraction) -> Decimal:
    return _EXACT.divide(Decimal(fraction.numerator), Decimal(fraction.denominator)).normalize()


def multiply(left: Quantity, right: Quantity) -> Quantity | None:
    """Return the product; its unit is that of both joined."""
    value = _EXACT.multiply(left.value, right.value)
    a, b = _code(left), _code(right)
    if "1" in (a, b):
        return (right if a == "1" else left)._replace(value=value)
    return _joined(value, f"{_factor(a)}.{_factor(b)}")


def divide(left: Quantity, right: Quantity) -> Quantity | None:
    """Return the quotient, None for a division by zero."""
    if right.value.is_zero():
        return None
    value = _EXACT.divide(left.value, right.value)
    a, b = _code(left), _code(right)
    if a == b:
        return Quantity(value, "1")
    if b == "1":
        return left._replace(value=value)
    return _joined(value, f"/{_factor(b)}" if a == "1" else f"{_factor(a)}/{_factor(b)}")


def _joined(value: Decimal, unit: str) -> Quantity | None:
    return Quantity(value, unit) if len(unit) <= MAX_UNIT else None


def _code(quantity: Quantity) -> str:
    return _AS_UCUM.get(quantity.unit, quantity.unit)


def _factor(code: str) -> str:
    return f"({code})" if "/" in code or "." in code else code


def in_unit(quantity: Quantity, unit: str) -> Quantity | None:
    """Return the same quantity in another unit (a UCUM code or a calendar word), None if it does not convert."""
    calendar = unit in CALENDAR
    wanted = Quantity(Decimal(1), CALENDAR.get(unit, unit), calendar)
    if quantity.unit == wanted.unit:
        return quantity
    here, there = _base(quantity, False), _base(wanted, False)
    if here is None or there is None or here[1] != there[1]:
        return None
    found = ucum.unit(_AS_UCUM.get(wanted.unit, wanted.unit))
    offset = found.offset if found else Fraction(0)
    return wanted._replace(value=_decimal((here[0] - offset) / (there[0] - offset)))
