"""References: what their text means, and where they stand in a resource.

https://hl7.org/fhir/R4/references.html
"""

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from fhir_service.fhir.json import encode
from fhir_service.fhir.resource import Key, Resource

ReferenceKind = Literal["literal", "conditional", "fragment", "urn", "other"]

# https://hl7.org/fhir/R4/references.html#literal: `[base]/[type]/[id]/_history/[vid]`, the base absent when relative.
_LITERAL = re.compile(
    r"(?:(https?://\S+)/)?([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?"
).fullmatch
# https://hl7.org/fhir/R4/http.html#trules: `[type]?[parameters]`, which a transaction resolves.
_CONDITIONAL = re.compile(r"(?:(https?://\S+)/)?([A-Z][A-Za-z]{1,63})\?(.+)").fullmatch


class ParsedReference(NamedTuple):
    """The text of a `Reference.reference`, taken apart.

    A literal has `key` (with its `version` where it is versioned), a conditional one `type` and `search` (what stands
    after `?`, still encoded). `base` is that of an absolute URL, None where it is relative.
    """

    kind: ReferenceKind
    base: str | None = None
    type: str | None = None
    key: Key | None = None
    version: str | None = None
    search: str | None = None

    def is_local(self, base: str) -> bool:
        """Whether it means something on the server at `base`: relative, or an absolute URL under that base."""
        return self.type is not None and (self.base is None or self.base == base)


_FRAGMENT = ParsedReference("fragment")
_URN = ParsedReference("urn")
_OTHER = ParsedReference("other")


def parse_reference(text: str) -> ParsedReference:
    """Return what the text of a reference means; a canonical, or anything without a resource type, is `other`."""
    if text.startswith("#"):
        return _FRAGMENT
    if text.startswith(("urn:uuid:", "urn:oid:")):
        return _URN
    if found := _LITERAL(text):
        base, type_, id_, version = found.groups()
        return ParsedReference("literal", base, type_, Key(type_, id_), version)
    if found := _CONDITIONAL(text):
        base, type_, search = found.groups()
        return ParsedReference("conditional", base, type_, search=search)
    return _OTHER


def local_key(text: str, base: str) -> Key | None:
    """Return which resource of the server at `base` a literal reference names, or None if it names none."""
    if not (found := _LITERAL(text)):
        return None
    absolute, type_, id_, _ = found.groups()
    return Key(type_, id_) if absolute is None or absolute == base else None


def split_canonical(text: str) -> tuple[str, str | None, str | None]:
    """Return URL, version and fragment of a canonical, `url|version#fragment`.

    https://hl7.org/fhir/R4/references.html#canonical
    """
    whole, _, fragment = text.partition("#")
    url, _, version = whole.partition("|")
    return url, version or None, fragment or None


Place = tuple[Any, str | int]
"""Where an object stands: the place of what holds it (None for the resource's own), and the step from there."""


def place_steps(place: Place) -> list[str | int]:
    """Return the steps that lead to a place, the resource type first: `Observation`, `performer`, 0."""
    steps: list[str | int] = []
    at: Place | None = place
    while at is not None:
        at, step = at
        steps.append(step)
    steps.reverse()
    return steps


class FoundReference(NamedTuple):
    """A Reference that has a `reference`, and the place where it stands."""

    reference: dict[str, Any]
    place: Place

    @property
    def text(self) -> str:
        text: str = self.reference["reference"]
        return text

    @property
    def expression(self) -> str:
        """The place as FHIRPath: `Observation.performer[0]`."""
        return "".join(f"[{step}]" if type(step) is int else f".{step}" for step in place_steps(self.place))[1:]


def references(resource: Resource) -> Iterator[FoundReference]:
    """Yield every Reference with a literal `reference`, those of contained resources too; canonicals are none."""
    for node, place in objects(resource):
        if type(node.get("reference")) is str:
            yield FoundReference(node, place)


def reference_texts(resource: Resource) -> set[str]:
    """Return what the references of a resource say, without their places: many times as fast as `references`."""
    in_bundle = resource["resourceType"] == "Bundle"
    whole = {name: each for name, each in resource.items() if name != "entry"} if in_bundle else resource
    return set(map(_unquoted, quoted_references(encode(whole))))


quoted_references = re.compile(rb'"reference":("(?:[^"\\]|\\.)*")').findall
"""Return the text of each reference in the compact JSON of a resource, quoted as it stands there.

Inside a string a quotation mark is written otherwise, so that nothing else looks like this.
"""
_unquoted = msgspec.json.Decoder(str).decode


def objects(resource: Resource) -> Iterator[tuple[dict[str, Any], Place]]:
    """Yield every object of a resource in its order, and its place.

    What the entries of a Bundle refer to is the Bundle's own matter (https://hl7.org/fhir/R4/bundle.html#references):
    they are not walked.
    """
    in_bundle = resource["resourceType"] == "Bundle"
    pending: list[tuple[Any, Place]] = [(resource, (None, resource["resourceType"]))]
    while pending:
        node, place = pending.pop()
        if type(node) is list:
            pending += [(node[i], (place, i)) for i in range(len(node) - 1, -1, -1) if type(node[i]) is dict]
            continue
        yield node, place
        for name, child in reversed(node.items()):
            if (type(child) is dict or (type(child) is list and child)) and not (in_bundle and name == "entry"):
                pending.append((child, (place, name)))
