"""What checks read of an ElementDefinition.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Mapping
from typing import Any

from fhir_service.validation.binding import ADDITIONAL, MAX_VALUE_SET
from fhir_service.validation.invariant import BEST_PRACTICE, ELSEWHERE

ElementDefinition = dict[str, Any]

_HL7 = "http://hl7.org/fhir/StructureDefinition/"
MAX_DECIMAL_PLACES, MAX_SIZE = f"{_HL7}maxDecimalPlaces", f"{_HL7}maxSize"
MIN_LENGTH, REGEX = f"{_HL7}minLength", f"{_HL7}regex"

# What checks read of an element, and of its parts; the rest is for people. Names of values have a type at their end.
CHECKED = frozenset(
    {"min", "max", "type", "slicing", "binding", "constraint", "mustSupport", "isModifier", "extension"}
)
VALUES = ("fixed", "pattern", "minValue", "maxValue", "maxLength", "_fixed", "_pattern")
PARTS: Mapping[str, frozenset[str]] = {
    "type": frozenset({"code", "profile", "targetProfile", "aggregation", "versioning"}),
    "slicing": frozenset({"discriminator", "ordered", "rules"}),
    "binding": frozenset({"strength", "valueSet", "extension"}),
    "constraint": frozenset({"key", "severity", "human", "expression", "extension"}),
}
EXTENSIONS = ADDITIONAL | {BEST_PRACTICE, MAX_VALUE_SET, MAX_DECIMAL_PLACES, MAX_SIZE, MIN_LENGTH, REGEX}
NOTHING: Mapping[str, Any] = {"mustSupport": False, "isModifier": False, "extension": [], "constraint": []}


def checked(element: ElementDefinition) -> ElementDefinition:
    """Return what checks read of an element; constraints that are checked elsewhere, on every element, are left out."""
    kept = {name: _part(name, value) for name, value in element.items() if name in CHECKED or name.startswith(VALUES)}
    if isinstance(constraints := kept.get("constraint"), list):
        kept["constraint"] = [each for each in constraints if each.get("key") not in ELSEWHERE]
    return {name: value for name, value in kept.items() if name not in NOTHING or value != NOTHING[name]}


def _part(name: str, value: Any) -> Any:
    """Return what checks read of a part of an element; what has another shape is left as it is."""
    if name == "extension" and isinstance(value, list):
        return [each for each in value if not isinstance(each, dict) or each.get("url") in EXTENSIONS]
    if name not in PARTS:
        return value
    if isinstance(value, list):
        return [_part(name, each) if isinstance(each, dict) else each for each in value]
    if not isinstance(value, dict):
        return value
    parts = {key: _part(key, each) if key == "extension" else each for key, each in value.items() if key in PARTS[name]}
    return parts if parts.get("extension") != [] else {key: each for key, each in parts.items() if key != "extension"}


# What an element says to people, or is asked for on demand (`must_support.py`).
UNASKED = frozenset({"id", "mustSupport", "isModifier"})


def adds_nothing(element: ElementDefinition, base: ElementDefinition) -> bool:
    """Whether an element, as `checked` gives it, asks for no more than that of its base."""
    return all(base.get(name) == value for name, value in element.items() if name not in UNASKED)
