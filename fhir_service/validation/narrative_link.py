"""Links inside a narrative: what they lead to is in the resource.

https://hl7.org/fhir/R4/narrative.html#id
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
_LOCAL = re.compile(r"""\s(?:href|src)\s*=\s*["']#([^"']+)["']""").findall
_NAMED = re.compile(r"""\s(?:id|name)\s*=\s*["']([^"']*)["']""").findall


def narrative_link_rules(resource: Resource, run: Run) -> Faults:
    """Return the faults of a resource: links of its narratives to what is not there."""
    if "text" not in resource and "section" not in resource:
        return None
    found: list[Fault] = []
    for place, div in _narratives(resource):
        if "#" not in div or not (links := dict.fromkeys(_LOCAL(div))):
            continue
        named = {*_NAMED(div), *_ids(resource)}
        for link in links:
            if link not in named:
                ja = f"リンク「#{link[:SHOWN]}」の先が、このリソースにありません(規則 narrative-link)"
                en = f"The link '#{link[:SHOWN]}' leads to nothing in the resource (rule narrative-link)"
                found.append(Fault(place, "not-found", ja, en, rule="narrative-link"))
    return found or None


def local_links(resource: Resource) -> set[str]:
    """Return what in a resource the links and images of its narratives name."""
    return {link for _, div in _narratives(resource) if "#" in div for link in _LOCAL(div)}


def _narratives(part: Resource, place: str = "") -> Iterator[tuple[str, str]]:
    """Give the narratives of a resource, and of the sections of a composition, with their places."""
    text = part.get("text")
    if isinstance(text, dict) and isinstance(div := text.get("div"), str):
        yield f"{place}.text.div", div
    sections = part.get("section")
    for index, section in enumerate(sections if isinstance(sections, list) else ()):
        if isinstance(section, dict):
            yield from _narratives(section, f"{place}.section[{index}]")


def _ids(resource: Resource) -> set[str]:
    """Return the ids of a resource, of what it contains, and of all their elements."""
    found: set[str] = set()
    pending: list[Any] = [resource]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if isinstance(own := part.get("id"), str):
                found.add(own)
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
    return found
