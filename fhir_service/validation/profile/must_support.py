"""Which elements that a profile says must be supported are not there: told as information, to whoever asks for it.

https://hl7.org/fhir/R4/conformance-rules.html#mustSupport
"""

from collections.abc import Iterator

from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.fhirpath.model import Model, children
from fhir_service.validation.fault import Fault
from fhir_service.validation.profile.tree import Node


def unsupported(root: Node, item: Item, model: Model, profile: str) -> list[Fault]:
    """Return the elements that are not there, each once at the place where it is missing first."""
    return list(_below(root, item, model, profile))


def _below(node: Node, item: Item, model: Model, profile: str) -> Iterator[Fault]:
    holder = children(item.value, item.primitive)
    properties = model.properties(item.type)
    for name, child in node.children.items():
        known = properties.get(name)
        found: list[Item] = []
        if known is not None and holder is not None:
            known.read(holder, found)
        if known is None:
            continue
        if not found and child.element.get("mustSupport") is True:
            yield _missing(f".{name}", child, profile)
        for index, each in enumerate(found):
            step = f".{name}[{index}]" if known.many else f".{name}"
            yield from (fault.below(step) for fault in _below(child, each, model, profile))
        yield from _extensions(name, child, found, profile)


def _extensions(name: str, node: Node, found: list[Item], profile: str) -> Iterator[Fault]:
    """Give the extensions that are not there; other slices are told apart by their checks alone."""
    present = {str(each.value.get("url")) for each in found if each.type == "Extension"}
    for each in node.slices.values():
        urls = {url.partition("|")[0] for one in each.types for url in one.get("profile", ())}
        if each.element.get("mustSupport") is True and urls and urls.isdisjoint(present):
            yield _missing(f".{name}", each, profile)


def _missing(path: str, node: Node, profile: str) -> Fault:
    ja = f"プロファイルが扱うべきとする要素「{node.id}」がありません(規則 must-support、{profile})"
    en = f"'{node.id}', which the profile says must be supported, is not there (rule must-support, {profile})"
    return Fault(path, "informational", ja, en, "information", "must-support", profile)
