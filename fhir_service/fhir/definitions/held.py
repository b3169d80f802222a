"""Definitions in memory: a package that is about to be added."""

from collections.abc import Iterable, Iterator

from fhir_service.fhir.definitions.archive import Package
from fhir_service.fhir.resource import Resource


class Held:
    """The definitions of one package; of several with the same url, the first."""

    def __init__(self, package: Package, definitions: Iterable[Resource]) -> None:
        self.package = package
        self._definitions = list(definitions)
        self._by_url = {each["url"]: each for each in reversed(self._definitions) if isinstance(each.get("url"), str)}

    def knows(self, url: str) -> bool:
        """Whether there is a definition with this url."""
        return url in self._by_url

    @property
    def fingerprint(self) -> str:
        """What tells this content from any other while it is here."""
        return str(id(self))

    @property
    def folders(self) -> frozenset[str]:
        """Where profiles and extensions are published: their URLs up to the last slash."""
        return frozenset(str(each.get("url", "")).rpartition("/")[0] for each in self.all("StructureDefinition"))

    def head(self, url: str, version: str | None = None) -> tuple[str, str] | None:
        """Return resource type and version of what `find` gives."""
        found = self.find(url, version)
        return (found["resourceType"], str(found.get("version") or self.package.version)) if found else None

    def find(self, url: str, version: str | None = None) -> Resource | None:
        """Return the definition with this url, of this version if one is named (its own, or else the package's)."""
        found = self._by_url.get(url)
        if found is None or not self.package.gives(version, found.get("version")):
            return None
        return found

    def all(self, resource_type: str) -> Iterator[Resource]:
        """Give every definition of this type."""
        return (each for each in self._definitions if each["resourceType"] == resource_type)
