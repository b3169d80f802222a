"""Which elements that a profile says must be supported are not there: told as information, to whoever asks for it.

What has to be there is told as an error when it is not, and not once more here.
https://hl7.org/fhir/R4/conformance-rules.html#mustSupport
"""

import re
from collections.abc import Iterator

from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.fhirpath.model import Model, children
from fhir_service.validation.fault import Fault
from fhir_service.validation.profile.cardinality import least
from fhir_service.validation.profile.tree import Node

_SLICES = re.compile(r":[^.]*(?=\.)")


def unsupported(root: Node, item: Item, model: Model, profile: str) -> list[Fault]:
    """Return the elements that are not there, each once at the place where it is missing first.

    Slices are told apart by the checks of their profile: of an element that is there, they ask `unsupported_slice`.
    """
    return list(_below(root, item, model, profile))


def unsupported_slice(
    node: Node, members: list[tuple[str, Item]], path: str, model: Model, profile: str
) -> Iterator[Fault]:
    """Give what is not there of a slice that has these values of the element, whose steps are given."""
    if not members:
        yield from _missing(path, node, profile)
    for step, item in members:
        yield from (fault.below(step) for fault in _below(node, item, model, profile))


def _below(node: Node, item: Item, model: Model, profile: str) -> Iterator[Fault]:
    holder = children(item.value, item.primitive)
    properties = model.properties(item.type)
    for name, child in node.children.items():
        known = properties.get(name)
        found: list[Item] = []
        if known is None:
            continue
        if holder is not None:
            known.read(holder, found)
        if not found:
            yield from _absent(f".{name}", child, profile)
        for index, each in enumerate(found):
            step = f".{name}[{index}]" if known.many else f".{name}"
            yield from (fault.below(step) for fault in _below(child, each, model, profile))


def _absent(path: str, node: Node, profile: str) -> Iterator[Fault]:
    """Give an element that is not there, or else the slices of it."""
    if least(node.element) or node.element.get("mustSupport") is True:
        yield from _missing(path, node, profile)
    else:
        for each in node.slices.values():
            yield from _missing(path, each, profile)


def _missing(path: str, node: Node, profile: str) -> Iterator[Fault]:
    if least(node.element) or node.element.get("mustSupport") is not True:
        return
    said = _SLICES.sub("", node.id)  # the place is named by the path; other slices say the same of it
    ja = f"プロファイルが扱うべきとする要素「{said}」がありません(規則 must-support、{profile})"
    en = f"'{said}', which the profile says must be supported, is not there (rule must-support, {profile})"
    yield Fault(path, "informational", ja, en, "information", "must-support", profile)
