"""The checks of R4's own types: shape, values, bindings, targets, extensions and invariants, each type compiled once.

A type is compiled when a value of it is first met, so that a start compiles nothing and a first validation little.
https://hl7.org/fhir/R4/validation.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_service.fhir.definitions import Definitions, Element, TypeDefinition
from fhir_service.validation.base import TYPE_BASE, BaseDefinitions
from fhir_service.validation.binding import binding_check, bindings
from fhir_service.validation.canonical import canonical_check, canonical_form_check, own_url_check
from fhir_service.validation.contained import contained_faults
from fhir_service.validation.element_id import without_spaces
from fhir_service.validation.extension import extension_check
from fhir_service.validation.fault import Fault, Faults, is_sound
from fhir_service.validation.invariant import invariants
from fhir_service.validation.primitive import mistyped, primitive_check
from fhir_service.validation.reference import reference_check
from fhir_service.validation.run import Check, Run
from fhir_service.validation.shape import (
    SHOWN,
    Properties,
    accept,
    array_check,
    code_partner_check,
    object_check,
    partners_check,
)
from fhir_service.validation.target import target_check, type_agrees

RESOURCES = frozenset({"Resource", "DomainResource"})


class TypeChecks:
    """Compiles the checks of types."""

    def __init__(self, definitions: Definitions, base: BaseDefinitions, extra: Mapping[str, Sequence[Check]]) -> None:
        self._definitions = definitions
        self._base = base
        self._extra = extra
        self._checks: dict[str, Check] = {}
        self._resources: dict[str, Check] = {}

    def resource(self, value: Any, run: Run) -> Faults:
        """Check a resource, whatever its type, in a run of its own."""
        if value.__class__ is not dict:
            return mistyped(value, "リソース", "a resource", dict)
        name = value.get("resourceType")
        check = self._resources.get(name) if name.__class__ is str else None
        if check is None:
            if name.__class__ is not str or name not in self._definitions.resource_types:
                return [_unknown_resource_type(name)]
            check = self._resources[name] = self._check(name)
        faults = check(value, run)
        if "contained" in value and run.container is None:
            faults = [*(faults or ()), *contained_faults(value, sound=not faults or is_sound(faults))] or None
        return _settled(faults, value["resourceType"]) if faults else None

    def _held(self, value: Any, run: Run) -> Faults:
        """Check a resource that a Bundle or Parameters holds."""
        return run.validator.held(value, run.inside(value)) if value.__class__ is dict else self.resource(value, run)

    def _contained(self, value: Any, run: Run) -> Faults:
        """Check a contained resource."""
        return run.validator.held(value, run.contained(value)) if value.__class__ is dict else self.resource(value, run)

    def _check(self, name: str) -> Check:
        """Return the check of a type; what it is made of is compiled when it is first met."""
        if name in self._checks:
            return self._checks[name]
        if name in RESOURCES:
            return self._held
        definition = self._definitions.type(name)
        if definition.kind == "primitive-type":
            self._checks[name] = primitive_check(name, self._definitions)
            return self._checks[name]

        rules = (
            *invariants(self._base.root(name), self._definitions, name),
            *self._extra.get(name, ()),
            *((type_agrees,) if name == "Reference" else ()),
            *(self._extra.get("Resource", ()) if definition.kind == "resource" else ()),
        )
        properties = Properties(lambda json_name: self._declared(definition, json_name))
        check = self._checks[name] = object_check(definition, properties, rules)
        return check

    def _declared(self, definition: TypeDefinition, json_name: str) -> Check | None:
        """Return the check of a property, or of the partner of a primitive one; None for a name that a type has not."""
        if json_name == "resourceType" and definition.kind == "resource":
            return accept
        if (found := definition.by_json.get(json_name)) is not None:
            return self._property(definition, *found)
        element, code = definition.by_json.get(json_name.removeprefix("_"), (None, ""))
        if element is None or code in RESOURCES or self._definitions.kind(code) != "primitive-type":
            return None
        # What XML writes as an attribute has no id or extension, nor has a narrative: its id stands in the div.
        return None if element.xml_attribute or code == "xhtml" else self._partner(definition, element, code)

    def _property(self, definition: TypeDefinition, element: Element, code: str) -> Check:
        item = self._item(definition, element, code)
        return array_check(item) if element.repeats else item

    def _item(self, definition: TypeDefinition, element: Element, code: str) -> Check:
        """Return the check of one value of an element: that of its type, and what the element adds."""
        if element.name == "contained" and definition.name in self._definitions.resource_types:
            return self._contained
        check = self._check(code)
        if code == "Extension":
            modifier = element.name == "modifierExtension"
            return extension_check(check, definition.name, self._places(definition.name), modifier=modifier)
        if definition.name == "Reference" and element.name == "reference":
            check = reference_check(check, self._definitions.resource_types)
        added = [*self._added(definition, element, code)]
        return _sequence(check, added) if added else check

    def _added(self, definition: TypeDefinition, element: Element, code: str) -> Iterator[Check]:
        if element.name == "id" and definition.kind != "resource":
            yield without_spaces
        described = self._base.element(definition.name, element.name)
        for binding in bindings(described):
            if (found := binding_check(binding, code)) is not None:
                yield found
        if code == "Reference" and element.targets:
            yield target_check(element.targets)
        if code == "canonical":
            yield from _canonicals(described, definition.name)
        if code == "uri" and element.name == "url" and definition.kind == "resource":
            yield own_url_check
        for each in described.get("type", ()):
            if each["code"] == code:
                yield from (_profiled(profile, code) for profile in each.get("profile", ()))
        if "." not in code:  # those of a backbone element are asked with its shape
            yield from invariants(described, self._definitions, code)

    def _partner(self, definition: TypeDefinition, element: Element, code: str) -> Check:
        """Return the check of the ids and extensions of an element of a primitive type."""
        element_type = self._definitions.type("Element")
        places = self._places(code) | {f"{definition.name}.{element.name}"}
        extensions = array_check(extension_check(self._check("Extension"), code, places, modifier=False))
        of_element = {"id": _sequence(self._check("string"), [without_spaces]), "extension": extensions}
        partner = object_check(element_type, Properties(of_element.get), ())
        if element.repeats:
            return partners_check(partner)
        return code_partner_check(partner) if code == "code" and element.value_set else partner

    def _places(self, name: str) -> frozenset[str]:
        """Return what a context may call a place: the type, and all that it derives from."""
        found = [name]
        while (base := self._definitions.type(found[-1]).base) is not None:
            found.append(base)
        return frozenset(found)


def _canonicals(described: dict[str, Any], type_name: str) -> Iterator[Check]:
    """Give the checks of a canonical: its form, and what it names (the types of elements are told of elsewhere)."""
    targets = [each for type_ in described.get("type", ()) for each in type_.get("targetProfile", ())]
    names = {each.removeprefix(TYPE_BASE) for each in targets} if f"{TYPE_BASE}Resource" not in targets else set()
    yield canonical_form_check(names, absolute=type_name == "Meta")
    if names and not type_name.startswith("ElementDefinition"):
        yield canonical_check(names, unknown=type_name != "Meta")


def _sequence(first: Check, others: list[Check]) -> Check:
    """Return the check that asks the others where the first finds nothing."""
    if len(others) == 1:
        other = others[0]

        def both(value: Any, run: Run) -> Faults:
            faults = first(value, run)
            return other(value, run) if faults is None else faults

        return both

    def check(value: Any, run: Run) -> Faults:
        if (faults := first(value, run)) is not None:
            return faults
        found: list[Fault] = []
        for each in others:
            if (faults := each(value, run)) is not None:
                found += faults
        return found or None

    return check


def _profiled(canonical: str, type_name: str) -> Check:
    """Return the check against a profile of a data type, such as SimpleQuantity."""

    def check(value: Any, run: Run) -> Faults:
        return run.validator.check_element(value, type_name, canonical, run)

    return check


def _settled(faults: list[Fault], root: str) -> Faults:
    """Drop the faults that are none at the place where they are found to be."""
    kept = [each for each in faults if each.unless_at is None or each.unless_at.isdisjoint(_names(root, each.path))]
    return [each._replace(unless_at=None) if each.unless_at else each for each in kept] or None


def _names(root: str, path: str) -> list[str]:
    """Return what a context may call the element of a resource that has the extension at this path."""
    steps = [step.partition("[")[0] for step in path.split(".")[1:-1]]
    return [".".join((owner, *steps)) for owner in (root, "DomainResource", "Resource")]


def _unknown_resource_type(name: Any) -> Fault:
    if not isinstance(name, str):
        return Fault("", "structure", "resourceType がありません。", "The resourceType is missing.")
    shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}…"
    return Fault(
        "",
        "structure",
        f"リソースの型「{shown}」は FHIR R4 にありません。",
        f"FHIR R4 has no resource type '{shown}'.",
    )


__all__ = ["TYPE_BASE", "TypeChecks"]
