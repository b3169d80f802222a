"""Who sent a resource, as it says itself: its source, and the organizations that its document names.

https://hl7.org/fhir/R4/resource-definitions.html#Meta.source and https://hl7.org/fhir/R4/composition.html
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhir_service.fhir.resource import Resource
from fhir_service.validation.bundle_links import BundleLinks

Tokens = frozenset[str]
"""Identifiers as `system|value`."""


class Sender(NamedTuple):
    """`authors` and `custodians` are the identifiers of the organizations that a document names as such."""

    source: str | None
    authors: Tokens
    custodians: Tokens


def sender_of(resource: Resource) -> Sender:
    """Return what a resource says; of a document Bundle, what its Composition says."""
    meta = resource.get("meta")
    source = meta.get("source") if isinstance(meta, dict) else None
    entries = [each for each in _list(resource.get("entry")) if isinstance(each, dict)]
    head = entries[0].get("resource") if entries and resource.get("type") == "document" else resource
    if not isinstance(head, dict) or head.get("resourceType") != "Composition":
        return Sender(source if isinstance(source, str) else None, frozenset(), frozenset())
    links = BundleLinks(entries)
    return Sender(
        source if isinstance(source, str) else None,
        frozenset(_identifiers(_list(head.get("author")), head, entries, links)),
        frozenset(_identifiers([head.get("custodian")], head, entries, links)),
    )


def _identifiers(
    references: list[Any], head: Resource, entries: list[Resource], links: BundleLinks, depth: int = 0
) -> Iterator[str]:
    """Give the identifiers of the organizations that are meant, also by way of a role in one."""
    for reference in references:
        if not isinstance(reference, dict):
            continue
        yield from _tokens([reference.get("identifier")])
        text = reference.get("reference")
        for found in _named(text, head, entries, links) if isinstance(text, str) else ():
            if found.get("resourceType") == "Organization":
                yield from _tokens(_list(found.get("identifier")))
            elif depth < 2:
                yield from _identifiers([found.get("organization")], head, entries, links, depth + 1)


def _named(text: str, head: Resource, entries: list[Resource], links: BundleLinks) -> list[Resource]:
    if text.startswith("#"):
        found = [each for each in _list(head.get("contained")) if isinstance(each, dict) and each.get("id") == text[1:]]
    else:
        found = [entries[index].get("resource", {}) for index in links.targets(text, 0)] if entries else []
    return [each for each in found if isinstance(each, dict)]


def _tokens(identifiers: list[Any]) -> Iterator[str]:
    for each in identifiers:
        if isinstance(each, dict) and isinstance(each.get("value"), str):
            yield f"{each.get('system', '')}|{each['value']}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
