"""Where definitions come from, and which one a canonical names.

A canonical without a version names the first of: R4's own, the definition in the package that asks, that of the
packages it depends on in the versions it asks for, what is stored on the server, our own, the newest package's.
https://hl7.org/fhir/R4/references.html#canonical
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from fhir_service.fhir.definitions.archive import Package
from fhir_service.fhir.resource import Resource

ANY_VERSION = frozenset({"current", "latest", "dev", "*", ""})


class Source(Protocol):
    """A set of definitions."""

    @property
    def package(self) -> Package: ...

    def knows(self, url: str) -> bool: ...

    @property
    def fingerprint(self) -> str:
        """What tells this content from any other."""
        ...

    @property
    def folders(self) -> frozenset[str]:
        """Where whoever made these publishes profiles and extensions: their URLs up to the last slash."""
        ...

    def head(self, url: str, version: str | None = None) -> tuple[str, str] | None:
        """Return resource type and version of what `find` gives, without reading it."""
        ...

    def find(self, url: str, version: str | None = None) -> Resource | None: ...

    def all(self, resource_type: str) -> Iterator[Resource]: ...


class Located(NamedTuple):
    """A definition and the package it is of."""

    definition: Resource
    package: Package


class Named(NamedTuple):
    """Which definition a canonical names; the same for all that name it, however they write it."""

    resource_type: str
    url: str
    version: str
    package: str


class Sources:
    """The sources in the order in which they are asked."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.all: tuple[Source, ...] = tuple(sources)
        self._orders: dict[tuple[str, str], tuple[Source, ...]] = {}

    def locate(self, canonical: str, within: Package | None = None) -> Located | None:
        """Return what this url or `url|version` names to someone in the package `within`.

        A fragment (`url#part`) is passed over.
        """
        url, _, version = canonical.partition("#")[0].partition("|")
        for source in self._order(within):
            definition = source.find(url, version or None)
            if definition is not None:
                return Located(definition, source.package)
        return None

    def name(self, canonical: str, within: Package | None = None) -> Named | None:
        """Return which definition `locate` gives, without reading it."""
        url, _, version = canonical.partition("#")[0].partition("|")
        for source in self._order(within):
            head = source.head(url, version or None)
            if head is not None:
                return Named(head[0], url, head[1], str(source.package))
        return None

    def versions(self, url: str) -> tuple[str, ...]:
        """Return the versions in which a definition is here, the first found first."""
        heads = (source.head(url) for source in self.all)
        return tuple(dict.fromkeys(head[1] for head in heads if head is not None and head[1]))

    def pinned(self, canonical: str, within: Package) -> str:
        """Return a canonical so that it names the same definition to everybody as it does to this package.

        It gets a version where another package has one of the same url, that would be found first.
        """
        if "|" in canonical:
            return canonical
        mine, everybodys = (
            next((source for source in order if source.knows(canonical)), None)
            for order in (self._order(within), self.all)
        )
        if mine is None or mine is everybodys:
            return canonical
        definition = mine.find(canonical) or {}
        version = definition.get("version") or mine.package.version
        return f"{canonical}|{version}" if version else canonical

    def _order(self, within: Package | None) -> tuple[Source, ...]:
        if within is None or not self.all or within == self.all[0].package:
            return self.all
        key = (within.name, within.version)
        if key not in self._orders:
            first = [self.all[0], *self._of(within), *self._dependencies(within)]
            self._orders[key] = (*first, *(source for source in self.all if source not in first))
        return self._orders[key]

    def _of(self, package: Package) -> list[Source]:
        return [
            each for each in self.all if (each.package.name, each.package.version) == (package.name, package.version)
        ]

    def _dependencies(self, package: Package) -> list[Source]:
        """Return the sources that a package depends on, the nearest first, the core of R4 left out."""
        found: list[Source] = []
        waiting = list(package.dependencies)
        for name, version in waiting:  # grows while it is read
            fitting = (each for each in self.all[1:] if fits(each.package, name, version))
            source = next(fitting, None)
            if source is not None and source not in found:
                found.append(source)
                waiting += source.package.dependencies
        return found


def fits(package: Package, name: str, version: str) -> bool:
    """Whether a package is what a dependency names; `4.0.x` and `current` name any version that fits."""
    if package.name != name:
        return False
    pattern = ".*" if version in ANY_VERSION else re.escape(version).replace(r"\.x", r"\..+")
    return re.fullmatch(pattern, package.version) is not None


def _of_numbers(digits: str) -> tuple[int, str]:
    """Return a number of any length as something to sort by: how many digits it has, and these."""
    said = digits.lstrip("0")
    return len(said), said


def newest_first(version: str) -> tuple[tuple[int, str], ...]:
    """Return a version as something to sort by: numbers by value, and `1.2.0` after `1.2.0-draft`."""
    release, _, label = version.partition("-")
    parts = [_of_numbers(part) if part.isdecimal() else (-1, part) for part in release.split(".")]
    return (*parts, (0, "") if not label else (-1, label))
