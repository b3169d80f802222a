"""The types of FHIR and of System as FHIRPath sees them: the properties of a type, how to read them, what is what.

https://hl7.org/fhir/R4/fhirpath.html#types
"""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple

from fhir_service.fhir.definitions import Definitions, Element
from fhir_service.fhir.fhirpath.error import FhirPathError, unreadable
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
    TYPE_INFO,
    Item,
    Items,
)

SYSTEM_TYPES = (BOOLEAN, STRING, INTEGER, DECIMAL, DATE, DATETIME, TIME, QUANTITY)
Read = Callable[[dict[str, Any], Items], None]
"""Append what a node has of one property to a collection."""

new = tuple.__new__
"""`new(Item, (value, type, primitive))` makes an Item at half the cost of calling the class."""


class Variant(NamedTuple):
    """One JSON property: `shadow` is the name beside it (`_birthDate`); an `open` one says its type in resourceType."""

    key: str
    shadow: str
    type: str
    primitive: bool
    open: bool


class Property(NamedTuple):
    """One element of a type, with the JSON properties that may hold it (several for `value[x]`)."""

    name: str
    variants: tuple[Variant, ...]
    many: bool
    read: Read


def children(value: Any, primitive: Any) -> dict[str, Any] | None:
    """Return the object that holds the children of an item: its value, or what JSON keeps beside a primitive."""
    node = value if type(value) is dict else primitive
    return node if type(node) is dict else None


class Model:
    """The types of some definitions, prepared for reading."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._properties: dict[str, dict[str, Property]] = {}
        self._readers: dict[str, dict[str, Read]] = {}
        self._is_a: dict[tuple[str, str], bool] = {}

    def properties(self, type_name: str) -> dict[str, Property]:
        """Return the properties of a type by name; none for a System type or one that R4 does not have."""
        found = self._properties.get(type_name)
        if found is None:
            found = self._read_properties(type_name)
            if found:  # names of types come from clients, too: none that there is not is kept
                self._properties[type_name] = found
        return found

    def readers(self, type_name: str) -> dict[str, Read]:
        """Return how to read each JSON property of a type, those with an underscore included."""
        found = self._readers.get(type_name)
        if found is None:
            properties = self.properties(type_name).values()
            variants = [variant for each in properties for variant in each.variants]
            found = self._readers[type_name] = {variant.key: reader((variant,)) for variant in variants}
            found |= {variant.shadow: found[variant.key] for variant in variants if variant.primitive}
        return found

    def _read_properties(self, type_name: str) -> dict[str, Property]:
        if type_name == TYPE_INFO:
            variants = [Variant(name, "_" + name, STRING, True, False) for name in ("namespace", "name")]
            return {variant.key: Property(variant.key, (variant,), False, reader((variant,))) for variant in variants}
        if not self.definitions.has_type(type_name):
            return {}
        return {element.name: self._property(element) for element in self.definitions.type(type_name).elements}

    def _property(self, element: Element) -> Property:
        variants = tuple(self._variant(element, type_name) for type_name in element.types)
        return Property(element.name, variants, element.repeats, reader(variants))

    def _variant(self, element: Element, type_name: str) -> Variant:
        key = element.name + type_name[:1].upper() + type_name[1:] if element.choice else element.name
        kind = self.definitions.kind(type_name) if self.definitions.has_type(type_name) else None
        is_open = kind == "resource" and self.definitions.is_abstract(type_name)
        return Variant(key, "_" + key, type_name, kind == "primitive-type", is_open)

    def is_a(self, type_name: str, ancestor: str) -> bool:
        """Return whether a type is another one or derives from it."""
        if type_name == ancestor:
            return True
        known = self._is_a.get((type_name, ancestor))
        if known is None:
            has = self.definitions.has_type
            if not (has(type_name) and has(ancestor)):
                return False
            known = self._is_a[type_name, ancestor] = self.definitions.is_a(type_name, ancestor)
        return known

    def is_type(self, name: str) -> bool:
        """Return whether FHIR has a type of this name (not the path of a backbone element)."""
        return "." not in name and self.definitions.has_type(name)

    def is_open(self, type_name: str) -> bool:
        """Return whether values of this static type say only themselves what they are."""
        return self.definitions.is_abstract(type_name)

    def named(self, written: str) -> str:
        """Return the type that a specifier means: `FHIR.string` and `string`, `System.String` and `String`."""
        namespace, _, name = written.rpartition(".")
        if namespace in ("", "FHIR") and self.is_type(name):
            return name
        if namespace in ("", "System") and "System." + name in SYSTEM_TYPES:
            return "System." + name
        if namespace == "System" and self.is_type(name):
            return written
        raise self._unknown(written)

    def _unknown(self, written: str) -> FhirPathError:
        return unreadable(f"「{written}」という型はありません。", f"There is no type '{written}'.")

    def is_of(self, type_name: str, wanted: str) -> bool:
        """Return whether `is` holds between the type of an item and a type that `named` returned."""
        if type_name.startswith("System."):
            return type_name == wanted or (type_name == QUANTITY and wanted == "Quantity")
        return self.is_a(type_name, wanted)

    def is_exactly(self, type_name: str, wanted: str) -> bool:
        """Return whether `ofType` and `as` select an item: as `is`, but a code is no string there.

        HL7's suite asks for it: `Patient.gender.ofType(string)` is empty while `Patient.gender is string` holds.
        """
        return type_name == wanted or (SYSTEM.get(wanted) in (None, QUANTITY) and self.is_of(type_name, wanted))


@lru_cache(maxsize=8)
def model_of(definitions: Definitions) -> Model:
    """Return the one model of these definitions."""
    return Model(definitions)


def type_of(node: dict[str, Any], declared: str) -> str:
    """Return the type of a node that is declared as an abstract resource."""
    named = node.get("resourceType")
    return named if type(named) is str else declared


def reader(variants: tuple[Variant, ...]) -> Read:
    """Return the function that reads these JSON properties of a node."""
    if len(variants) > 1:
        return _choice(variants)
    variant = variants[0]
    if variant.primitive:
        return _primitive(variant)
    return _resource(variant) if variant.open else _complex(variant)


def _complex(variant: Variant) -> Read:
    key, type_name = variant.key, variant.type

    def read(node: dict[str, Any], out: Items) -> None:
        child = node.get(key)
        if type(child) is dict:
            out.append(new(Item, (child, type_name, None)))
        elif type(child) is list:
            out.extend([new(Item, (each, type_name, None)) for each in child if type(each) is dict])

    return read


def _resource(variant: Variant) -> Read:
    key, declared = variant.key, variant.type

    def read(node: dict[str, Any], out: Items) -> None:
        child = node.get(key)
        for each in child if type(child) is list else (child,):
            if type(each) is dict:
                out.append(new(Item, (each, type_of(each, declared), None)))

    return read


# https://hl7.org/fhir/R4/json.html#primitive: what JSON writes each kind of primitive as
_JSON: dict[str, frozenset[type]] = {
    BOOLEAN: frozenset((bool,)),
    INTEGER: frozenset((int,)),
    DECIMAL: frozenset((int, Decimal)),
}
_TEXT: frozenset[type] = frozenset((str,))


def _primitive(variant: Variant) -> Read:
    """Return the reader of a primitive; a value that JSON has as another type than it must be is passed over."""
    key, shadow, type_name = variant.key, variant.shadow, variant.type
    allowed = _JSON.get(SYSTEM.get(type_name, STRING), _TEXT)

    def read(node: dict[str, Any], out: Items) -> None:
        value = node.get(key)
        if shadow in node:
            read_both(value, node[shadow], out)
        elif type(value) in allowed:
            out.append(new(Item, (value, type_name, None)))
        elif type(value) is list:
            out.extend([new(Item, (each, type_name, None)) for each in value if type(each) in allowed])

    def read_both(values: Any, beside: Any, out: Items) -> None:
        values = values if type(values) is list else [values]
        beside = beside if type(beside) is list else [beside]
        for value, other in zip_longest(values, beside):
            known = value if type(value) in allowed else None
            extra = other if type(other) is dict else None
            if known is not None or extra is not None:
                out.append(new(Item, (known, type_name, extra)))

    return read


def _choice(variants: tuple[Variant, ...]) -> Read:
    readers: dict[str, Read] = {}
    for variant in variants:
        readers[variant.key] = reader((variant,))
    lone_shadows = {variant.shadow: variant.key for variant in variants if variant.primitive}

    def read(node: dict[str, Any], out: Items) -> None:
        for key in node:
            if key in readers:
                readers[key](node, out)
            elif key in lone_shadows and lone_shadows[key] not in node:
                readers[lone_shadows[key]](node, out)

    return read
