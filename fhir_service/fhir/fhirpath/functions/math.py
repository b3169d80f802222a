"""Math.

https://hl7.org/fhirpath/N1/#math
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from fhir_service.fhir.fhirpath.code import SAME, Function, kind_error, plain
from fhir_service.fhir.fhirpath.functions.scalar import NUMBER, scalar
from fhir_service.fhir.fhirpath.item import DECIMAL, INTEGER, NOTHING, QUANTITY, Item, Items
from fhir_service.fhir.fhirpath.operators import NUMBERS, decimal, integer, value_of
from fhir_service.fhir.fhirpath.quantity import from_fhir

MAX_PLACES = 28
STEPS = 100  # that a logarithm or a power takes as long as


def _dear(*_: Decimal) -> int:
    return STEPS


def _ln(value: Decimal) -> Decimal | None:
    return NUMBERS.ln(value) if value > 0 else None


def _log(value: Decimal, base: Decimal) -> Decimal | None:
    if value <= 0 or base <= 0 or base == 1:
        return None
    # Exact powers come out exact when both logarithms are to the base 10 with some digits to spare.
    return NUMBERS.divide(NUMBERS.ln(value), NUMBERS.ln(base)).quantize(Decimal(10) ** -MAX_PLACES, context=NUMBERS)


def _sqrt(value: Decimal) -> Decimal | None:
    return NUMBERS.sqrt(value) if value >= 0 else None


def _power(items: Items, exponents: Items) -> Items:
    base, exponent = value_of(items), value_of(exponents)
    if base is None or exponent is None:
        return NOTHING
    for item, kind in (base, exponent):
        if kind not in (INTEGER, DECIMAL):
            raise kind_error(NUMBER, item.type)
    result = NUMBERS.power(Decimal(base[0].value), Decimal(exponent[0].value))
    if not result.is_finite():
        return NOTHING
    if base[1] == exponent[1] == INTEGER and exponent[0].value >= 0:
        return integer(int(result)) if result.adjusted() < 20 else NOTHING
    return decimal(result)


def _round(value: Decimal, places: int = 0) -> Decimal | None:
    if not 0 <= places <= MAX_PLACES:
        return None
    return _to_places(value, places, ROUND_HALF_UP)


def _to_places(value: Decimal, places: int, rounding: str) -> Decimal:
    return value if _places(value) <= places else value.quantize(Decimal(1).scaleb(-places), rounding, NUMBERS)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _whole(rounding: str) -> Callable[[Decimal], int]:
    return lambda value: int(_to_places(value, 0, rounding)) if value.adjusted() < 20 else 2**31


def _abs(items: Items) -> Items:
    found = value_of(items)
    if found is None:
        return NOTHING
    item, kind = found
    if kind in (INTEGER, DECIMAL):
        return [Item(abs(item.value), kind)]
    amount = from_fhir(item.value) if kind == QUANTITY else None
    if amount is None:
        raise kind_error(NUMBER, item.type)
    return [Item(amount._replace(value=abs(amount.value)), QUANTITY)]


TABLE: dict[str, Function] = {
    "abs": plain(_abs, returns=SAME),
    "ceiling": scalar(_whole(ROUND_CEILING), NUMBER, returns=INTEGER),
    "floor": scalar(_whole(ROUND_FLOOR), NUMBER, returns=INTEGER),
    "truncate": scalar(_whole(ROUND_DOWN), NUMBER, returns=INTEGER),
    "exp": scalar(NUMBERS.exp, NUMBER, returns=DECIMAL, steps=_dear),
    "ln": scalar(_ln, NUMBER, returns=DECIMAL, steps=_dear),
    "log": scalar(_log, NUMBER, (NUMBER,), returns=DECIMAL, steps=_dear),
    "sqrt": scalar(_sqrt, NUMBER, returns=DECIMAL),
    "round": scalar(_round, NUMBER, (INTEGER,), optional=1, returns=DECIMAL),
    "power": plain(_power, 1, steps=STEPS),
}
