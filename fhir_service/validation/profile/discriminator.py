"""Discriminators: how a value is known to belong to a slice.

https://hl7.org/fhir/R4/profiling.html#discriminator
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.definitions import Package
from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.fhirpath.model import children
from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.binding import Binding, binding_check, bindings
from fhir_service.validation.profile.cardinality import most
from fhir_service.validation.profile.fixed import wanted
from fhir_service.validation.profile.tree import Node
from fhir_service.validation.run import Run

if TYPE_CHECKING:
    from fhir_service.validation.profile.element import ElementCompiler, Place

Matches = Callable[[Item, Run], bool]
Walk = Callable[[Item, Run], list[tuple[Item, Run]]]

_STEP = re.compile(r"(\$this|[A-Za-z][A-Za-z0-9]*)(?:\(\s*(?:'([^']*)'|\"([^\"]*)\"|([^)]*))\s*\))?\.?")
THIS = "$this"


def discriminated(described: dict[str, Any], node: Node, place: Place, compiler: ElementCompiler) -> Matches | None:
    """Return whether a value is of the slice `node`; None if that cannot be told."""
    discriminators = [each for each in described.get("discriminator", ()) if isinstance(each, dict)]
    if not discriminators:
        discriminators = _usual(node, place)
    found: list[Matches] = []
    for each in discriminators:
        match = _discriminator(str(each.get("type", "value")), str(each.get("path", THIS)), node, place, compiler)
        if match is not None:
            found.append(match)
    if not found:
        return _the_only_one(place) if not discriminators else None
    return found[0] if len(found) == 1 else lambda item, run: all(match(item, run) for match in found)


def of_the_type(described: dict[str, Any], node: Node, compiler: ElementCompiler) -> Matches | None:
    """Return, of what is told apart by its profile alone, whether a value is of the type of that profile."""
    match described.get("discriminator"):
        case [{"type": "profile", "path": str(path)}]:
            steps = _steps(path)
            reached = _reached(steps, node, compiler)
            return _type(reached, steps, node, _walk(steps, compiler), compiler)
    return None


def _the_only_one(place: Place) -> Matches | None:
    """Return that every value is of the slice: what cannot repeat has nothing to be told apart."""
    return None if most(place.base) != 1 else lambda item, run: True


def _usual(node: Node, place: Place) -> list[dict[str, str]]:
    """Return how slices are told apart where the definition does not say: extensions by url, choices by type."""
    if "Extension" in place.types:
        return [{"type": "value", "path": "url"}]
    if len(node.codes()) == 1 and len(place.types) > 1:
        return [{"type": "type", "path": THIS}]
    return []


def _discriminator(kind: str, path: str, node: Node, place: Place, compiler: ElementCompiler) -> Matches | None:
    steps = _steps(path)
    if steps == [("url", None)] and "Extension" in place.types and (urls := _urls(node)):
        return lambda item, run: isinstance(item.value, dict) and str(item.value.get("url")) in urls
    walk = _walk(steps, compiler)
    if kind == "exists":
        return _presence(_reached(steps, node, compiler), walk)
    reached = _reached(steps, node, compiler)
    if kind == "type":
        return _type(reached, steps, node, walk, compiler)
    if kind == "profile":
        return _profile(reached, steps, node, walk, compiler.package)
    return _value(reached, walk, compiler)


def _urls(node: Node) -> frozenset[str]:
    """Return the urls of the extensions that a slice is of, by the profiles of its type."""
    return frozenset(url.partition("|")[0] for url in _profiles(node))


# --- paths: over values, and over the definition


@lru_cache(maxsize=256)
def _steps(path: str) -> list[tuple[str, str | None]]:
    """Return the steps of a discriminator's path: names, and functions with their argument."""
    steps: list[tuple[str, str | None]] = []
    position = 0
    while (match := _STEP.match(path, position)) is not None and match.end() > position:
        name = match[1]
        is_call = "(" in match[0]
        argument = next((each for each in match.groups()[1:] if each is not None), "") if is_call else None
        if name != THIS:
            steps.append((name.removesuffix("[x]"), argument))
        position = match.end()
    return steps


def _walk(steps: list[tuple[str, str | None]], compiler: ElementCompiler) -> Walk:
    properties = compiler.model.properties
    is_a = compiler.model.is_a

    def step(item: Item, run: Run, name: str, argument: str | None) -> Iterator[tuple[Item, Run]]:
        value = item.value
        if argument is not None and name == "resolve":
            text = value.get("reference") if isinstance(value, dict) else value
            found = run.find(text) if isinstance(text, str) else None
            if found is not None and isinstance(kind := found[0].get("resourceType"), str):
                yield Item(found[0], kind), found[1]
        elif argument is not None and name in ("ofType", "as"):
            if is_a(item.type, argument):
                yield item, run
        else:
            node = children(value, item.primitive)
            key = "extension" if argument is not None and name == "extension" else name
            known = properties(item.type).get(key)
            if node is None or known is None:
                return
            below: list[Item] = []
            known.read(node, below)
            for each in below:
                if argument is None or (isinstance(each.value, dict) and each.value.get("url") == argument):
                    yield each, run

    def walk(item: Item, run: Run) -> list[tuple[Item, Run]]:
        reached = [(item, run)]
        for name, argument in steps:
            reached = [after for each, inner in reached for after in step(each, inner, name, argument)]
        return reached

    return walk


def _reached(steps: list[tuple[str, str | None]], node: Node, compiler: ElementCompiler) -> list[Node]:
    """Return the nodes of the definition that a path leads to, in this profile and those that its types name."""
    nodes = [node]
    for name, argument in steps:
        nodes = [after for each in nodes for after in _below(each, name, argument, compiler)]
    return nodes


def _below(node: Node, name: str, argument: str | None, compiler: ElementCompiler) -> list[Node]:
    if argument is not None and name == "resolve":
        return [root for url in _targets(node) if (root := _root_of(url, compiler)) is not None]
    if argument is not None and name in ("ofType", "as"):
        sliced = [each for each in node.slices.values() if argument in each.codes()]
        return sliced or [node]
    key = "extension" if argument is not None and name == "extension" else name
    found = []
    for each in (node, *_type_roots(node, compiler)):
        child = each.children.get(key) or _variant(each, key, compiler)
        if child is not None and argument is not None:
            found += [one for one in _slices(child) if argument in _profiles(one)]
        elif child is not None:
            found.append(child)
            found += [each for each in child.slices.values() if each.element.get("min")]
    if argument is not None and not found and (root := _root_of(argument, compiler)) is not None:
        found.append(root)
    return found


def _slices(node: Node) -> Iterator[Node]:
    """Give the slices of a node, and those that they are sliced into again."""
    for each in node.slices.values():
        yield each
        yield from _slices(each)


def _variant(node: Node, name: str, compiler: ElementCompiler) -> Node | None:
    """Return `valueCode`, where a definition says so for a `value[x]` that is a code."""
    has_type = compiler.definitions.has_type
    for key in node.children:
        code = key.removeprefix(name)
        if code != key and (has_type(code) or has_type(code[0].lower() + code[1:])):
            return node.children[key]
    return None


def _type_roots(node: Node, compiler: ElementCompiler) -> Iterator[Node]:
    for url in _profiles(node):
        root = _root_of(url, compiler)
        if root is not None:
            yield root


def _root_of(canonical: str, compiler: ElementCompiler) -> Node | None:
    return compiler.profiles.tree(canonical, compiler.package)


def _profiles(node: Node) -> list[str]:
    return [url for each in node.types for url in each.get("profile", ()) if isinstance(url, str)]


def _targets(node: Node) -> list[str]:
    return [url for each in node.types for url in each.get("targetProfile", ()) if isinstance(url, str)]


# --- kinds


def _presence(reached: list[Node], walk: Walk) -> Matches | None:
    """Tell by whether there is an element: the slice has it with `min` 1, or not at all with `max` 0."""
    if any(str(each.element.get("max")) == "0" for each in reached):
        return lambda item, run: not walk(item, run)
    if any(each.element.get("min") for each in reached):
        return lambda item, run: bool(walk(item, run))
    return None


def _type(
    reached: list[Node], steps: list[tuple[str, str | None]], node: Node, walk: Walk, compiler: ElementCompiler
) -> Matches | None:
    codes = {code for each in reached for code in each.codes()}
    if steps and steps[-1][0] == "resolve":
        before = _reached(steps[:-1], node, compiler)
        codes = {kind for each in before for url in _targets(each) if (kind := _kind(url, compiler))}
    if not codes:
        return None
    is_a = compiler.model.is_a
    return lambda item, run: any(any(is_a(found.type, code) for code in codes) for found, _ in walk(item, run))


def _kind(canonical: str, compiler: ElementCompiler) -> str | None:
    name = canonical.partition("|")[0].removeprefix(TYPE_BASE)
    if compiler.definitions.has_type(name):
        return name
    return compiler.profiles.type_of(canonical, compiler.package) or None


def _profile(
    reached: list[Node], steps: list[tuple[str, str | None]], node: Node, walk: Walk, within: Package | None
) -> Matches | None:
    if steps and steps[-1][0] == "resolve":
        profiles = _targets_before(steps, node)
    else:
        profiles = list(dict.fromkeys(url for each in reached for url in _profiles(each)))
    if not profiles:
        return None

    def matches(item: Item, run: Run) -> bool:
        return any(_conforms(found, url, inner, within) for found, inner in walk(item, run) for url in profiles)

    return matches


def _targets_before(steps: list[tuple[str, str | None]], node: Node) -> list[str]:
    nodes = [node]
    for name, _ in steps[:-1]:
        nodes = [each.children[name] for each in nodes if name in each.children]
    return [url for each in nodes for url in _targets(each)]


def _conforms(item: Item, canonical: str, run: Run, within: Package | None) -> bool:
    if canonical == f"{TYPE_BASE}{item.type}":
        return True
    if not isinstance(item.value, dict) or not run.validator.is_of(item, canonical, within):
        return False
    inner = run.inside(item.value) if "resourceType" in item.value and item.value is not run.resource else run
    faults = run.validator.check_item(item, canonical, inner, within)
    return not any(fault.severity == "error" for fault in faults or ())


def _value(reached: list[Node], walk: Walk, compiler: ElementCompiler) -> Matches | None:
    """Tell by a value: fixed, of a pattern, bound, or with such values further below."""
    criteria = [found for each in reached if (found := criterion(each, compiler)) is not None]
    if not criteria:
        return _presence(reached, walk)

    def matches(item: Item, run: Run) -> bool:
        reached_items = walk(item, run)
        return all(any(holds(found, inner) for found, inner in reached_items) for holds in criteria)

    return matches


def criterion(node: Node, compiler: ElementCompiler) -> Matches | None:
    """Return what makes a value one of this node: fixed or pattern, else what is so below, else its binding."""
    found = wanted(node.element)
    if found is not None:
        return lambda item, run: found.matches(item)
    below = [(name, match) for name, each in node.children.items() if (match := criterion(each, compiler)) is not None]
    if below:
        return _with_below(below, compiler)
    for binding in bindings(node.element):
        if binding.strength == "required":
            return _bound(binding)
    return None


def _with_below(below: list[tuple[str, Matches]], compiler: ElementCompiler) -> Matches:
    walks = [(_walk([(name, None)], compiler), match) for name, match in below]

    def matches(item: Item, run: Run) -> bool:
        return all(any(match(found, inner) for found, inner in walk(item, run)) for walk, match in walks)

    return matches


def _bound(binding: Binding) -> Matches:
    checks: dict[str, Any] = {}

    def matches(item: Item, run: Run) -> bool:
        if item.type not in checks:
            checks[item.type] = binding_check(binding, item.type)
        check = checks[item.type]
        return check is None or not any(fault.severity == "error" for fault in check(item.value, run) or ())

    return matches
