"""What R4 itself asks of a type beyond its shape: the ElementDefinitions of its own StructureDefinition, by path.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from decimal import Decimal
from functools import lru_cache

import msgspec

from fhir_service.fhir.definitions import Definitions
from fhir_service.validation.compiled import Compiled
from fhir_service.validation.definition import ElementDefinition, checked

TYPE_BASE = "http://hl7.org/fhir/StructureDefinition/"

_Elements = dict[str, msgspec.Raw]
_rows = msgspec.json.Decoder(_Elements).decode
_decode = msgspec.json.Decoder(ElementDefinition, float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class BaseDefinitions:
    """Reads the snapshots of R4's types, an element when it is asked for."""

    def __init__(self, definitions: Definitions, compiled: Compiled) -> None:
        self._definitions = definitions
        self._compiled = compiled
        self._types: dict[str, _Elements] = {}
        self._element = lru_cache(maxsize=512)(self._read)

    def root(self, type_name: str) -> ElementDefinition:
        """Return what R4 says of a type itself (`Patient`), or of a backbone element by its path."""
        return self._element(type_name)

    def element(self, type_name: str, name: str) -> ElementDefinition:
        """Return an element of a type (`Patient`, `name`); empty if R4 says nothing of it."""
        path = f"{type_name}.{name}"
        return self._element(path) or self._element(f"{path}[x]")

    def _read(self, path: str) -> ElementDefinition:
        root = path.partition(".")[0]
        rows = self._types.get(root)
        if rows is None:
            rows = self._types[root] = self._elements(root)
        row = rows.get(path)
        return {} if row is None else _decode(row)

    def _elements(self, root: str) -> _Elements:
        if (kept := self._compiled.get(f"type {root}")) is not None:
            return _rows(kept)
        generation = self._definitions.generation
        definition = self._definitions.find(TYPE_BASE + root) or {}
        elements = definition.get("snapshot", {}).get("element", ())
        made = _encode({each["path"]: checked(each) for each in elements})
        self._compiled.put(f"type {root}", made, generation)
        return _rows(made)
