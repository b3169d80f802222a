"""Clauses about composite parameters; see `composites.py` for the rows that they read.

https://hl7.org/fhir/R4/search.html#composite
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from fhir_service.fhir.search.near import distance, latitudes
from fhir_service.fhir.search.query import (
    CompositeValue,
    DateValue,
    NearValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
    Value,
)
from fhir_service.storage.doubles import ordered, unordered
from fhir_service.storage.sqlite.keys import (
    composite_key,
    constant,
    parameter_id,
    target_texts,
    token_text,
)
from fhir_service.storage.sqlite.planning.ranges import Range, Ranges, date_range, number_range, quantity_ranges
from fhir_service.storage.sqlite.planning.values import Keys, Strings
from fhir_service.storage.sqlite.sql import Context, Part, Sql, all_of

_LOOKED_UP = "SELECT x FROM tok WHERE k = ?"
_KEYED = TokenValue | ReferenceValue | UriValue


def composite_part(resource_type: str, code: str, value: CompositeValue, context: Context) -> Part | None:
    """Return the part for one value of a composite, None if its kinds of components cannot be asked for together."""
    keys = _keys([part for part in value.parts if isinstance(part, _KEYED)], constant(resource_type, code), context)
    match [part for part in value.parts if not isinstance(part, _KEYED)]:
        case []:
            return Keys(keys)
        case [StringValue() as text]:
            return Strings(resource_type, keys, (text,), None)
        case [DateValue() as date]:
            return Ranges("dt", keys, (date_range(date),))
        case [NumberValue() as number]:
            return Ranges("nq", keys, (number_range(number),))
        case [QuantityValue() as quantity]:
            p = parameter_id(resource_type, code)
            return Ranges("nq", keys, tuple(quantity_ranges(quantity, p, context)))
        case [DateValue() | NumberValue() as one, DateValue() | NumberValue() as other]:
            first, second = _range(one), _range(other).test
            renamed = re.sub(r"\bhi\b", "c", re.sub(r"\blo\b", "sc", second.text))
            return Ranges("nq", keys, (replace(first, test=all_of([first.test, second._replace(text=renamed)])),))
        case _:
            return None


def near_part(resource_type: str, code: str, value: NearValue) -> Part:
    """Return the part for what is near a place: a band of latitudes of the index, then the distance itself."""
    low, high = map(ordered, latitudes(value.latitude, value.metres))
    test = Sql("lo >= ? AND near(lo, sc, ?, ?) <= ?", (low, value.latitude, value.longitude, value.metres))
    return Ranges("nq", (composite_key((), constant(resource_type, code)),), (Range(test, low, high, begins=True),))


def near(*arguments: Any) -> float:
    """Return the distance for SQL: of the place of a row, given by two `ordered` numbers, to another in degrees."""
    latitude, longitude, other_latitude, other_longitude = arguments
    return distance(unordered(latitude), unordered(longitude), other_latitude, other_longitude)


def _range(value: DateValue | NumberValue) -> Range:
    return date_range(value) if isinstance(value, DateValue) else number_range(value)


def _keys(parts: Sequence[Any], c: int, context: Context) -> tuple[int, ...]:
    keys = [composite_key(texts, c) for texts in product(*map(_asked, parts))]
    if any(isinstance(part, TokenValue) and (not part.system or part.value is None) for part in parts):
        keys += [x for key in keys for (x,) in context.connection.execute(_LOOKED_UP, (key,))]
    return tuple(dict.fromkeys(keys))


def _asked(value: Value) -> tuple[str, ...]:
    match value:
        case TokenValue():
            return (token_text(value),)
        case ReferenceValue():
            return target_texts(value)
        case UriValue(uri):
            return (uri,)
        case _:
            return ()
