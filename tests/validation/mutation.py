"""Mutations of good resources: each makes exactly one thing wrong that the specification forbids.

They are made of the definitions, so that every place of a resource where a kind applies gives a mutant.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any, NamedTuple

from fhir_service.fhir.definitions import Definitions, Element
from fhir_service.fhir.resource import Resource
from fhir_service.terminology import Terminology


class Place(NamedTuple):
    """A property of an object in a resource: the object, the property, its element and type."""

    holder: dict[str, Any]
    name: str
    element: Element
    code: str
    type: str

    @property
    def values(self) -> list[Any]:
        """The values there, of which none is null."""
        value = self.holder[self.name]
        return [each for each in (value if isinstance(value, list) else [value]) if each is not None]

    def put(self, value: Any) -> None:
        """Put a value in place of the first."""
        if isinstance(self.holder[self.name], list):
            self.holder[self.name][0] = value
        else:
            self.holder[self.name] = value


def places(resource: Resource, definitions: Definitions) -> Iterator[Place]:
    """Give every property of a resource that has an element."""
    yield from _inside(resource, str(resource["resourceType"]), definitions)


def _inside(value: Any, type_name: str, definitions: Definitions) -> Iterator[Place]:
    if not isinstance(value, dict) or not definitions.has_type(type_name):
        return
    known = definitions.type(type_name).by_json
    for name in list(value):
        if name not in known:
            continue
        element, code = known[name]
        yield Place(value, name, element, code, type_name)
        for each in value[name] if isinstance(value[name], list) else [value[name]]:
            inner = each.get("resourceType", code) if isinstance(each, dict) and code == "Resource" else code
            yield from _inside(each, str(inner), definitions)


Mutate = Callable[[Place, Definitions, Terminology], bool]
"""Makes a place wrong; says whether the kind applies there."""


def unknown_element(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    place.holder[f"{place.name}X"] = place.holder[place.name]
    return True


def missing_required(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    others = [name for name, (element, _) in definitions.type(place.type).by_json.items() if element == place.element]
    if place.element.min == 0 or sum(name in place.holder for name in others) != 1:
        return False
    del place.holder[place.name]
    place.holder.pop(f"_{place.name}", None)
    return True


def too_many(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if place.element.repeats:
        return False
    place.holder[place.name] = [place.holder[place.name], place.holder[place.name]]
    return True


def another_json_type(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    value = place.values[0] if place.values else None
    if value is None:
        return False
    place.put({"x": 1} if not isinstance(value, dict) else "x")
    return True


_WRONG: dict[str, Any] = {
    "date": "2020-02-30", "dateTime": "2020-13-01", "instant": "2020-01-01T00:00:00", "time": "25:00:00",
    "boolean": "true", "integer": Decimal("1.5"), "positiveInt": 0, "unsignedInt": -1, "decimal": "1",
    "code": " a", "id": "a b", "uri": "a b", "url": "a b", "canonical": "a b", "oid": "1.2.3",
    "uuid": "urn:uuid:x", "base64Binary": "%%%", "string": "", "markdown": "",
    "xhtml": "<div xmlns='http://www.w3.org/1999/xhtml'><script>x</script></div>",
}  # fmt: skip


def wrong_value(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if place.code not in _WRONG or not place.values:
        return False
    place.put(_WRONG[place.code])
    return True


def code_of_no_value_set(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if place.code != "code" or place.element.value_set is None or not place.values:
        return False
    if terminology.contains(place.element.value_set, None, "no-such-code") is not False:
        return False
    place.put("no-such-code")
    return True


def concept_of_no_value_set(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if place.code not in ("CodeableConcept", "Coding") or place.element.value_set is None or not place.values:
        return False
    coding = {"system": "http://no.such.system/x", "code": "no-such-code"}
    if terminology.contains(place.element.value_set, coding["system"], coding["code"]) is not False:
        return False
    place.put({"coding": [coding]} if place.code == "CodeableConcept" else coding)
    return True


def wrong_target(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if place.code != "Reference" or not place.element.targets or not place.values:
        return False
    others = [each for each in ("Patient", "Slot", "Substance") if each not in place.element.targets]
    place.put({"reference": f"{others[0]}/no-such-one"})
    return True


def nothing_contained(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if place.code != "Reference" or not place.values:
        return False
    place.put({"reference": "#no-such-one"})
    return True


def two_types(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if not place.element.choice or len(place.element.types) < 2:
        return False
    other = next(each for each in place.element.types if each != place.code)
    place.holder[f"{place.element.name}{other[0].upper()}{other[1:]}"] = place.holder[place.name]
    return True


def extension_of_nothing(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if not place.values or not isinstance(place.values[0], dict) or place.code in ("Resource", "Extension"):
        return False
    place.values[0]["extension"] = [*place.values[0].get("extension", ()), {"url": "http://e.jp/x"}]
    return True


def unknown_modifier(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if not place.values or not isinstance(place.values[0], dict) or "." not in place.code:
        return False
    place.values[0]["modifierExtension"] = [{"url": "http://e.jp/x", "valueCode": "a"}]
    return True


def empty_element(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    place.holder[place.name] = [] if isinstance(place.holder[place.name], list) else {}
    return True


# Invariants of data types and backbones: what has to be there, by type, and how to break it.
_BROKEN: dict[str, dict[str, Any]] = {
    "Period": {"start": "2020-02-01", "end": "2020-01-01"},
    "ContactPoint": {"value": "1"},
    "Range": {"low": {"value": 2}, "high": {"value": 1}},
    "Ratio": {"numerator": {"value": 1}},
    "Attachment": {"data": "AAAA"},
    "Quantity": {"value": 1, "code": "kg"},
    "Observation.referenceRange": {"appliesTo": [{"text": "x"}]},
    "Composition.section": {"title": "x"},
    "Patient.contact": {"gender": "male"},
    "Timing.repeat": {"period": 1},
}


def broken_invariant(place: Place, definitions: Definitions, terminology: Terminology) -> bool:
    if place.code not in _BROKEN or not place.values:
        return False
    place.put(deepcopy(_BROKEN[place.code]))
    return True


MUTATIONS: tuple[Mutate, ...] = (
    unknown_element, missing_required, too_many, another_json_type, wrong_value, code_of_no_value_set,
    concept_of_no_value_set, wrong_target, nothing_contained, two_types, extension_of_nothing, unknown_modifier,
    empty_element, broken_invariant,
)  # fmt: skip


def mutants(
    resource: Resource, mutate: Mutate, definitions: Definitions, terminology: Terminology, step: int = 1
) -> Iterator[tuple[str, Resource]]:
    """Give a mutant for every place (or every so-many-th) where the kind applies, and the name of the place."""
    count = sum(1 for _ in places(resource, definitions))
    for number in range(0, count, step):
        mutant = deepcopy(resource)
        place = next(each for index, each in enumerate(places(mutant, definitions)) if index == number)
        name = f"{place.type}.{place.name}"
        if mutate(place, definitions, terminology):
            yield name, mutant
