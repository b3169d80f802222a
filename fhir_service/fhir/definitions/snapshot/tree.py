"""The elements of a snapshot as a tree: an element, its children, and its slices.

A snapshot is a flat list in which order, paths, slice names and ids all tell the same tree. Elements are shared between
trees and never changed: whoever changes one puts another in its place.
https://hl7.org/fhir/R4/elementdefinition.html#id
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fhir_service.fhir.resource import Resource


@dataclass(slots=True)
class Node:
    """One element: `name` is the last step of its path (`value[x]`), `slice` its slice name (`a/b` for a re-slice).

    `slices` stand in their order, re-slices after the slice they divide. `parent` is None for the root.
    """

    name: str
    element: Resource
    slice: str = ""
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    slices: list["Node"] = field(default_factory=list)

    def child(self, name: str) -> "Node | None":
        """Return the child of this name, if the node is unfolded and has one."""
        return next((each for each in self.children if each.name == name), None)

    def slice_named(self, name: str) -> "Node | None":
        """Return the slice or re-slice of this name."""
        return next((each for each in self.slices if each.slice == name), None)

    def add_child(self, child: "Node") -> None:
        """Put a child at the end."""
        child.parent = self
        self.children.append(child)

    def add_slice(self, new: "Node") -> None:
        """Put a slice at the end, or a re-slice after those of the slice it divides."""
        new.parent = self.parent
        divided, _, own = new.slice.rpartition("/")
        place = len(self.slices)
        if divided and own:
            together = [at for at, each in enumerate(self.slices) if f"{each.slice}/".startswith(f"{divided}/")]
            place = together[-1] + 1 if self.slice_named(divided) else place
        self.slices.insert(place, new)

    def size(self) -> int:
        """Return how many elements there are, slices included."""
        return 1 + sum(each.size() for each in self.children) + sum(each.size() for each in self.slices)

    @property
    def id(self) -> str:
        """The id of the element: `Observation.value[x]:valueQuantity.unit`."""
        step = f"{self.name}:{self.slice}" if self.slice else self.name
        return f"{self.parent.id}.{step}" if self.parent else step

    @property
    def path(self) -> str:
        """The path of the element, without the names of slices."""
        return f"{self.parent.path}.{self.name}" if self.parent else self.name


def grown(elements: Iterable[Resource]) -> Node:
    """Return the tree of a snapshot's elements, whose order says what belongs to what.

    Raises ValueError for a list that is no tree.
    """
    root: Node | None = None
    line: list[Node] = []  # the newest element at each depth
    for element in elements:
        steps = element["path"].split(".")
        node = Node(steps[-1], element, element.get("sliceName", ""))
        depth = len(steps) - 1
        if root is None and depth == 0:
            root, line = node, [node]
            continue
        if root is None or not 0 < depth <= len(line):
            raise ValueError(element["path"])
        _join(line[depth - 1], node)
        line[depth:] = [node]
    if root is None:
        raise ValueError("")
    return root


def _join(parent: Node, node: Node) -> None:
    """Put a node into the tree: the first of its name is a child, those with a slice name after it are its slices."""
    sliced = parent.child(node.name) or _renamed_choice(parent, node)
    if sliced is None or not node.slice:
        parent.add_child(node)
    else:
        node.name = sliced.name
        node.parent = parent
        sliced.slices.append(node)


def _renamed_choice(parent: Node, node: Node) -> Node | None:
    """Return the choice element of a slice whose path was shortened (`valueQuantity` for `value[x]`)."""
    choices = (each for each in parent.children if each.name.endswith("[x]"))
    return next((each for each in choices if node.slice and node.name.startswith(each.name[:-3])), None)


def copied(node: Node, parent: Node | None) -> Node:
    """Return a copy of the node, its slices and what is below it."""
    copy = Node(node.name, node.element, node.slice, parent)
    copy.children = [copied(each, copy) for each in node.children]
    copy.slices = [copied(each, parent) for each in node.slices]
    return copy


def flat(node: Node) -> Iterator[Resource]:
    """Give the elements in the order of a snapshot, with the ids and paths that their place has."""
    yield from _flat(node, node.parent.id if node.parent else "", node.parent.path if node.parent else "")


def _flat(node: Node, parent_id: str, parent_path: str) -> Iterator[Resource]:
    step = f"{node.name}:{node.slice}" if node.slice else node.name
    own_id = f"{parent_id}.{step}" if parent_id else step
    path = f"{parent_path}.{node.name}" if parent_path else node.name
    yield {**node.element, "id": own_id, "path": path}
    for child in node.children:
        yield from _flat(child, own_id, path)
    for each in node.slices:
        yield from _flat(each, parent_id, parent_path)
