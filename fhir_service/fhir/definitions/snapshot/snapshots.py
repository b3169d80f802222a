"""The snapshots of all definitions that are here, made when they are asked for.

https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from fhir_service.fhir.definitions.archive import Package
from fhir_service.fhir.definitions.snapshot import Snapshot
from fhir_service.fhir.definitions.snapshot.contradiction import contradictions
from fhir_service.fhir.definitions.snapshot.faults import broken, circular, fault
from fhir_service.fhir.definitions.snapshot.generate import Generation
from fhir_service.fhir.definitions.snapshot.tree import Node, flat, grown
from fhir_service.fhir.definitions.sources import Located, Sources
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource

TYPE_BASE = "http://hl7.org/fhir/StructureDefinition/"
OF_ALL = f"{TYPE_BASE}Base"  # R5 defines it, models of R4 are derived from it, too; it has no elements
KEPT = 64  # trees and snapshots; those of the data types are asked for again and again
MISSHAPEN = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)
MAX_DIFFERENTIAL = 20_000  # elements; the longest that is published has about 3,000
MAX_GENERATIONS = 50  # ancestors of a definition


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Made(NamedTuple):
    tree: Node
    generated: bool
    detached_from: str | None
    issues: tuple[Issue, ...]
    places: tuple[str | None, ...] = ()


class Snapshots:
    """The snapshots that some sources have or that are generated of them; nothing is kept beyond the newest."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._made: OrderedDict[tuple[str, Package], _Made] = OrderedDict()
        self._trees: OrderedDict[tuple[str, Package], Node | None] = OrderedDict()
        self._making = Lock()

    def get(self, canonical: str, within: Package | None = None) -> Snapshot | None:
        """Return the snapshot of this StructureDefinition; None if it is not here.

        Raises FhirError, by name of the definition, for one that no snapshot can be made of.
        """
        located = self._locate(canonical, within)
        if located is None:
            return None
        try:
            with self._making:
                made = self._make(located, ())
            return _snapshot(located, made, [self._pinned(each, located.package) for each in flat(made.tree)])
        except MISSHAPEN as error:
            url = str(located.definition.get("url", ""))
            ja, en = "StructureDefinition の形をしていません", "it does not have the shape of a StructureDefinition"
            raise broken(url, ja, en) from error

    def _pinned(self, element: Resource, within: Package) -> Resource:
        """Return an element whose value set is the one that its package means."""
        value_set = element.get("binding", {}).get("valueSet")
        if not isinstance(value_set, str) or (pinned := self._sources.pinned(value_set, within)) == value_set:
            return element
        return {**element, "binding": {**element["binding"], "valueSet": pinned}}

    def _locate(self, canonical: str, within: Package | None) -> Located | None:
        url = canonical if ":" in canonical else f"{TYPE_BASE}{canonical}"
        located = self._sources.locate(url, within)
        if located is None or located.definition.get("resourceType") != "StructureDefinition":
            return None
        return located

    def _make(self, located: Located, trail: tuple[str, ...]) -> _Made:
        """Return the tree of a definition; `trail` are the definitions that wait for it."""
        key = (_canonical(located), located.package)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        if key[0] in trail:
            raise circular(key[0], trail[-1])
        if len(trail) > MAX_GENERATIONS:
            raise broken(trail[0], "派生が深すぎます", "it is derived over too many generations")
        made = _shipped(located.definition) or self._generate(located, (*trail, key[0]))
        _keep(self._made, key, made)
        return made

    def _generate(self, located: Located, trail: tuple[str, ...]) -> _Made:
        definition, package = located
        url = str(definition.get("url", ""))
        differential = _elements(definition, "differential")
        if differential is not None and len(differential) > MAX_DIFFERENTIAL:
            ja, en = (
                f"要素が多すぎます({MAX_DIFFERENTIAL:,} まで)",
                f"it has too many elements ({MAX_DIFFERENTIAL:,} at most)",
            )
            raise broken(url, ja, en)
        if differential is None:
            raise broken(url, "snapshot も differential も読めません", "it has no snapshot and no differential to read")
        base, detached_from = self._base(definition, package, trail)

        def tree(name: str) -> Node | None:
            return self._tree(name, package, trail)

        generation = Generation(definition, base, tree, detached=detached_from is not None)
        generation.apply(differential)
        problem = [_unread(url)] if "snapshot" in definition else []
        return _Made(generation.root, True, detached_from, (*problem, *generation.issues), tuple(generation.places))

    def _tree(self, name: str, within: Package, trail: tuple[str, ...]) -> Node | None:
        """Return the tree of a type or profile that an element has; None if it is not here or waits for this one."""
        key = (name, within)
        if key not in self._trees:
            located = self._locate(name, within)
            if located is not None and _canonical(located) in trail:
                return None
            _keep(self._trees, key, self._make(located, trail).tree if located else None)
        return self._trees[key]

    def _base(self, definition: Resource, package: Package, trail: tuple[str, ...]) -> tuple[Node, str | None]:
        """Return the tree that a definition is derived from, and which ancestor is not here."""
        url, base = str(definition.get("url", "")), definition.get("baseDefinition")
        if not isinstance(base, str):
            raise broken(url, "baseDefinition がありません", "it has no baseDefinition")
        if base == OF_ALL:
            return Node("Base", {"id": "Base", "path": "Base", "min": 0, "max": "*"}), None
        located = self._locate(base, package)
        if located is not None:
            made = self._make(located, trail)
            return made.tree, made.detached_from
        located = self._locate(str(definition.get("type", "")), None)
        if located is None or definition.get("derivation") == "specialization":
            raise broken(url, f"基の定義 {base[:120]} がここにありません", f"its base {base[:120]} is not here")
        return self._make(located, trail).tree, base


def _snapshot(located: Located, made: _Made, elements: list[Resource]) -> Snapshot:
    definition, package = located
    return Snapshot(
        url=str(definition.get("url", "")),
        version=str(definition.get("version") or package.version),
        name=str(definition.get("name", "")),
        title=str(definition.get("title", "")),
        type=str(definition.get("type", made.tree.name)),
        kind=str(definition.get("kind", "")),
        abstract=definition.get("abstract") is True,
        base=definition.get("baseDefinition"),
        elements=elements,
        contexts=tuple(_contexts(definition)),
        context_invariants=tuple(map(str, definition.get("contextInvariant", ()))),
        package=package,
        generated=made.generated,
        detached_from=made.detached_from,
        issues=made.issues,
        places=made.places,
    )


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    kept[key] = value
    if len(kept) > KEPT:
        kept.popitem(last=False)


def _shipped(definition: Resource) -> _Made | None:
    """Return the snapshot that a definition brings; None if it brings none that can be read."""
    elements = _elements(definition, "snapshot")
    if not elements:
        return None
    try:
        tree = grown(elements)
    except ValueError:
        return None
    differential = _elements(definition, "differential") or []
    return _Made(tree, False, None, tuple(contradictions(str(definition.get("url", "")), elements, differential)))


def _elements(definition: Resource, view: str) -> list[Resource] | None:
    """Return the elements of a view, if they have the shape of elements."""
    match definition.get(view):
        case {"element": [*elements]} if all(
            isinstance(each, dict) and isinstance(each.get("path"), str) for each in elements
        ):
            return elements
        case None if view == "differential" and "baseDefinition" in definition:
            return []
    return None


def _canonical(located: Located) -> str:
    url, version = located.definition.get("url", ""), located.definition.get("version")
    return f"{url}|{version}" if version else str(url)


def _contexts(definition: Resource) -> list[tuple[str, str]]:
    contexts: Any = definition.get("context", [])
    return [(str(each.get("type", "")), str(each.get("expression", ""))) for each in contexts]


def _unread(url: str) -> Issue:
    ja, en = (
        "snapshot が読めないため differential から作りました",
        "its snapshot cannot be read; one was made of its differential",
    )
    return fault(url, ja, en, severity="warning")
