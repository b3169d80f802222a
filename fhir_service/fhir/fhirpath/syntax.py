"""The syntax tree of an expression. `at` is the offset of each node in the text.

https://hl7.org/fhirpath/N1/grammar.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fhir_service.fhir.fhirpath.item import Item


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; None is the empty collection `{}`."""

    item: Item | None
    at: int


@dataclass(frozen=True, slots=True)
class Special:
    """`$this`, `$index` or `$total`."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class External:
    """An environment variable, `%name`."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    """`target.name`; without a target the path starts here, at `$this`."""

    target: "Node | None"
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """`target.name(arguments)`; without a target it is called on `$this`."""

    target: "Node | None"
    name: str
    arguments: tuple["Node", ...]
    at: int


@dataclass(frozen=True, slots=True)
class Indexer:
    """`target[index]`."""

    target: "Node"
    index: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Polarity:
    """`-operand` or `+operand`."""

    sign: Literal["-", "+"]
    operand: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Union:
    """`a | b | c`: as many branches as are joined."""

    branches: tuple["Node", ...]
    at: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`operand is type` or `operand as type`; `type` is as written (`FHIR.Patient`)."""

    operator: Literal["is", "as"]
    operand: "Node"
    type: str
    at: int


Node = Constant | Special | External | Member | Call | Indexer | Polarity | Binary | Union | TypeTest


def nodes(tree: Node | None) -> Iterator[Node]:
    """Give every node of the tree."""
    queue = [tree]
    while queue:
        node = queue.pop()
        if node is None:
            continue
        yield node
        match node:
            case Member():
                queue.append(node.target)
            case Call():
                queue += [node.target, *node.arguments]
            case Indexer():
                queue += [node.target, node.index]
            case Polarity() | TypeTest():
                queue.append(node.operand)
            case Binary():
                queue += [node.left, node.right]
            case Union():
                queue += node.branches


def calls(tree: Node, name: str) -> bool:
    """Return whether a function of this name is called anywhere in the tree."""
    return any(isinstance(node, Call) and node.name == name for node in nodes(tree))


def mentions(tree: Node, name: str) -> bool:
    """Return whether `$name` is used anywhere in the tree."""
    return any(isinstance(node, Special) and node.name == name for node in nodes(tree))
