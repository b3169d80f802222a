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
    kept: ElementDefinition = {}
    for name, value in element.items():
        if name == "constraint" and isinstance(value, list):
            found: Any = [_parts(name, each) for each in value if each.get("key") not in ELSEWHERE]
        elif name in PARTS:
            found = [_parts(name, each) for each in value] if isinstance(value, list) else _parts(name, value)
        elif name == "extension":
            found = _read(value)
        elif name in CHECKED or name.startswith(VALUES):
            found = value
        else:
            continue
        if name not in NOTHING or found != NOTHING[name]:
            kept[name] = found
    return kept


def _parts(name: str, value: Any) -> Any:
    """Return what checks read of a part of an element; what has another shape is left as it is."""
    if not isinstance(value, dict):
        return value
    read = PARTS[name]
    parts = {key: each for key, each in value.items() if key in read}
    if "extension" in parts:
        parts["extension"] = _read(parts["extension"])
        if parts["extension"] == []:
            del parts["extension"]
    return parts


def _read(extensions: Any) -> Any:
    """Return the extensions that checks read."""
    if not isinstance(extensions, list):
        return extensions
    return [each for each in extensions if not isinstance(each, dict) or each.get("url") in EXTENSIONS]


# What an element says to people, or is asked for on demand (`must_support.py`).
UNASKED = frozenset({"id", "mustSupport", "isModifier"})


def adds_nothing(element: ElementDefinition, base: ElementDefinition) -> bool:
    """Whether an element, as `checked` gives it, asks for no more than that of its base."""
    return all(base.get(name) == value for name, value in element.items() if name not in UNASKED)
