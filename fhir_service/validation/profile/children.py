"""The elements below a value: those that it has, and those that the profile wants some of.

What is asked of an element is compiled when a value first has it: a first validation pays for what a resource holds,
not for all that a profile says; and so does every other, since properties are looked up, not elements.
https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """The checks of some elements, each a number; `tables` tell by type which JSON property is of which elements."""

    def __init__(self, nodes: Branches, model: Model, profile: str, compiled: Compiled) -> None:
        self._names = list(nodes)
        self._nodes = nodes
        self._open = set(range(len(self._names)))
        self._checks: list[ItemCheck | None] = [None] * len(self._names)
        self._needed = [number for number, name in enumerate(self._names) if name in nodes.wanted]
        self._tables: dict[str, dict[str, list[int]]] = {}
        self._model = model
        self._profile = profile
        self._compiled = compiled

    def check(self, item: Item, run: Run) -> Faults:
        """Check what is below a typed value."""
        value, type_name, partner = item
        holder = value if value.__class__ is dict else children(value, partner)
        numbers: Sequence[int] = self._needed
        if holder is not None:
            table = self._tables.get(type_name)
            if table is None:
                table = self._tables[type_name] = self._table(type_name)
            if present := holder.keys() & table.keys():
                numbers = sorted({*numbers, *(number for name in present for number in table[name])})
        found: list[Fault] = []
        for number in numbers:
            if number in self._open:
                self._compile(number)
            check = self._checks[number]
            if check is not None and (faults := check(item, run)) is not None:
                found += faults
        return found or None

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
            self._needed = [each for each in self._needed if each != number]
            self._tables = {name: _without(number, table) for name, table in self._tables.items()}

    def _table(self, type_name: str) -> dict[str, list[int]]:
        """Return which elements the JSON properties of a type are of; a slice's own name (`valueQuantity`) counts."""
        properties = self._model.properties(type_name)
        table: dict[str, list[int]] = {}
        for number, name in enumerate(self._names):
            if number not in self._open and self._checks[number] is None:
                continue
            known = properties.get(name)
            keys = [name] if known is None else [variant.key for variant in known.variants]
            for key in keys:
                table.setdefault(key, []).append(number)
                table.setdefault(f"_{key}", []).append(number)
        return table


def _without(number: int, table: dict[str, list[int]]) -> dict[str, list[int]]:
    return {name: left for name, each in table.items() if (left := [one for one in each if one != number])}


def _unreadable(name: str, profile: str) -> ItemCheck:
    """Return the check that tells of an element of a definition that has not the shape of one."""
    ja = f"プロファイル「{profile}」の定義が使えないため、検証していません: 「{name}」を読めません。"
    en = f"The definition of the profile {profile} cannot be used; it was not checked: '{name}' cannot be read."
    faults = [Fault("", "processing", ja, en, "warning", UNUSABLE, profile)]
    return lambda item, run: faults
