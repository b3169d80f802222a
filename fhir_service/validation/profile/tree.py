"""The elements of a snapshot as a tree: by name, and by slice name where an element is sliced.

https://hl7.org/fhir/R4/elementdefinition.html#id
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

ElementDefinition = dict[str, Any]

UNSOUND = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""What reading JSON of another shape than it must have raises."""


@dataclass(slots=True)
class Node:
    """One element: its definition, and what is below it. `slices` holds re-slices (`a/b`) inside their slice (`a`)."""

    element: ElementDefinition
    name: str
    children: dict[str, Node] = field(default_factory=dict)
    slices: dict[str, Node] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """How messages call it."""
        return str(self.element.get("id") or self.element.get("path") or self.name)

    @property
    def types(self) -> list[dict[str, Any]]:
        found = self.element.get("type", ())
        return [each for each in found if isinstance(each, dict)]

    def codes(self) -> list[str]:
        """Return the codes of its types."""
        return [each["code"] for each in self.types if isinstance(each.get("code"), str)]


def grow(elements: Sequence[ElementDefinition]) -> Node:
    """Return the root of the tree of these elements, in the order of a snapshot."""
    first = elements[0]
    root = Node(first, str(first.get("path", "")))
    for element, steps in zip(elements[1:], _steps(elements[1:]), strict=True):
        node = root
        for step in steps:
            node = _child(node, step)
        node.element = element
    return root


def name_of(step: str) -> str:
    """Return the name of an element as FHIRPath has it: `value` of `value[x]`."""
    return step.removesuffix("[x]")


def _child(node: Node, step: str) -> Node:
    """Return the node of a step (`name`, `name:slice`, `name:slice/reslice`) below a node, made if need be."""
    whole_name, _, slice_name = step.partition(":")
    name = name_of(whole_name)
    child = node.children.get(name)
    if child is None:
        child = node.children[name] = Node({}, name)
    return _slice(child, slice_name) if slice_name else child


def _slice(node: Node, slice_name: str) -> Node:
    """Return a slice, made if need be; `a/b` is inside `a` if there is such a slice, else a name like any other."""
    within = node
    for index, letter in enumerate(slice_name):
        if letter == "/" and slice_name[:index] in within.slices:
            within = within.slices[slice_name[:index]]
    if slice_name not in within.slices:
        within.slices[slice_name] = Node({}, node.name)
    return within.slices[slice_name]


def _steps(elements: Sequence[ElementDefinition]) -> Iterator[list[str]]:
    """Give the steps to each element: those of its id, or if ids are missing those of paths and slice names."""
    if all(isinstance(each.get("id"), str) and "." in each["id"] for each in elements):
        for element in elements:
            yield element["id"].split(".")[1:]
        return
    slices: dict[str, str] = {}
    for element in elements:
        path = str(element.get("path", ""))
        slices = {each: name for each, name in slices.items() if path.startswith(f"{each}.") or path == each}
        if isinstance(name := element.get("sliceName"), str):
            slices[path] = name
        else:
            slices.pop(path, None)
        steps, parts = [], path.split(".")
        for end in range(2, len(parts) + 1):
            prefix = ".".join(parts[:end])
            steps.append(f"{parts[end - 1]}:{slices[prefix]}" if prefix in slices else parts[end - 1])
        yield steps
