"""How the entries of a Bundle refer to each other.

https://hl7.org/fhir/R4/bundle.html#references
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Resource

MOST_DEEP = 60
NESTED = (dict, list)
MOST_MATCHES = 8  # entries of one name that are looked at; two are a fault already


class Place(NamedTuple):
    """A reference and where below the Bundle it stands."""

    path: str
    reference: str


class BundleLinks:
    """The entries by what they are called, and the references in them."""

    def __init__(self, entries: Sequence[Resource]) -> None:
        self._entries = entries
        self._by_url: dict[str, list[int]] = {}
        self._by_key: dict[str, list[int]] = {}
        for index, entry in enumerate(entries):
            resource = entry.get("resource")
            if isinstance(url := entry.get("fullUrl"), str):
                self._by_url.setdefault(url, []).append(index)
            if isinstance(resource, dict) and isinstance(resource.get("id"), str):
                self._by_key.setdefault(f"{resource.get('resourceType')}/{resource['id']}", []).append(index)
        self._texts: dict[int, list[str]] = {}

    def targets(self, reference: str, source: int) -> list[int]:
        """Return the entries that a reference in the entry `source` means."""
        text = reference.partition("#")[0]
        versioned = text.partition("/_history/")
        if (found := self._by_url.get(text) or self._by_url.get(versioned[0])) is not None:
            return self._of_version(found, versioned[2])
        parsed = parse_reference(text)
        if parsed.key is None or parsed.base is not None:
            return []
        url = self._entries[source].get("fullUrl")
        base = parse_reference(url).base if isinstance(url, str) else None
        if base is not None:
            return self._of_version(self._by_url.get(f"{base}/{parsed.key}", []), versioned[2])
        unnamed = url is None or ":" not in url
        return self._of_version(self._by_key.get(str(parsed.key), []), versioned[2]) if unnamed else []

    def _of_version(self, found: list[int], version: str) -> list[int]:
        """Return those of the version that is asked for: "match the version based on Resource.meta.versionId"."""
        if not version:
            return found[:MOST_MATCHES]
        return [
            each
            for each in found[:MOST_MATCHES]
            if self._entries[each].get("resource", {}).get("meta", {}).get("versionId") == version
        ]

    def has_like(self, reference: str) -> bool:
        """Whether an entry has the type and id of a reference, by whatever full URL."""
        key = parse_reference(reference).key
        return key is not None and str(key) in self._by_key

    def references(self, index: int) -> list[str]:
        """Return the references in the resource of an entry."""
        if index not in self._texts:
            self._texts[index] = []
            _collect(self._entries[index].get("resource"), self._texts[index], 0)
        return self._texts[index]

    def places(self, index: int) -> Iterator[Place]:
        """Give the references in the resource of an entry with their places, which takes longer."""
        return _references(self._entries[index].get("resource"), f".entry[{index}].resource", 0)

    def reached_from(self, start: int) -> set[int]:
        """Return the entries that are linked with one, whichever refers to which: also by the url of an attachment."""
        linked: dict[int, set[int]] = {index: set() for index in range(len(self._entries))}
        for index in linked:
            urls: list[str] = []
            _collect(self._entries[index].get("resource"), urls, 0, URLS)
            for reference in (*self.references(index), *urls):
                for target in self.targets(reference, index):
                    linked[index].add(target)
                    linked[target].add(index)
        found, frontier = {start}, [start]
        while frontier:
            frontier = [each for one in frontier for each in linked[one] - found]
            found.update(frontier)
        return found


def pointed(value: Resource, steps: tuple[str, ...], base: str) -> Iterator[Place]:
    """Give the references at the end of a path of names."""
    name, *rest = steps
    held = value.get(name)
    for index, each in enumerate(held if isinstance(held, list) else [held]):
        if not isinstance(each, dict):
            continue
        place = f"{base}.{name}[{index}]" if isinstance(held, list) else f"{base}.{name}"
        if rest:
            yield from pointed(each, tuple(rest), place)
        elif isinstance(each.get("reference"), str):
            yield Place(f"{place}.reference", each["reference"])


REFERENCES = ("reference",)
URLS = ("url", "valueUrl", "valueUri")


def _collect(value: Any, texts: list[str], depth: int, names: tuple[str, ...] = REFERENCES) -> None:
    """Add the references in a value."""
    if depth > MOST_DEEP:
        return
    if value.__class__ is dict:
        for name in names:
            if (text := value.get(name)).__class__ is str:
                texts.append(text)
        for child in value.values():
            if child.__class__ in NESTED:
                _collect(child, texts, depth + 1, names)
    elif value.__class__ is list:
        for child in value:
            if child.__class__ is dict:
                _collect(child, texts, depth + 1, names)


def _references(value: Any, path: str, depth: int) -> Iterator[Place]:
    if depth > MOST_DEEP:
        return
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str):
            yield Place(f"{path}.reference", reference)
        for name, child in value.items():
            if child.__class__ is dict or child.__class__ is list:
                yield from _references(child, f"{path}.{name}", depth + 1)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            if child.__class__ is dict:
                yield from _references(child, f"{path}[{index}]", depth + 1)
