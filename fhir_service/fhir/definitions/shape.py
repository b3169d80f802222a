"""Has a definition from elsewhere the JSON shape of its type, so that whoever reads it finds what the type model says.

Only shapes are looked at, not cardinalities or values; properties that R4 does not have are passed over.
https://hl7.org/fhir/R4/json.html
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_service.fhir.definitions.model import TypeDefinition
from fhir_service.fhir.resource import Resource

Types = Callable[[str], TypeDefinition]

# https://hl7.org/fhir/R4/json.html#primitive: all others are strings
NUMBERS = frozenset({"integer", "positiveInt", "unsignedInt"})
_Property = tuple[bool, str, tuple[type, ...] | None]


class Shapes:
    """Looks at resources; the types are read when they are first met."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._known: dict[str, dict[str, _Property]] = {}

    def fault(self, resource: Resource) -> str | None:
        """Return where a resource has another shape than its type (`StructureDefinition.context`), None if nowhere."""
        try:
            return self._object(resource, resource["resourceType"], resource["resourceType"])
        except KeyError:
            return "resourceType"
        except RecursionError:
            return str(resource["resourceType"])

    def _object(self, value: Any, type_name: str, path: str) -> str | None:
        if value.__class__ is not dict:
            return path
        known = self._known.get(type_name) or self._properties(type_name)
        for name, child in value.items():
            found = known.get(name)
            if found is not None and (fault := self._child(child, found, path, name)) is not None:
                return fault
        return None

    def _child(self, child: Any, found: _Property, path: str, name: str) -> str | None:
        repeats, code, classes = found
        if repeats and child.__class__ is not list:
            return f"{path}.{name}"
        for item in child if repeats else (child,):
            if classes is not None:
                if item.__class__ not in classes and not (repeats and item is None):
                    return f"{path}.{name}"
            elif code == "Resource":
                kind = item.get("resourceType") if item.__class__ is dict else None
                fault = self._object(item, str(kind), f"{path}.{name}")
                if fault is not None:
                    return fault
            elif (
                not (item is None and name[0] == "_")
                and (fault := self._object(item, code, f"{path}.{name}")) is not None
            ):
                return fault
        return None

    def _properties(self, type_name: str) -> dict[str, _Property]:
        definition = self._types(type_name)
        found: dict[str, _Property] = {}
        for name, (element, code) in definition.by_json.items():
            classes = None if code == "Resource" else self._classes(code)
            found[name] = (element.repeats, code, classes)
            if classes is not None:
                found[f"_{name}"] = (element.repeats, "Element", None)
        self._known[type_name] = found
        return found

    def _classes(self, code: str) -> tuple[type, ...] | None:
        """Return the Python classes of a primitive, None for a type with elements."""
        if self._types(code).kind != "primitive-type":
            return None
        if code == "boolean":
            return (bool,)
        return (int,) if code in NUMBERS else (int, Decimal, float) if code == "decimal" else (str,)
