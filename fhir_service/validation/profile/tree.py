"""The elements of a snapshot as a tree: by name, and by slice name where an element is sliced.

A tree is kept as MessagePack in which every branch is bytes to be read alone, so that whoever looks at three of a
profile's hundred elements reads three. The elements themselves stay JSON, with decimals as they were written.
https://hl7.org/fhir/R4/elementdefinition.html#id
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from fhir_service.validation.definition import ElementDefinition, checked

UNSOUND = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""What reading JSON of another shape than it must have raises."""


class Node(msgspec.Struct, frozen=True):
    """One element: its definition, and what is below it. `slices` holds re-slices (`a/b`) inside their slice (`a`)."""

    element: ElementDefinition
    name: str
    children: Branches
    slices: Branches

    @property
    def id(self) -> str:
        """How messages call it."""
        return str(self.element.get("id") or self.name)

    @property
    def types(self) -> list[dict[str, Any]]:
        found = self.element.get("type", ())
        return [each for each in found if isinstance(each, dict)]

    def codes(self) -> list[str]:
        """Return the codes of its types."""
        return [each["code"] for each in self.types if isinstance(each.get("code"), str)]


_Row = tuple[str, str, bool, memoryview]
"""The key of a node among its like, its name, whether there has to be some of it, and the node."""
_read_node = msgspec.msgpack.Decoder(tuple[memoryview, list[_Row], list[_Row]]).decode
_read_element = msgspec.json.Decoder(ElementDefinition, float_hook=Decimal).decode
_write_node = msgspec.msgpack.Encoder().encode
_write_element = msgspec.json.Encoder(decimal_format="number").encode


class Branches(Mapping[str, Node]):
    """Nodes, each read when it is first asked for."""

    __slots__ = ("_read", "_rows")

    def __init__(self, rows: Sequence[_Row]) -> None:
        self._rows = {row[0]: row for row in rows}
        self._read: dict[str, Node] = {}

    @classmethod
    def of(cls, key: str, node: Node) -> Branches:
        """Return the one branch to a node that is at hand."""
        made = cls([(key, node.name, _is_least(node.element), memoryview(b""))])
        made._read[key] = node
        return made

    @property
    def wanted(self) -> list[str]:
        """The keys of nodes of which a value has to have some."""
        return [key for key, _, wanted, _ in self._rows.values() if wanted]

    def __getitem__(self, key: str) -> Node:
        found = self._read.get(key)
        if found is None:
            _, name, _, tree = self._rows[key]
            found = self._read[key] = read(tree, name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


NONE = Branches(())
"""What is below most nodes."""


def read(tree: bytes | memoryview, name: str) -> Node:
    """Return the root of a tree that `grow` made; ValueError for what is none."""
    element, children, slices = _read_node(tree)
    return Node(
        _read_element(element), name, Branches(children) if children else NONE, Branches(slices) if slices else NONE
    )


def grow(elements: Sequence[ElementDefinition]) -> bytes:
    """Return the tree of these elements, which stand in the order of a snapshot."""
    first = elements[0]
    root = _Growing(first, str(first.get("path", "")))
    for element, steps in zip(elements[1:], _steps(elements[1:]), strict=True):
        node = root
        for step in steps:
            node = _child(node, step)
        node.element = element
    return _grown(root)


def name_of(step: str) -> str:
    """Return the name of an element as FHIRPath has it: `value` of `value[x]`."""
    return step.removesuffix("[x]")


@dataclass(slots=True)
class _Growing:
    element: ElementDefinition
    name: str
    children: dict[str, _Growing] = field(default_factory=dict)
    slices: dict[str, _Growing] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.element.get("id") or self.element.get("path") or self.name)


def _grown(node: _Growing) -> bytes:
    return _write_node(
        (_write_element({**checked(node.element), "id": node.id}), _rows(node.children), _rows(node.slices))
    )


def _rows(nodes: dict[str, _Growing]) -> list[tuple[str, str, bool, bytes]]:
    return [(key, each.name, _is_wanted(each), _grown(each)) for key, each in nodes.items()]


def _is_wanted(node: _Growing) -> bool:
    """Whether an element, or a slice of it, has to be there."""
    return any(_is_least(each.element) for each in (node, *node.slices.values()))


def _is_least(element: ElementDefinition) -> bool:
    return element.get("min") not in (None, 0)


def _child(node: _Growing, step: str) -> _Growing:
    """Return the node of a step (`name`, `name:slice`, `name:slice/reslice`) below a node, made if need be."""
    whole_name, _, slice_name = step.partition(":")
    name = name_of(whole_name)
    child = node.children.get(name)
    if child is None:
        child = node.children[name] = _Growing({}, name)
    return _slice(child, slice_name) if slice_name else child


def _slice(node: _Growing, slice_name: str) -> _Growing:
    """Return a slice, made if need be; `a/b` is inside `a` if there is such a slice, else a name like any other."""
    within = node
    for index, letter in enumerate(slice_name):
        if letter == "/" and slice_name[:index] in within.slices:
            within = within.slices[slice_name[:index]]
    if slice_name not in within.slices:
        within.slices[slice_name] = _Growing({}, node.name)
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
