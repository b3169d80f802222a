"""The value that a FHIRPath Patch operation brings: one value[x], a resource, or parts that make up an element.

https://hl7.org/fhir/R4/fhirpatch.html#concept
"""

import re
from copy import deepcopy
from typing import Any, NamedTuple

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.model import Element
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.patch.place import Json, Slot, read_slots, write_slots

_BLOCK = "div|p|h[1-6]|ul|ol|li|dl|dt|dd|table|caption|colgroup|col|thead|tbody|tfoot|tr|th|td|blockquote|hr|address"
_AROUND_BLOCKS = re.compile(rf"(?<=>)\s+(?=</?(?:{_BLOCK})\b)|(</?(?:{_BLOCK})\b[^<>]*>)\s+(?=<)")


class Brought(NamedTuple):
    """A value ready to be put under the property `name` (which says the type, where the element is a choice)."""

    name: str
    slot: Slot


def bring(part: Json, owner: str, element: Element, definitions: Definitions) -> Brought:
    """Return the value of a `value` part (or of a part of it) for this element of the type `owner`."""
    match part:
        case {"resource": dict(resource)}:
            return Brought(element.name, Slot(deepcopy(resource)))
        case {"part": list(parts)} if not element.choice:
            return Brought(element.name, Slot(_built(parts, element.types[0], definitions)))

    if not (name := value_name(part)):
        raise _no_value(element)
    json_name = f"{element.name}{name[5:]}" if element.choice else element.name
    if json_name not in definitions.type(owner).by_json:
        raise _no_value(element)
    value = deepcopy(part.get(name))
    if element.types == ("xhtml",) and isinstance(value, str) and name == "valueString":
        value = _compact(value)
    return Brought(json_name, Slot(value, deepcopy(part.get(f"_{name}"))))


def value_name(part: Json) -> str | None:
    """Return the property that holds the value[x] of a part, without the underscore of a companion."""
    return next((key.lstrip("_") for key in part if key.lstrip("_").startswith("value")), None)


def _compact(xhtml: str) -> str:
    """Return a narrative without the white space that stands only between block elements and shows nowhere.

    A Parameters resource carries a narrative as a string, often laid out for people; HL7's own cases expect it so.
    """
    return xhtml if "<pre" in xhtml else _AROUND_BLOCKS.sub(lambda space: space[1] or "", xhtml)


def keeps_its_form(xhtml: str) -> bool:
    """Whether a narrative comes back as it is from a `valueString`; from a `valueMarkdown` each does."""
    return _compact(xhtml) == xhtml


def _built(parts: list[Any], type_name: str, definitions: Definitions) -> Json:
    """Return an element of this type made of parts, each of which is named after one of its elements."""
    elements = {element.name: element for element in definitions.type(type_name).elements}
    built: Json = {}
    for part in parts:
        name = str(part.get("name")) if isinstance(part, dict) else ""
        if name not in elements:
            raise unknown_element(type_name, name)
        element = elements[name]
        json_name, slot = bring(part, type_name, element, definitions)
        slots = read_slots(built, json_name)
        if slots and not element.repeats:
            raise fhir_error("structure", f"{type_name}.{name}は1回だけです。", f"{type_name}.{name} stands only once.")
        write_slots(built, json_name, [*slots, slot], repeats=element.repeats)
    return built


def unknown_element(type_name: str, name: str) -> FhirError:
    """Return the error for a name that is none of the elements of a type."""
    return fhir_error(
        "structure",
        f"{type_name}に「{name}」という要素はありません。",
        f'{type_name} has no element "{name}".',
        status=422,
    )


def _no_value(element: Element) -> FhirError:
    types = ", ".join(element.types)
    return fhir_error(
        "value",
        f"{element.name}に入れる値がないか、型が合いません({types})。",
        f"There is no value for {element.name}, or not one of its types ({types}).",
        status=422,
    )
