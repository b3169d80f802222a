"""Slicing: which values belong to which slice, and what each slice asks for.

https://hl7.org/fhir/R4/profiling.html#slicing
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.fhirpath.model import Model
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.profile.cardinality import count_check, least, most
from fhir_service.validation.profile.children import unreadable
from fhir_service.validation.profile.discriminator import Matches, discriminated, of_the_type
from fhir_service.validation.profile.must_support import unsupported_slice
from fhir_service.validation.profile.tree import UNSOUND, Node
from fhir_service.validation.run import Run

if TYPE_CHECKING:
    from fhir_service.validation.profile.element import ElementCompiler, ItemCheck, Place

DEFAULT = "@default"
SHOWN = 5  # values that would be of a slice, which a message names


class Inside(NamedTuple):
    """What the values of a slice must keep, and the slicing of the slice itself."""

    checks: tuple[ItemCheck, ...]
    slicing: Slices | None


class Slice(NamedTuple):
    """One slice: what belongs to it, how often; `inside` is compiled when a first value is of it.

    `nearly` tells of what is told apart by its profile whether it is of the type of that.
    """

    name: str
    node: Node
    matches: Matches
    counts: Callable[[int], Faults]
    inside: Callable[[], Inside]
    nearly: Matches | None


@dataclass(frozen=True, slots=True)
class Slicing:
    """The slices of an element; `default` is that of what belongs to no other."""

    slices: tuple[Slice, ...]
    rules: str
    ordered: bool
    default: Slice | None
    said: str
    profile: str
    notes: tuple[Fault, ...]
    model: Model

    def check_at(self, placed: list[tuple[str, Item]], path: str, run: Run) -> list[Fault]:
        """Return what is wrong with these values, whose places are given."""
        found: list[Fault] = [note._replace(path=path) for note in self.notes] if placed else []
        members: list[list[tuple[str, Item]]] = [[] for _ in self.slices]
        others: list[tuple[str, Item]] = []
        last, left_over = -1, ""
        for step, item in placed:
            number = next((i for i, each in enumerate(self.slices) if each.matches(item, run)), None)
            if number is None:
                if self.rules == "closed" and self.default is None:
                    found.append(self._unmatched(step))
                others.append((step, item))
                left_over = left_over or step
                continue
            if self.ordered and number < last:
                found.append(self._disordered(step, self.slices[number].name))
            if left_over and self.rules == "openAtEnd":
                found.append(self._not_at_end(left_over))
                left_over = ""
            last = max(last, number)
            members[number].append((step, item))
        slices = self.slices if self.default is None else (*self.slices, self.default)
        for each, mine in zip(slices, [*members, others], strict=False):
            found += [
                _explained(fault, each, others, run)._replace(path=path) for fault in each.counts(len(mine)) or ()
            ]
            if mine:
                found += _members(each.inside(), mine, path, run)
            if run.options.must_support:
                found += unsupported_slice(each.node, mine, path, self.model, self.profile)
        return found

    def _unmatched(self, step: str) -> Fault:
        names = ", ".join(each.name for each in self.slices)
        ja = f"「{self.said}」に書けるのは {names} だけで、これはどのスライスにも当てはまりません"
        en = f"Of '{self.said}' only {names} are allowed, and it is of no such slice"
        said_ja, said_en = f"(規則 slicing-closed、{self.profile})", f" (rule slicing-closed, {self.profile})"
        return Fault(step, "structure", ja + said_ja, en + said_en, rule="slicing-closed", profile=self.profile)

    def _disordered(self, step: str, name: str) -> Fault:
        ja = f"スライス「{name}」の位置が順序に合いません(規則 slicing-ordered、{self.profile})"
        en = f"The slice '{name}' is not in its order (rule slicing-ordered, {self.profile})"
        return Fault(step, "structure", ja, en, rule="slicing-ordered", profile=self.profile)

    def _not_at_end(self, step: str) -> Fault:
        ja = f"「{self.said}」のスライスに当てはまらない要素は最後に置いてください(規則 slicing-at-end、{self.profile})"
        en = f"What is of no slice of '{self.said}' must come last (rule slicing-at-end, {self.profile})"
        return Fault(step, "structure", ja, en, rule="slicing-at-end", profile=self.profile)


def _explained(fault: Fault, of: Slice, others: list[tuple[str, Item]], run: Run) -> Fault:
    """Return that a slice has too few, with what would be of it if it conformed to the profile of the slice."""
    if fault.rule != "min" or of.nearly is None:
        return fault
    steps = ", ".join([step[1:] for step, item in others if of.nearly(item, run)][:SHOWN])
    if not steps:
        return fault
    return fault._replace(
        ja=f"{fault.ja}。{steps} は、このスライスのプロファイルに合わないため数えていません。",
        en=f"{fault.en}. Not counted, since the profile of the slice is not kept: {steps}.",
    )


class Slices:
    """The slicing of an element, compiled when there is a value that may be of a slice, or has to be.

    Profiles slice what few resources have: a code by hundreds of tests, which a document without any need not pay for.
    """

    def __init__(self, node: Node, place: Place, compiler: ElementCompiler) -> None:
        self._node = node
        self._place = place
        self._compiler = compiler

    def check(self, items: list[Item], name: str, repeats: bool, run: Run) -> list[Fault]:
        """Return what is wrong with the values of an element, seen from what has the element."""
        if not items and not self._node.slices.wanted:
            return []
        steps = [f".{name}[{index}]" if repeats else f".{name}" for index in range(len(items))]
        return self.check_at(list(zip(steps, items, strict=True)), f".{name}", run)

    def check_at(self, placed: list[tuple[str, Item]], path: str, run: Run) -> list[Fault]:
        """Return what is wrong with these values, whose places are given."""
        return self._slicing.check_at(placed, path, run)

    @cached_property
    def _slicing(self) -> Slicing:
        node, profile = self._node, self._compiler.profile
        try:
            return _slicing(node, self._place, self._compiler)
        except UNSOUND:
            return Slicing(
                (), "open", False, None, node.id, profile, (unreadable(node.id, profile),), self._compiler.model
            )


def _slicing(node: Node, place: Place, compiler: ElementCompiler) -> Slicing:
    """Compile the slices of an element; those that cannot be told apart are told of."""
    described = node.element.get("slicing") or {}
    rules = str(described.get("rules", "open"))
    notes: list[Fault] = []
    slices: list[Slice] = []
    default: Slice | None = None
    for name, each in node.slices.items():
        if name.rpartition("/")[2] == DEFAULT:
            default = _slice(name, each, node, lambda item, run: True, None, place, compiler)
            continue
        matches = discriminated(described, each, place, compiler)
        if matches is None:
            notes.append(_undecidable(name, node, compiler.profile))
            continue
        nearly = of_the_type(described, each, compiler)
        slices.append(_slice(name, each, node, matches, nearly, place, compiler))
    return Slicing(
        tuple(slices),
        rules if not notes else "open",
        described.get("ordered") is True,
        default,
        node.id,
        compiler.profile,
        tuple(notes),
        compiler.model,
    )


def _members(inside: Inside, mine: list[tuple[str, Item]], path: str, run: Run) -> list[Fault]:
    found = [fault.below(step) for step, item in mine for check in inside.checks for fault in check(item, run) or ()]
    return [*found, *inside.slicing.check_at(mine, path, run)] if inside.slicing is not None else found


def _slice(
    name: str, each: Node, node: Node, matches: Matches, nearly: Matches | None, place: Place, compiler: ElementCompiler
) -> Slice:
    within = place._replace(types=_types(each, place))
    said = f"{node.id}:{name.rpartition('/')[2]}"
    counts = count_check(least(each.element), most(each.element), "", said, compiler.profile)

    @cache
    def inside() -> Inside:
        return Inside(
            tuple(compiler.item_checks(each, within)), Slices(each, within, compiler) if each.slices else None
        )

    return Slice(name, each, matches, counts, inside, nearly)


def _types(node: Node, place: Place) -> tuple[str, ...]:
    """Return the types of a slice's values."""
    codes = node.codes()
    return tuple(each for each in place.types if each in codes) or place.types


def _undecidable(name: str, node: Node, profile: str) -> Fault:
    ja = f"スライス「{name}」を見分けられないため、検証していません({node.id}、{profile})"
    en = f"The slice '{name}' cannot be told apart; it was not checked ({node.id}, {profile})"
    return Fault("", "processing", ja, en, "warning", "slicing", profile)
