"""The paths that search expressions are made of, compiled to plain dictionary look-ups.

Nearly every search expression is a union of simple paths (`Patient.name.family`,
`Observation.subject.where(resolve() is Patient)`, `Condition.onset.ofType(Age)`). Indexing stands on the way of every
write, so these are resolved against the type model once: an element with a choice of types becomes one path for each
type, and what a path selects has one known type. Whatever is not that simple is left to the FHIRPath engine.
https://hl7.org/fhir/R4/search.html#expression
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from fhir_service.fhir.definitions import Definitions, Element

Nodes = list[Any]
Step = Callable[[Nodes], Nodes]

ROOTS = ("Resource", "DomainResource", "%resource")

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STEP = re.compile(
    rf"(?P<name>%?{_NAME})(?:\((?P<arguments>(?:[^()']|'[^']*'|\(\))*)\))?(?:\[(?P<index>\d+)\])?(?:\.|$)"
)
_EQUALS = re.compile(rf"({_NAME})\s*=\s*'([^'\\]*)'").fullmatch
_IS = re.compile(rf"({_NAME})\s*=\s*(true|false)").fullmatch
_IS_ABSENT = re.compile(rf"({_NAME})\.empty\(\)").fullmatch
_RESOLVES = re.compile(rf"resolve\(\) is ({_NAME})").fullmatch
_AS_INFIX = re.compile(rf"\(([^()|]+) as ({_NAME})\)")
_AS_FUNCTION = re.compile(rf"\.as\(({_NAME})\)")
_TARGET_TYPE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$").search


@dataclass(frozen=True, slots=True)
class Path:
    """One simple path: `first` is the JSON property it begins with ("" for the context itself).

    `type` is the type of what it selects, `element` the element that it ends in, `target` the one type that
    `where(resolve() is …)` keeps. `absolute`: it starts from the resource whatever the context is (`%resource`).
    """

    type: str
    steps: tuple[Step, ...] = ()
    first: str = ""
    element: Element | None = None
    target: str | None = None
    absolute: bool = False

    def select(self, context: Any) -> Nodes:
        """Return the values that the path leads to from the JSON object `context`."""
        nodes = [context]
        for step in self.steps:
            nodes = step(nodes)
        return nodes


def split_union(expression: str) -> list[str]:
    """Return the branches of an expression at its outermost `|`, without parentheses around a whole branch."""
    branches, depth, quoted, start = [], 0, False, 0
    for position, character in enumerate(expression):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == "|" and depth == 0:
                branches.append(expression[start:position])
                start = position + 1
    branches.append(expression[start:])
    return [_modern(branch.strip()) for branch in branches]


def _modern(branch: str) -> str:
    """Return the branch with `ofType` for `as`.

    FHIRPath allows `as` on one item only, and R4's expressions use it on collections
    (`Observation.component.value as Quantity`); `DateTime` is a slip in Observation-code-value-date.
    """
    branch = _AS_FUNCTION.sub(r".ofType(\1)", _AS_INFIX.sub(r"\1.ofType(\2)", branch))
    return branch.replace("ofType(DateTime)", "ofType(dateTime)")


def root_of(branch: str) -> str | None:
    """Return the type that a branch names at its start (`Patient`), None if it starts from its context (`name`)."""
    found = re.match(rf"\(*({_NAME})", branch)
    return found[1] if found and found[1][0].isupper() else None


def simple_paths(branch: str, context: str, definitions: Definitions) -> tuple[Path, ...] | None:
    """Return the paths of a branch that starts from an element of type `context`; None if it is not that simple."""
    paths: tuple[Path, ...] = (Path(context),)
    for number, found in enumerate(_steps(branch)):
        name, arguments, index = found["name"], found["arguments"], found["index"]
        if number == 0 and arguments is None and (name == context or name in ROOTS):
            paths = (Path(context, absolute=name == "%resource"),)
            continue
        if name != "ofType" and any(_is_primitive(path.type, definitions) for path in paths):
            return None  # what JSON keeps of a primitive beside it (`_birthDate`) is the engine's business
        if arguments is None:
            paths = tuple(_children(paths, name, definitions))
        else:
            called = [_call(path, name, arguments, definitions) for path in paths]
            if None in called:
                return None
            paths = tuple(path for each in called if each for path in each)
        if index is not None:
            paths = tuple(replace(path, steps=(*path.steps, _at(int(index)))) for path in paths)
    return paths if _covers(branch) else None


def _steps(branch: str) -> Iterator[re.Match[str]]:
    position = 0
    while found := _STEP.match(branch, position):
        yield found
        position = found.end()


def _covers(branch: str) -> bool:
    return sum(len(found[0]) for found in _steps(branch)) == len(branch)


def _children(paths: Iterable[Path], name: str, definitions: Definitions) -> Iterator[Path]:
    """Give each path prolonged by an element, once for each type the element may have."""
    for path in paths:
        if not definitions.has_type(path.type):
            continue
        for json_name, (element, code) in definitions.type(path.type).by_json.items():
            if element.name == name:
                steps = (*path.steps, _child(json_name))
                yield replace(path, type=code, steps=steps, first=path.first or json_name, element=element)


def _call(path: Path, name: str, arguments: str, definitions: Definitions) -> list[Path] | None:
    """Return the path after a function: none if it can select nothing, None if the function is not a simple one."""
    if name == "ofType":  # of primitives only the very type: a canonical is not among `source as uri`
        same = path.type == arguments
        return [path] if same or _is_kind_of(path.type, arguments, definitions) else []
    if name == "where" and (found := _RESOLVES(arguments)):
        return [replace(path, steps=(*path.steps, _refers_to(found[1])), target=found[1])]
    if name == "where" and (found := _EQUALS(arguments)) and _is_single(path.type, found[1], definitions):
        return [replace(path, steps=(*path.steps, _where(found[1], found[2])))]
    if name == "where" and (found := _IS(arguments)) and _is_single(path.type, found[1], definitions):
        return [replace(path, steps=(*path.steps, _where(found[1], found[2] == "true")))]
    if name == "where" and (found := _IS_ABSENT(arguments)) and _is_single(path.type, found[1], definitions):
        return [replace(path, steps=(*path.steps, _where(found[1], None)))]
    if name == "extension":
        steps = (*path.steps, _child("extension"), _where("url", arguments.strip("'")))
        return [replace(path, type="Extension", steps=steps, first=path.first or "extension", element=None)]
    return None


def _is_kind_of(name: str, other: str, definitions: Definitions) -> bool:
    return definitions.is_a(name, other) and not _is_primitive(name, definitions)


def _is_primitive(name: str, definitions: Definitions) -> bool:
    return definitions.has_type(name) and definitions.kind(name) == "primitive-type"


def _is_single(name: str, child: str, definitions: Definitions) -> bool:
    """Whether an element can be compared as it stands in JSON: it is there under its name, and no array."""
    by_json = definitions.type(name).by_json if definitions.has_type(name) else {}
    return child in by_json and not by_json[child][0].repeats


def _child(name: str) -> Step:
    def child(nodes: Nodes) -> Nodes:
        out: Nodes = []
        for node in nodes:
            if type(value := node.get(name)) is list:
                out += [each for each in value if each is not None]
            elif value is not None:
                out.append(value)
        return out

    return child


def _at(index: int) -> Step:
    return lambda nodes: nodes[index : index + 1]


def _where(name: str, literal: str | bool | None) -> Step:
    return lambda nodes: [node for node in nodes if node.get(name) == literal]


def _refers_to(resource_type: str) -> Step:
    """`where(resolve() is Patient)`, answered from what the reference says: nothing is read for an index."""
    return lambda nodes: [node for node in nodes if target_type(node) == resource_type]


def target_type(reference: dict[str, Any]) -> str | None:
    """Return the type of resource that a Reference means, by its text or its `type`; None if neither tells."""
    return told_type(reference.get("reference", "")) or reference.get("type")


@lru_cache(maxsize=1 << 14)
def told_type(reference: str) -> str | None:
    """Return the type of resource that a literal reference names, None if it does not tell."""
    found = _TARGET_TYPE(reference)
    return found[1] if found else None
