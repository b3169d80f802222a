"""`lowBoundary`, `highBoundary`, `precision` and `comparable`.

https://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time
"""

from calendar import monthrange
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from fhir_service.fhir.fhirpath import temporal
from fhir_service.fhir.fhirpath.code import SAME, Function, kind_error, plain
from fhir_service.fhir.fhirpath.functions.scalar import value_as
from fhir_service.fhir.fhirpath.item import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    NOTHING,
    QUANTITY,
    TIME,
    Item,
    Items,
    boolean,
)
from fhir_service.fhir.fhirpath.operators import NUMBERS, decimal, value_of
from fhir_service.fhir.fhirpath.quantity import comparable, from_fhir

Side = Literal["low", "high"]
MAX_PLACES = 28
DEFAULT_PLACES = 8

# Digits of a date or time -> how many fields it has (the second and its fraction are one field).
# https://hl7.org/fhirpath/#precision--integer
_FIELDS = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6}
_TIME_FIELDS = {2: 1, 4: 2, 6: 3, 9: 3}
_DEFAULT = {DATE: 8, DATETIME: 17, TIME: 9}


def _boundary(side: Side) -> Function:
    def boundary(items: Items, precision: Items | None = None) -> Items:
        found = value_of(items)
        if found is None:
            return NOTHING
        item, kind = found
        wanted = None if precision is None else value_as(precision, INTEGER)
        if precision is not None and wanted is None:
            return NOTHING
        if kind in (INTEGER, DECIMAL):
            return _decimal(Decimal(item.value), wanted, side)
        if kind == QUANTITY:
            return _quantity(item, wanted, side)
        if kind in _DEFAULT:
            return _moment(item, kind, _DEFAULT[kind] if wanted is None else wanted, side)
        raise kind_error("Decimal, Quantity, Date, DateTime, Time", item.type)

    return plain(boundary, optional=1, returns=SAME)


def _decimal(value: Decimal, places: int | None, side: Side) -> Items:
    places = DEFAULT_PLACES if places is None else places
    number = _decimal_boundary(value, places, side)
    return NOTHING if number is None else [Item(number, DECIMAL)]


def _decimal_boundary(value: Decimal, places: int, side: Side) -> Decimal | None:
    """Return the bound of what rounds to the value, cut outwards at so many places.

    A bound that is less than half a unit of the last place is zero: HL7's suite has 0.0034.highBoundary(1) = 0.0.
    """
    exponent = value.as_tuple().exponent
    if not 0 <= places <= MAX_PLACES or not isinstance(exponent, int) or not decimal(value):
        return None
    half = Decimal(5).scaleb(min(exponent, 0) - 1)
    bound = NUMBERS.subtract(value, half) if side == "low" else NUMBERS.add(value, half)
    unit = Decimal(1).scaleb(-places)
    if abs(bound) < unit / 2:
        return Decimal(0).quantize(unit, context=NUMBERS)
    rounded = bound.quantize(unit, ROUND_FLOOR if side == "low" else ROUND_CEILING, NUMBERS)
    return rounded if rounded.is_finite() else None


def _quantity(item: Item, places: int | None, side: Side) -> Items:
    amount = from_fhir(item.value)
    bound = None if amount is None else _decimal(amount.value, places, side)
    return [Item(amount._replace(value=bound[0].value), QUANTITY)] if amount and bound else NOTHING


def _moment(item: Item, kind: str, digits: int, side: Side) -> Items:
    time = kind == TIME
    moment = temporal.parse(item.value, time=time) if type(item.value) is str else None
    count = (_TIME_FIELDS if time else _FIELDS).get(digits)
    if moment is None or count is None:
        return NOTHING
    fields = _filled(moment.fields, count, side, time)
    zone = moment.zone or ("+14:00" if side == "low" else "-12:00") if count > 3 and not time else ""
    shown = 3 if digits in (17, 9) else 0
    if shown and len(moment.fields) == count:
        shown = max(shown, moment.digits)
        if side == "high" and not moment.digits:
            fields = (*fields[:-1], fields[-1] + 999_000_000)
    type_name = TIME if time else DATE if count <= 3 and kind == DATE else DATETIME
    return [Item(temporal.text_of(temporal.Moment(fields, None, zone, shown), time=time), type_name)]


def _filled(fields: tuple[int, ...], count: int, side: Side, time: bool) -> tuple[int, ...]:
    """Return so many fields: those there are, then the first or last that each other one can be."""
    filled = list(fields[:count])
    position = len(filled) + (3 if time else 0)
    while len(filled) < count:
        if side == "low":
            filled.append(1 if position in (1, 2) else 0)
        else:
            last = {1: 12, 3: 23, 4: 59, 5: 59_999_000_000}
            filled.append(monthrange(filled[0], filled[1])[1] if position == 2 else last[position])
        position += 1
    return tuple(filled)


def _precision(items: Items) -> Items:
    found = value_of(items)
    if found is None:
        return NOTHING
    item, kind = found
    if kind in (INTEGER, DECIMAL):
        exponent = Decimal(item.value).as_tuple().exponent
        return [Item(max(-exponent, 0) if isinstance(exponent, int) else 0, INTEGER)]
    if kind not in _DEFAULT:
        raise kind_error("Decimal, Date, DateTime, Time", item.type)
    moment = temporal.parse(item.value, time=kind == TIME) if type(item.value) is str else None
    if moment is None:
        return NOTHING
    digits = {count: digits for digits, count in reversed((_TIME_FIELDS if kind == TIME else _FIELDS).items())}
    return [Item(digits[len(moment.fields)] + moment.digits, INTEGER)]


def _comparable(items: Items, others: Items) -> Items:
    left, right = value_of(items), value_of(others)
    if left is None or right is None:
        return NOTHING
    a, b = from_fhir(left[0].value), from_fhir(right[0].value)
    return NOTHING if a is None or b is None else boolean(comparable(a, b))


TABLE: dict[str, Function] = {
    "lowBoundary": _boundary("low"),
    "highBoundary": _boundary("high"),
    "precision": plain(_precision, returns=(INTEGER,)),
    "comparable": plain(_comparable, 1, returns=(BOOLEAN,)),
}
