"""Fixed values and patterns, of all data types.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.fixed_x_
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from fhir_service.fhir.fhirpath import Item
from fhir_service.validation.definition import ElementDefinition
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.run import Run

SHOWN = 160
Matches = Callable[[Item], bool]
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Wanted(NamedTuple):
    """The value that a definition fixes (`exact`), or the pattern that values must hold."""

    value: Any
    partner: Any
    exact: bool

    def matches(self, item: Item) -> bool:
        """Whether a value is the fixed one, or holds the pattern."""
        compare = is_equal if self.exact else holds
        if self.partner is not None and not compare(self.partner, item.primitive):
            return False
        return self.value is None or compare(self.value, item.value)


def wanted(element: ElementDefinition) -> Wanted | None:
    """Return what an element fixes its values to, if anything."""
    names = [name for name in element if name.startswith(_NAMES)]
    for prefix, exact in (("fixed", True), ("pattern", False)) if names else ():
        if (name := next((each for each in names if each.lstrip("_").startswith(prefix)), None)) is not None:
            name = name.lstrip("_")
            return Wanted(element.get(name), element.get(f"_{name}"), exact)
    return None


def fixed_text(element: ElementDefinition) -> str | None:
    """Return the text that is all that an element may be; None if it may be something else."""
    found = wanted(element)
    if found is None or not found.exact or found.partner is not None or not isinstance(found.value, str):
        return None
    return found.value


_NAMES = ("fixed", "pattern", "_fixed", "_pattern")


def fixed_check(found: Wanted, rule: str, profile: str) -> Callable[[Item, Run], Faults]:
    """Return the check that values are what the definition fixes."""
    shown = _encode(found.value if found.value is not None else found.partner).decode()
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    whole = found.exact or not isinstance(found.value, dict)  # nothing can be added to a primitive value
    ja = f"値は {shown} でなければなりません" if whole else f"値は {shown} を含まなければなりません"
    en = f"The value must be {shown}" if whole else f"The value must hold {shown}"
    name = "fixed" if found.exact else "pattern"
    fault = Fault("", "value", f"{ja}({rule}、{profile})", f"{en} ({rule}, {profile})", rule=name, profile=profile)
    faults = [fault]
    return lambda item, run: None if found.matches(item) else faults


def is_equal(wanted_value: Any, value: Any) -> bool:
    """Whether two JSON values are the same; numbers by value."""
    match wanted_value:
        case dict():
            return (
                isinstance(value, dict)
                and wanted_value.keys() == value.keys()
                and all(is_equal(each, value[name]) for name, each in wanted_value.items())
            )
        case list():
            return (
                isinstance(value, list) and len(wanted_value) == len(value) and all(map(is_equal, wanted_value, value))
            )
    return _same(wanted_value, value)


def holds(pattern: Any, value: Any) -> bool:
    """Whether a value has all that the pattern has: of arrays, each item of the pattern somewhere."""
    match pattern:
        case dict():
            return isinstance(value, dict) and all(holds(each, value.get(name)) for name, each in pattern.items())
        case list():
            return isinstance(value, list) and all(any(holds(each, item) for item in value) for each in pattern)
    return _same(pattern, value)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, Decimal)):
        return isinstance(right, (int, Decimal)) and left == right
    return bool(left == right)
