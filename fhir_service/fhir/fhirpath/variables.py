"""Environment variables: `%resource`, `%ucum`, those of the caller and those that the expression defines.

https://hl7.org/fhirpath/N1/#environment-variables
https://hl7.org/fhir/R4/fhirpath.html#variables
"""

from decimal import Decimal
from typing import Any

from fhir_service.fhir.fhirpath.error import failed
from fhir_service.fhir.fhirpath.item import (
    BOOLEAN,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    Context,
    Evaluate,
    Item,
    Items,
    Quantity,
)

SYSTEMS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
# %`vs-name` and %`ext-name`: https://hl7.org/fhir/R4/fhirpath.html#variables
CANONICALS = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}
OWN = frozenset(("context", "resource", "rootResource", *SYSTEMS))
_TYPES: dict[type, str] = {bool: BOOLEAN, int: INTEGER, Decimal: DECIMAL, str: STRING, Quantity: QUANTITY}


def is_own(name: str) -> bool:
    """Whether `%name` is one that FHIRPath or FHIR defines."""
    return name in OWN or name.startswith(tuple(CANONICALS))


def external(name: str) -> Evaluate:
    """Return the evaluation of `%name`."""
    if name == "context":
        return lambda this, context: context.focus
    if name == "resource":
        return lambda this, context: context.resource
    if name == "rootResource":
        return lambda this, context: context.root
    fixed = SYSTEMS.get(name) or _canonical(name)
    if fixed is not None:
        items = [Item(fixed, STRING)]
        return lambda this, context: items

    def run(this: Items, context: Context) -> Items:
        if name in context.variables:
            return context.variables[name]
        if name in context.environment.variables:
            return items_of(context.environment.variables[name])
        raise failed(f"変数「%{name}」は定義されていません。", f"The variable %{name} is not defined.")

    return run


def _canonical(name: str) -> str | None:
    found = (base + name[len(prefix) :] for prefix, base in CANONICALS.items() if name.startswith(prefix))
    return next(found, None)


def items_of(value: Any) -> Items:
    """Return a value that the caller gave as a collection: Items as they are, JSON with the type that it shows."""
    if isinstance(value, Item):
        return [value]
    if isinstance(value, list):
        return [item for each in value for item in items_of(each)]
    if isinstance(value, dict):
        return [Item(value, value["resourceType"] if isinstance(value.get("resourceType"), str) else "Element")]
    type_name = _TYPES.get(type(value))
    return [] if type_name is None else [Item(value, type_name)]
