"""The elements below a value: those that it has, and those that the profile wants some of.

What is asked of an element is compiled when a value first has it: a first validation pays for what a resource holds,
not for all that a profile says; and so does every other, since properties are looked up, not elements.
https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.fhirpath.model import Model, children
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.profile.tree import UNSOUND, Branches, Node
from fhir_service.validation.run import Run

if TYPE_CHECKING:
    from fhir_service.validation.profile.element import ItemCheck

UNUSABLE = "profile-unusable"
"""The rule of a definition that cannot be read, all or in part."""

Compiled = Callable[[str, Node], "ItemCheck | None"]


class Children:
    """The checks of some elements, each a number; `met` tells by type of which elements a JSON property is."""

    def __init__(self, nodes: Branches, model: Model, profile: str, compiled: Compiled) -> None:
        self._names = list(nodes)
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._nodes = nodes
        self._open = set(range(len(self._names)))
        self._checks: list[ItemCheck | None] = [None] * len(self._names)
        self._needed = [self._numbers[name] for name in nodes.wanted]
        self._met: dict[str, dict[str, tuple[int, ...]]] = {}
        self._model = model
        self._profile = profile
        self._compiled = compiled

    def check(self, item: Item, run: Run) -> Faults:
        """Check what is below a typed value."""
        value, type_name, partner = item
        holder = value if value.__class__ is dict else children(value, partner)
        numbers = {*self._needed}
        if holder is not None:
            met = self._met.get(type_name) or self._of_type(type_name)
            for name in holder:
                here = met.get(name)
                if here is None:
                    here = self._meet(type_name, name)
                if here:
                    numbers.update(here)
        found: list[Fault] = []
        for number in sorted(numbers) if len(numbers) > 1 else numbers:
            if number in self._open:
                self._compile(number)
            check = self._checks[number]
            if check is not None and (faults := check(item, run)) is not None:
                found += faults
        return found or None

    def _of_type(self, type_name: str) -> dict[str, tuple[int, ...]]:
        known = self._model.definitions.has_type(type_name)
        return self._met.setdefault(type_name, {"resourceType": ()}) if known else {}

    def _meet(self, type_name: str, name: str) -> tuple[int, ...]:
        """Return of which elements a property is: by its own name (`valueQuantity`, of a slice) and its element's."""
        definitions, plain = self._model.definitions, name.removeprefix("_")
        known = definitions.type(type_name).by_json.get(plain) if definitions.has_type(type_name) else None
        if known is None:
            return ()  # names that clients make up are not kept
        names = dict.fromkeys((known[0].name, plain))
        here = tuple(number for each in names if (number := self._numbers.get(each)) is not None)
        self._met[type_name][name] = here
        return here

    def _compile(self, number: int) -> None:
        """Compile what is asked of an element; where that is nothing, it is not looked for any more."""
        name = self._names[number]
        try:
            check = self._compiled(name, self._nodes[name])
        except UNSOUND:
            check = _unreadable(name, self._profile)
        self._checks[number] = check
        self._open.discard(number)
        if check is None:
            del self._numbers[name]
            self._needed = [each for each in self._needed if each != number]
            for met in self._met.values():
                met.update({key: _without(number, here) for key, here in met.items() if number in here})


def _without(number: int, numbers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(each for each in numbers if each != number)


def _unreadable(name: str, profile: str) -> ItemCheck:
    """Return the check that tells of an element of a definition that has not the shape of one."""
    ja = f"プロファイル「{profile}」の定義が使えないため、検証していません: 「{name}」を読めません。"
    en = f"The definition of the profile {profile} cannot be used; it was not checked: '{name}' cannot be read."
    faults = [Fault("", "processing", ja, en, "warning", UNUSABLE, profile)]
    return lambda item, run: faults
