"""The elements below a value: those that it has, and those that the profile wants some of.

What is asked of an element is compiled when a value first has it: a first validation pays for what a resource holds,
not for all that a profile says.
https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

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
    """The checks of some elements. `met` are the JSON properties, by type, whose elements are compiled already."""

    def __init__(self, nodes: Branches, model: Model, profile: str, compiled: Compiled) -> None:
        self._nodes = nodes
        self._open = dict.fromkeys(nodes)
        self._checks: tuple[ItemCheck, ...] = ()
        self._by_name: dict[str, ItemCheck] = {}
        self._met: dict[str, set[str]] = {}
        self._model = model
        self._profile = profile
        self._compiled = compiled

    def check(self, item: Item, run: Run) -> Faults:
        """Check what is below a typed value."""
        value, type_name, partner = item
        holder = value if value.__class__ is dict else children(value, partner)
        met = self._met.get(type_name)
        if met is None or (holder is not None and not holder.keys() <= met):
            self._meet(type_name, holder or {})
        found: list[Fault] | None = None
        for check in self._checks:
            if (faults := check(item, run)) is not None:
                found = faults if found is None else found + faults
        return found

    def _meet(self, type_name: str, holder: dict[str, Any]) -> None:
        """Compile what is asked of the elements that a value has, and of those that there have to be.

        Names that clients make up are not kept.
        """
        definitions = self._model.definitions
        known = definitions.type(type_name).by_json if definitions.has_type(type_name) else {}
        met = self._met.get(type_name, {"resourceType"})
        new = [name for name in holder if name not in met and name.removeprefix("_") in known]
        if not self._met:
            self._compile(self._nodes.wanted)
        for plain in [name.removeprefix("_") for name in new]:
            self._compile((known[plain][0].name, plain))
        self._checks = tuple(self._by_name[each] for each in self._nodes if each in self._by_name)
        if known:  # last: another thread that finds them here asks the checks alone
            self._met[type_name] = {*met, *new}

    def _compile(self, names: Iterable[str]) -> None:
        """Compile what is asked of elements, by their own names or a slice's (`valueQuantity`), if they are open."""
        for name in names:
            if name not in self._open:
                continue
            try:
                check = self._compiled(name, self._nodes[name])
            except UNSOUND:
                check = _unreadable(name, self._model, self._profile)
            if check is not None:
                self._by_name[name] = check
            self._open.pop(name, None)


def unreadable(name: str, profile: str) -> Fault:
    """Return that the definition of an element has not the shape of one."""
    ja = f"プロファイル「{profile}」の定義が使えないため、検証していません: 「{name}」を読めません。"
    en = f"The definition of the profile {profile} cannot be used; it was not checked: '{name}' cannot be read."
    return Fault("", "processing", ja, en, "warning", UNUSABLE, profile)


def _unreadable(name: str, model: Model, profile: str) -> ItemCheck:
    """Return the check that tells whoever has an element that its definition cannot be read."""
    faults = [unreadable(name, profile)]

    def check(item: Item, run: Run) -> Faults:
        known, found = model.properties(item.type).get(name), list[Item]()
        if known is not None and (holder := children(item.value, item.primitive)) is not None:
            known.read(holder, found)
        return faults if found or known is None else None

    return check
