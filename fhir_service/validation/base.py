"""What R4 itself asks of a type beyond its shape: the ElementDefinitions of its own StructureDefinition, by path.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fhir_service.fhir.definitions import Definitions

TYPE_BASE = "http://hl7.org/fhir/StructureDefinition/"

ElementDefinition = dict[str, Any]


class BaseDefinitions:
    """Reads the snapshots of R4's types; the few that were read last are kept."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._read = lru_cache(maxsize=24)(self._elements)

    def elements(self, type_name: str) -> Mapping[str, ElementDefinition]:
        """Return the elements of a type (`Patient`, or that of `Patient.contact`) by their paths."""
        return self._read(type_name.partition(".")[0])

    def element(self, type_name: str, name: str) -> ElementDefinition:
        """Return an element of a type (`Patient`, `name`); empty if R4 says nothing of it."""
        elements = self.elements(type_name)
        path = f"{type_name}.{name}"
        return elements.get(path) or elements.get(f"{path}[x]") or {}

    def _elements(self, root: str) -> Mapping[str, ElementDefinition]:
        definition = self._definitions.find(TYPE_BASE + root) or {}
        elements = definition.get("snapshot", {}).get("element", ())
        return {element["path"]: element for element in elements}
