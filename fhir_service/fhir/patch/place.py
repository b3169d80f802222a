"""Where elements stand in the JSON of a resource, so that they can be changed there.

A property of JSON is read and written here as a list of slots, a value with its companion (`_name`, which holds the
id and the extensions of a primitive), so that the two never come apart.
https://hl7.org/fhir/R4/json.html#primitive
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.model import Element
from fhir_service.fhir.resource import Resource

Json = dict[str, Any]


class Slot(NamedTuple):
    """One value of a property and its companion; either may be absent (None), not both."""

    value: Any
    companion: Json | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The element number `index` of the property `name` (as in JSON: `valueQuantity`) of the object `holder`.

    `companion` says that it is not the element itself but the object beside it.
    """

    holder: Json
    name: str
    index: int
    element: Element
    type: str
    companion: bool = False

    @property
    def slots(self) -> list[Slot]:
        return read_slots(self.holder, self.name)


def read_slots(holder: Json, name: str) -> list[Slot]:
    """Return what the property holds, one slot if it is no array."""
    value, companion = holder.get(name), holder.get(f"_{name}")
    if not isinstance(value, list) and not isinstance(companion, list):
        return [] if value is None and companion is None else [Slot(value, companion)]

    values, companions = value or [], companion or []
    length = max(len(values), len(companions))
    values, companions = ([*some, *[None] * (length - len(some))] for some in (values, companions))
    return [Slot(*pair) for pair in zip(values, companions, strict=True)]


def write_slots(holder: Json, name: str, slots: list[Slot], *, repeats: bool) -> None:
    """Make the property hold these; what has nothing to hold is not there."""
    for key, values in ((name, [slot.value for slot in slots]), (f"_{name}", [slot.companion for slot in slots])):
        if all(value is None for value in values):
            holder.pop(key, None)
        else:
            holder[key] = values if repeats else values[0]


class Places:
    """Knows the place and the type of every object in a resource; to be made anew when the resource was changed."""

    def __init__(self, resource: Resource, definitions: Definitions) -> None:
        self.root = resource
        self._definitions = definitions
        self._places: dict[int, Place] = {}
        self._types: dict[int, str] = {id(resource): resource["resourceType"]}
        pending = [resource]
        while pending:
            for place, child in self._children(pending.pop()):
                self._places[id(child)] = place
                self._types[id(child)] = place.type
                pending.append(child)

    def of(self, node: Json) -> Place | None:
        """Return where this very object stands; None for the resource itself and for what is no part of it."""
        return self._places.get(id(node))

    def type_of(self, holder: Json) -> str | None:
        """Return the type of this very object; None if it is no part of the resource."""
        return self._types.get(id(holder))

    def element(self, type_name: str, name: str) -> Element | None:
        """Return the element that FHIRPath calls `name` in a type; a choice has no type at its end."""
        return next((element for element in self._definitions.type(type_name).elements if element.name == name), None)

    def json_names(self, type_name: str, element: Element) -> dict[str, str]:
        """Return the property names that JSON has for an element, with the type of each."""
        by_json = self._definitions.type(type_name).by_json
        return {name: type_ for name, (of, type_) in by_json.items() if of.name == element.name}

    def members(self, holder: Json, type_name: str, name: str) -> list[Place]:
        """Return the places of all values that the element `name` has in an object."""
        if not (element := self.element(type_name, name)):
            return []
        return [
            Place(holder, json_name, index, element, type_)
            for json_name, type_ in self.json_names(type_name, element).items()
            for index in range(len(read_slots(holder, json_name)))
        ]

    def prune(self, holder: Json) -> None:
        """Take away an object that became empty, and what became empty by that: FHIR has no empty objects."""
        while not holder and (place := self.of(holder)):
            slots = place.slots
            slot = slots[place.index]
            kept = Slot(slot.value, None) if place.companion else Slot(None, slot.companion)
            slots[place.index : place.index + 1] = [] if kept == (None, None) else [kept]
            write_slots(place.holder, place.name, slots, repeats=place.element.repeats)
            holder = place.holder

    def _children(self, node: Json) -> Iterator[tuple[Place, Json]]:
        by_json = self._definitions.type(self._types[id(node)]).by_json
        for key, value in node.items():
            if not isinstance(value, dict | list):
                continue
            companion = key.startswith("_")
            name = key[1:] if companion else key
            if name not in by_json:
                continue
            element, type_ = by_json[name]
            for index, child in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(child, dict):
                    of = "Element" if companion else child.get("resourceType", type_) if type_ == "Resource" else type_
                    yield Place(node, name, index, element, of, companion), child
