"""Equality, equivalence, and the keys by which collections find equal items.

https://hl7.org/fhirpath/N1/#equality
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from fhir_service.fhir.fhirpath import quantity, temporal
from fhir_service.fhir.fhirpath.error import too_costly
from fhir_service.fhir.fhirpath.item import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    SYSTEM,
    TIME,
    Item,
    Items,
    Quantity,
)

MAX_DEPTH = 100
"""How deep complex values may nest to be compared."""

MAX_EQUIVALENT = 500
"""How many items each side of `~` may have: each of them may have to be compared with each."""

_FEW = 8
_NUMBERS = frozenset((INTEGER, DECIMAL))
_DATES = frozenset((DATE, DATETIME))
_AMOUNTS = frozenset((QUANTITY, INTEGER, DECIMAL))
_PLAIN = frozenset((STRING, BOOLEAN))


def equal(left: Item, right: Item) -> bool | None:
    """Return whether two items are equal; None if that cannot be told (precision, units)."""
    a, b = SYSTEM.get(left.type), SYSTEM.get(right.type)
    if a is None or b is None:
        return a is b and left.value == right.value and (left.value is not None or left.primitive == right.primitive)
    if left.value is None or right.value is None:
        return None
    if a == b and a in _PLAIN:
        return bool(left.value == right.value)
    if a in _NUMBERS and b in _NUMBERS:
        return bool(left.value == right.value)
    if not measured(a, b):
        return False
    order = compare(left, right, a, b)
    return None if order is None else order == 0


def measured(a: str | None, b: str | None) -> bool:
    """Return whether two System types are both dates, both times, or both quantities (a number is one)."""
    if a == QUANTITY or b == QUANTITY:
        return a in _AMOUNTS and b in _AMOUNTS
    return (a in _DATES and b in _DATES) or a == b == TIME


def compare(left: Item, right: Item, a: str, b: str) -> int | None:
    """Compare dates, times or quantities: -1, 0, 1, or None if it cannot be told."""
    if a == QUANTITY or b == QUANTITY:
        here, there = quantity_of(left, a), quantity_of(right, b)
        if here is None or there is None:
            return None
        return quantity.compare(here, there, fhir=type(left.value) is dict or type(right.value) is dict)
    first, second = moment_of(left, a), moment_of(right, b)
    return None if first is None or second is None else temporal.compare(first, second)


def moment_of(item: Item, system: str) -> temporal.Moment | None:
    """Return the moment of a date, dateTime or time."""
    return temporal.parse(item.value, time=system == TIME) if type(item.value) is str else None


def quantity_of(item: Item, system: str) -> Quantity | None:
    """Return the quantity of an item; a number is one without unit."""
    if system in _NUMBERS:
        return Quantity(Decimal(item.value), "1")
    return quantity.from_fhir(item.value) if system == QUANTITY else None


def key(item: Item) -> Any:
    """Return a hashable value that equal items, and only they, have in common."""
    system = SYSTEM.get(item.type)
    value = item.value
    if value is None:
        return item.type, None, freeze(item.primitive)
    if system in _PLAIN:
        return system, value
    if system in _NUMBERS:
        return DECIMAL, value
    if system in _DATES or system == TIME:
        moment = moment_of(item, system or "")
        return system, value if moment is None else temporal.key(moment)
    if system == QUANTITY:
        found = quantity.from_fhir(value)
        return system, freeze(value) if found is None else quantity.key(found)
    return item.type, freeze(value)


def freeze(value: Any, depth: int = 0) -> Any:
    """Return a hashable copy of JSON."""
    if depth > MAX_DEPTH:
        raise too_costly()
    if type(value) is dict:
        return frozenset([(name, freeze(child, depth + 1)) for name, child in value.items()])
    if type(value) is list:
        return tuple([freeze(child, depth + 1) for child in value])
    return (bool, value) if type(value) is bool else value


def collections_equal(left: Items, right: Items) -> bool | None:
    """Return whether two collections have equal items in the same order; None if one is empty or it is open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    result: bool | None = True
    for a, b in zip(left, right, strict=True):
        same = equal(a, b)
        if same is False:
            return False
        if same is None:
            result = None
    return result


def extent(items: Items) -> int:
    """Return what it takes to compare these, in steps: one for each value in them, and for each 64 characters."""
    steps = len(items)
    for item in items:
        value = item[0]
        if type(value) is str:
            steps += len(value) >> 6
        elif type(value) is dict:
            steps += _values(value)
    return steps


def _values(node: Any) -> int:
    count = 0
    pending = [node]
    while pending:
        container = pending.pop()
        count += len(container)
        for each in container.values() if type(container) is dict else container:
            if type(each) is str:
                count += len(each) >> 6
            elif type(each) is dict or type(each) is list:
                pending.append(each)
    return count


def distinct(items: Items) -> Items:
    """Return the items without those that equal an earlier one."""
    if len(items) < 2:
        return items
    if len(items) <= _FEW and not any(item[1] in SYSTEM for item in items):
        return _distinct_nodes(items)
    first: dict[Any, Item] = {}
    for item in items:
        first.setdefault(key(item), item)
    return list(first.values())


def _distinct_nodes(items: Items) -> Items:
    """Return the same for a few complex values, which differ soon when compared but are dear to make keys of."""
    found: Items = []
    for item in items:
        if not any(item[1] == other[1] and item[0] == other[0] for other in found):
            found.append(item)
    return found


def equivalent(left: Item, right: Item) -> bool:
    """Return whether two items are equivalent: case, white space, order and precision aside."""
    a, b = SYSTEM.get(left.type), SYSTEM.get(right.type)
    if a is None or b is None:
        return a is b and _loose(left.value) == _loose(right.value)
    if left.value is None or right.value is None:
        return left.value is right.value
    if a in _NUMBERS and b in _NUMBERS:
        return quantity.round_equal(Decimal(left.value), Decimal(right.value))
    if a == b == STRING:
        return bool(_loose(left.value) == _loose(right.value))
    if QUANTITY in (a, b):
        here, there = quantity_of(left, a), quantity_of(right, b)
        return here is not None and there is not None and quantity.equivalent(here, there)
    return equal(left, right) is True


def _loose(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise too_costly()
    if type(value) is str:
        return " ".join(value.casefold().split())
    if type(value) is dict:
        return frozenset([(name, _loose(child, depth + 1)) for name, child in value.items() if name != "id"])
    if type(value) is list:
        return frozenset(Counter([_loose(child, depth + 1) for child in value]).items())
    return (bool, value) if type(value) is bool else value


def collections_equivalent(left: Items, right: Items) -> bool:
    """Return whether two collections have equivalent items in any order."""
    if len(left) != len(right):
        return False
    if len(left) > MAX_EQUIVALENT:
        raise too_costly()
    rest = list(right)
    for item in left:
        found = next((index for index, other in enumerate(rest) if equivalent(item, other)), None)
        if found is None:
            return False
        del rest[found]
    return True
