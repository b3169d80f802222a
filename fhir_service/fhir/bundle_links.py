"""The links between the entries of a transaction, replaced by what the resources are called on the server.

https://hl7.org/fhir/R4/http.html#trules: a server that assigns a new id updates the links to it wherever they stand, in
references, in elements of type uri, url, oid and uuid, and in the narrative's `<a href>` and `<img src>`. Which full
URL a reference means: https://hl7.org/fhir/R4/bundle.html#references
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.reference import (
    FoundReference,
    ParsedReference,
    local_key,
    objects,
    parse_reference,
    place_steps,
    references,
)
from fhir_service.fhir.resource import Key, Resource

_URI_TYPES = frozenset({"uri", "url", "oid", "uuid"})
_ENTRY = ("urn:uuid:", "urn:oid:")
_NARRATIVE_LINK = re.compile(r"""(\b(?:href|src)\s*=\s*)(["'])([^"']+)\2""")


class Replaced(NamedTuple):
    """A value that was replaced in an object or array, so that it can be put back."""

    holder: Any
    at: Any
    value: Any

    def undo(self) -> None:
        self.holder[self.at] = self.value


@dataclass(slots=True)
class Links:
    """What was found in one resource: what was replaced in it, the resources of this server that it now refers to, and
    its conditional references, each with what it means (they are for the caller to resolve), and its `urn:` references
    that are no full URL of an entry."""

    replaced: list[Replaced] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)
    conditional: list[tuple[FoundReference, ParsedReference]] = field(default_factory=list)
    unknown: list[FoundReference] = field(default_factory=list)

    def undo(self) -> None:
        """Put everything back as it stood."""
        for replaced in reversed(self.replaced):
            replaced.undo()

    def resolve(self, found: FoundReference, key: Key) -> None:
        """Make a conditional reference a literal one."""
        self.put(found.reference, "reference", str(key))
        self.keys.add(key)

    def put(self, holder: Any, at: Any, value: str) -> None:
        """Replace a value."""
        self.replaced.append(Replaced(holder, at, holder[at]))
        holder[at] = value


class FullUrls:
    """What the full URLs of the entries mean on the server at `base`, such as `urn:uuid:…` → `Patient/123`."""

    def __init__(self, definitions: Definitions, base: str) -> None:
        self._definitions = definitions
        self._base = base
        self._keys: dict[str, Key] = {}

    def add(self, full_url: str, key: Key) -> None:
        """Say what a full URL means; where an entry has none, its temporary `Patient/x` takes its place."""
        self._keys[full_url] = key

    def replace(self, resource: Resource, full_url: str | None) -> Links:
        """Replace the links in the resource of the entry with this full URL; return what was found."""
        links = Links()
        keys = self._keys
        root = parse_reference(full_url).base if full_url and keys else None
        skipped = "entry" if resource["resourceType"] == "Bundle" else None  # as in `objects`
        open_ = False
        pending = [resource]
        while pending:
            node = pending.pop()
            for name, value in node.items():
                kind = type(value)
                if kind is str:
                    if name == "reference":
                        open_ |= self._reference(node, root, links)
                    elif value in keys and self._is_uri(resource, node, name):
                        links.put(node, name, str(keys[value]))
                    elif name == "div" and keys:
                        self._narrative(node, links)
                elif kind is dict:
                    pending.append(value)
                elif kind is list and name != skipped:
                    pending += self._items(resource, node, name, links)
        if open_:
            links.conditional = list(self._conditional(resource))
            links.unknown = [found for found in references(resource) if found.text.startswith(_ENTRY)]
        return links

    def key(self, text: str, full_url: str | None) -> Key | None:
        """Return what a reference in the entry with this full URL means, if that is a resource of this server."""
        root = parse_reference(full_url).base if full_url and self._keys else None
        return self._key(text, root) or local_key(text, self._base)

    def _key(self, text: str, root: str | None) -> Key | None:
        return self._keys.get(text) or (self._keys.get(f"{root}/{text}") if root else None)

    def _items(self, resource: Resource, node: dict[str, Any], name: str, links: Links) -> list[dict[str, Any]]:
        """Return the objects of an array, or replace the links in one of texts."""
        items = node[name]
        if items and type(items[0]) is str:
            for i, item in enumerate(items):
                if item in self._keys and self._is_uri(resource, node, name):
                    links.put(items, i, str(self._keys[item]))
            return []
        return [item for item in items if type(item) is dict]

    def _reference(self, reference: dict[str, Any], root: str | None, links: Links) -> bool:
        """Replace what one reference says; return whether it may be a conditional one, or that to an entry."""
        text = reference["reference"]
        key = self._key(text, root)
        if key:
            if text != str(key):
                links.put(reference, "reference", str(key))
            links.keys.add(key)
        elif key := local_key(text, self._base):
            links.keys.add(key)
        return key is None and ("?" in text or text.startswith(_ENTRY))

    def _conditional(self, resource: Resource) -> Iterator[tuple[FoundReference, ParsedReference]]:
        for found in references(resource):
            parsed = parse_reference(found.text)
            if parsed.kind == "conditional" and parsed.is_local(self._base):
                yield found, parsed

    def _narrative(self, node: dict[str, Any], links: Links) -> None:
        div = _NARRATIVE_LINK.sub(self._link, node["div"])
        if div != node["div"]:
            links.put(node, "div", div)

    def _link(self, match: re.Match[str]) -> str:
        attribute, quote, target = match.groups()
        key = self._keys.get(target)
        return f"{attribute}{quote}{key}{quote}" if key else match[0]

    def _is_uri(self, resource: Resource, holder: dict[str, Any], name: str) -> bool:
        """Whether the property is a uri and the like: an identifier's value is a string, whatever it looks like."""
        place = next(place for each, place in objects(resource) if each is holder)
        node: Any = resource
        type_name = resource["resourceType"]
        for step in (*place_steps(place)[1:], name):
            if type(step) is str:
                by_json = self._definitions.type(type_name).by_json
                type_name = "Element" if step.startswith("_") else by_json[step][1] if step in by_json else ""
            node = node[step]
            if type_name == "Resource" and type(node) is dict:
                type_name = node["resourceType"]
            elif not type_name:
                return False
        return type_name in _URI_TYPES
