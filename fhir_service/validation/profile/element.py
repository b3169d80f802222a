"""The elements of a profile compiled to checks of typed values: only what R4 itself does not ask for already.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_service.fhir.definitions import Definitions, Package
from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.fhirpath.model import Model, children, model_of
from fhir_service.validation.base import BaseDefinitions
from fhir_service.validation.binding import binding_check, bindings
from fhir_service.validation.definition import ElementDefinition, adds_nothing
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.invariant import ELSEWHERE, Invariant
from fhir_service.validation.profile.cardinality import cardinality
from fhir_service.validation.profile.children import Children
from fhir_service.validation.profile.fixed import fixed_check, fixed_text, wanted
from fhir_service.validation.profile.limits import limit_checks
from fhir_service.validation.profile.slicing import Slices
from fhir_service.validation.profile.tree import NONE, Branches, Node
from fhir_service.validation.profile.type_choice import type_checks
from fhir_service.validation.run import Run

if TYPE_CHECKING:
    from fhir_service.validation.profile.compiler import ProfileCompiler

ItemCheck = Callable[[Item, Run], Faults]


class Place(NamedTuple):
    """Where a node stands in R4: the types that its values can have, and what R4 says of the element."""

    types: tuple[str, ...]
    base: ElementDefinition


class ElementCompiler:
    """Compiles the nodes of one profile."""

    def __init__(
        self,
        profile: str,
        package: Package | None,
        definitions: Definitions,
        base: BaseDefinitions,
        profiles: ProfileCompiler,
    ) -> None:
        self.profile = profile
        self.package = package
        self.definitions = definitions
        self.base = base
        self.profiles = profiles
        self.model: Model = model_of(definitions)

    def root(self, node: Node, type_name: str) -> ItemCheck:
        """Return the check of a whole value of the profile's type."""
        described = self.base.root(type_name)
        return _all([*self.item_checks(node, Place((type_name,), described))])

    def item_checks(self, node: Node, place: Place) -> Iterator[ItemCheck]:
        """Give the checks of one value of an element: of what R4 does not say of it in the same words."""
        base = place.base
        said = {name: value for name, value in node.element.items() if base.get(name) != value}
        if "type" in said:
            yield from type_checks(node, base, self)
        if (found := wanted(said)) is not None and found != wanted(base):
            yield fixed_check(found, node.id, self.profile)
        yield from limit_checks(said, self.profile)
        if "binding" in said:
            yield from self._bindings(node, place)
        if "constraint" in said:
            yield from self._invariants(node, place)
        yield from self._children(node, place)

    def _bindings(self, node: Node, place: Place) -> Iterator[ItemCheck]:
        known = [(each.value_set, each.strength) for each in bindings(place.base)]
        for binding in bindings(node.element, self.profile):
            if (binding.value_set, binding.strength) in known:
                continue
            checks = {name: binding_check(binding, name) for name in place.types}
            yield _by_type({name: check for name, check in checks.items() if check is not None})

    def _invariants(self, node: Node, place: Place) -> Iterator[ItemCheck]:
        roots = [self.base.root(name) for name in place.types if "." not in name]
        known = {each["key"] for described in (place.base, *roots) for each in described.get("constraint", ())}
        context = place.types[0] if len(place.types) == 1 else None
        for constraint in node.element.get("constraint", ()):
            if constraint.get("key") not in known and constraint.get("key") not in ELSEWHERE:
                yield Invariant(constraint, self.definitions, context, self.profile).on

    def _children(self, node: Node, place: Place) -> Iterator[ItemCheck]:
        # A content reference takes over what R4 says of the other element, as HL7's suite has it (params-recursion):
        # what the profile asks of `Questionnaire.item` is not asked of the items inside.
        if node.children:
            compiled = partial(self.child_check, types=place.types)
            yield Children(node.children, self.model, self.profile, compiled).check

    def child_check(self, name: str, node: Node, types: Sequence[str]) -> ItemCheck | None:
        """Return the check of an element of a value that has one of these types; None if nothing is asked for."""
        owner = next((each for each in types if name in self.model.properties(each)), None)
        if owner is None:
            return self._shortcut(name, node, types)
        described = self.base.element(owner, name)
        if not node.children and not node.slices and adds_nothing(node.element, described):
            return None
        place = Place(self.narrowed(node, owner, name), described)
        counts = cardinality(node, described, name, self.profile)
        each = [*self.item_checks(node, place)]
        sliced = Slices(node, place, self) if node.slices else None
        if counts is None and not each and sliced is None:
            return None
        repeats = self.model.properties(owner)[name].many
        check = _element_check(self.model, name, counts, _all(each) if each else None, sliced, repeats)
        text = fixed_text(node.element)
        return check if text is None or len(each) != 1 or counts or sliced else _unless_it_is(text, name, check)

    def _shortcut(self, name: str, node: Node, types: Sequence[str]) -> ItemCheck | None:
        """Return the check of `valueQuantity`, which means the values of `value[x]` that are Quantities."""
        for owner in types:
            if not self.definitions.has_type(owner):
                continue
            found = self.definitions.type(owner).by_json.get(name)
            if found is not None and found[0].choice:
                element, code = found
                slice_node = Node(node.element | {"type": [{"code": code}]}, element.name, node.children, node.slices)
                outer = Node({}, element.name, NONE, Branches.of(name, slice_node))
                return self.child_check(element.name, outer, types)
        return None

    def narrowed(self, node: Node, owner: str, name: str) -> tuple[str, ...]:
        """Return the types that values of the element can have by the profile."""
        variants = [variant.type for variant in self.model.properties(owner)[name].variants]
        if node.element.get("type") == self.base.element(owner, name).get("type"):
            return tuple(variants)
        codes = node.codes()
        kept = [each for each in variants if "." in each or not codes or each in codes]
        others = [code for code in codes if code not in kept and self.definitions.has_type(code)]
        return tuple(kept or others or variants) if variants != ["Resource"] else tuple(others or variants)


def _by_type(checks: dict[str, Any]) -> ItemCheck:
    def check(item: Item, run: Run) -> Faults:
        found = checks.get(item.type)
        if found is None:
            return None
        faults: Faults = found(item.value, run)
        return faults

    return check


def _all(checks: Sequence[ItemCheck]) -> ItemCheck:
    if len(checks) == 1:
        return checks[0]

    def check(item: Item, run: Run) -> Faults:
        found: list[Fault] = []
        for each in checks:
            if (faults := each(item, run)) is not None:
                found += faults
        return found or None

    return check


def _unless_it_is(text: str, name: str, check: ItemCheck) -> ItemCheck:
    """Return a check that need not be asked where an element is the text it is fixed to, as the url of an extension."""

    def asked(item: Item, run: Run) -> Faults:
        value = item.value
        return None if value.__class__ is dict and value.get(name) == text else check(item, run)

    return asked


def _element_check(
    model: Model,
    name: str,
    counts: Callable[[int], Faults] | None,
    each: ItemCheck | None,
    sliced: Slices | None,
    repeats: bool,
) -> ItemCheck:
    properties = model.properties

    def check(item: Item, run: Run) -> Faults:
        value, type_name, partner = item
        node = value if value.__class__ is dict else children(value, partner)
        items: list[Item] = []
        if node is not None and (known := properties(type_name).get(name)) is not None:
            known.read(node, items)
        found: list[Fault] = []
        if counts is not None and (faults := counts(len(items))) is not None:
            found += faults
        if each is not None:
            for index, one in enumerate(items):
                if (faults := each(one, run)) is not None:
                    step = f".{name}[{index}]" if repeats else f".{name}"
                    found += [fault.below(step) for fault in faults]
        if sliced is not None:
            found += sliced.check(items, name, repeats, run)
        return found or None

    return check
