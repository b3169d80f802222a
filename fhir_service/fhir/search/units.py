"""Quantities in other units of the same dimension: `5.4|http://unitsofmeasure.org|mg` finds 0.0054 g.

What is asked is converted to each unit that a resource has, exactly, so that the resource needs no second entry.
https://hl7.org/fhir/R4/search.html#quantity
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

from fhir_service.fhir.fhirpath.ucum import SYSTEM, unit
from fhir_service.fhir.search.converters import bounded
from fhir_service.fhir.search.query import NumberValue, QuantityValue


def is_convertible(system: str | None, code: str | None) -> bool:
    """Whether a unit is one of UCUM that has a meaning here."""
    return system == SYSTEM and code is not None and unit(code) is not None


def in_units(value: QuantityValue, codes: Iterable[str]) -> Iterator[QuantityValue]:
    """Give a value, and the same in those of these units of UCUM that it can be converted to."""
    yield value
    if value.unit is not None and is_convertible(value.system, value.unit):
        for code in codes:
            if code != value.unit and (number := converted(value.number, value.unit, code)) is not None:
                yield replace(value, number=number, unit=code)


@lru_cache(maxsize=4096)
def converted(number: NumberValue, code: str, other: str) -> NumberValue | None:
    """Return a number of one unit in another one, None if they do not measure the same."""
    one, two = unit(code), unit(other)
    if one is None or two is None or one.dimension != two.dimension:
        return None

    def convert(value: Fraction) -> Fraction:
        return (value * one.factor + one.offset - two.offset) / two.factor

    exact = convert(Fraction(number.value))
    middle = bounded(exact)
    low = bounded(convert(_exact(number.low)))
    high = max(bounded(convert(_exact(number.high))), math.nextafter(middle, math.inf))
    with localcontext(prec=60):
        return NumberValue(number.prefix, Decimal(exact.numerator) / Decimal(exact.denominator), low, high)


def _exact(bound: float) -> Fraction:
    """Return the decimal that a bound was made from: 5.35, not the nearest number that a float can hold."""
    return Fraction(repr(bound))
