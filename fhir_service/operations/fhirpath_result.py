"""Items as parts of a Parameters resource, each named after its type, as fhirpath-lab writes and reads them.

https://github.com/brianpos/fhirpath-lab/blob/develop/server-api.md
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Expression, Item, Items, Quantity
from fhir_service.fhir.fhirpath import compile as compile_expression
from fhir_service.fhir.fhirpath.quantity import to_fhir
from fhir_service.fhir.json import encode
from fhir_service.fhir.resource import Resource

JSON_VALUE = "http://fhir.forms-lab.com/StructureDefinition/json-value"
PARAMETER = "Parameters.parameter"

# https://hl7.org/fhir/R4/fhirpath.html#types
_FHIR = {
    "System.Boolean": "boolean",
    "System.String": "string",
    "System.Integer": "integer",
    "System.Decimal": "decimal",
    "System.Date": "date",
    "System.DateTime": "dateTime",
    "System.Time": "time",
    "System.Quantity": "Quantity",
}


def parts(items: Items, definitions: Definitions) -> list[Resource]:
    """Return a part for each item."""
    return [_part(item, definitions) for item in items]


def _part(item: Item, definitions: Definitions) -> Resource:
    name = _FHIR.get(item.type, item.type)
    value: Any = to_fhir(item.value) if isinstance(item.value, Quantity) else item.value
    if isinstance(value, dict) and name in definitions.resource_types:
        return {"name": name, "resource": value}
    if value == "":
        return {"name": "empty-string"}

    key = f"value{name[:1].upper()}{name[1:]}"
    if key not in definitions.type(PARAMETER).by_json or (isinstance(value, dict) and not value):
        return {"name": name, "extension": [{"url": JSON_VALUE, "valueString": encode(value).decode()}]}
    part: Resource = {"name": name}
    if value is not None:
        part[key if _is_valid(value, name, definitions) else "valueString"] = value
    if item.primitive:
        part["_" + key] = item.primitive
    return part


def _is_valid(value: Any, name: str, definitions: Definitions) -> bool:
    """Whether a value may stand as this type; FHIRPath knows times without seconds, which FHIR does not."""
    pattern = definitions.type(name).pattern
    return not isinstance(value, str) or pattern is None or _regex(pattern).fullmatch(value) is not None


@lru_cache(maxsize=64)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def items_of(parameter: Resource, definitions: Definitions) -> Items:
    """Return what a parameter (or part) holds: its value with the type that it has there, or its resource."""
    return _held(definitions).evaluate(Item(parameter, PARAMETER))


@lru_cache(maxsize=64)
def _held(definitions: Definitions) -> Expression:
    return compile_expression("value.combine(resource)", definitions, context_type=PARAMETER)


def traces(found: Iterable[tuple[str, Items]], definitions: Definitions) -> list[Resource]:
    """Return a part for each call of `trace()`, with what it saw."""
    return [_trace(name, items, definitions) for name, items in found]


def _trace(name: str, items: Items, definitions: Definitions) -> Resource:
    trace: Resource = {"name": "trace", "valueString": name or "trace"}
    return trace | {"part": parts(items, definitions)} if items else trace
