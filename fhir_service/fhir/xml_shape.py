"""What XML needs to know of a type: which elements and attributes it has, in which order, and how each is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from fhir_service.fhir.definitions import Definitions, Element, TypeDefinition

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"

Form = Literal["primitive", "complex", "resource", "xhtml", "attribute"]


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object: its name in JSON, which is that of the XML element too, and how it is written."""

    name: str
    element: str
    code: str
    form: Form
    repeats: bool
    rank: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A type as XML sees it: `children` by qualified tag, `properties` by JSON name (with `_name` beside `name`)."""

    name: str
    children: Mapping[str, Property]
    attributes: Mapping[str, Property]
    properties: Mapping[str, Property]


class Shapes:
    """The shapes of all types; each is made when it is first asked for."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.resource_types = definitions.resource_types
        self._made: dict[str, Shape] = {}

    def __getitem__(self, name: str) -> Shape:
        shape = self._made.get(name)
        if shape is None:
            shape = self._made[name] = self._shape(self.definitions.type(name))
        return shape

    def _shape(self, definition: TypeDefinition) -> Shape:
        ranks = {element.name: rank for rank, element in enumerate(definition.elements)}
        properties = {
            name: Property(name, element.name, code, self._form(element, code), element.repeats, ranks[element.name])
            for name, (element, code) in definition.by_json.items()
        }
        partners = {f"_{each.name}": each for each in properties.values() if each.form == "primitive"}
        return Shape(
            name=definition.name,
            children={_tag(each): each for each in properties.values() if each.form != "attribute"},
            attributes={each.name: each for each in properties.values() if each.form == "attribute"},
            properties=properties | partners,
        )

    def _form(self, element: Element, code: str) -> Form:
        if element.xml_attribute:
            return "attribute"
        if code == "xhtml":
            return "xhtml"
        if code == "Resource":
            return "resource"
        return "primitive" if self.definitions.kind(code) == "primitive-type" else "complex"


def _tag(each: Property) -> str:
    return f"{{{XHTML if each.form == 'xhtml' else FHIR}}}{each.name}"


_SHAPES: WeakKeyDictionary[Definitions, Shapes] = WeakKeyDictionary()


def shapes_of(definitions: Definitions) -> Shapes:
    """Return the shapes of these definitions, made once."""
    shapes = _SHAPES.get(definitions)
    if shapes is None:
        shapes = _SHAPES[definitions] = Shapes(definitions)
    return shapes
