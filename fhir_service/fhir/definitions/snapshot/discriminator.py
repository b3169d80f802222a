"""Do the discriminators of a slicing lead to anything in the element that is sliced?

https://hl7.org/fhir/R4/profiling.html#discriminator
"""

import re
from collections.abc import Callable, Iterable, Iterator

from fhir_service.fhir.definitions.snapshot.tree import Node
from fhir_service.fhir.resource import Resource

# Steps after which anything may follow: what a reference leads to, and what an extension or a type holds.
_OPEN = re.compile(r"(resolve\(\)|extension\(|ofType\(|as\()")
# Types that hold anything.
ANY = {"Resource", "DomainResource"}


def astray(element: Resource, node: Node, children: Callable[[Node], Iterable[Node]]) -> Iterator[str]:
    """Give the discriminator paths of an element that lead nowhere; `children` are all that its types have."""
    for each in element.get("slicing", {}).get("discriminator", ()):
        path = each.get("path")
        if isinstance(path, str) and not _leads(path, node, children):
            yield path


def _leads(path: str, node: Node, children: Callable[[Node], Iterable[Node]]) -> bool:
    if path == "$this" or _OPEN.search(path):
        return True
    nodes = [node]
    for name in path.removeprefix("$this.").split("."):
        if any(_holds_anything(each) for each in nodes):
            return True
        found = [child for each in nodes for child in children(each) if child.name in (name, f"{name}[x]")]
        if not found:
            return False
        nodes = found
    return True


def _holds_anything(node: Node) -> bool:
    return any(each.get("code") in ANY for each in node.element.get("type", ()))
