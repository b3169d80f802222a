"""Definitions as JSON files in folders: our own in `profiles/` and `terminology/`, in the source or as installed."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import msgspec

from fhir_service.fhir.definitions.archive import Package
from fhir_service.fhir.resource import Resource

EXAMPLES = "examples"
OWN_FOLDERS = ("profiles", "terminology")
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def own_folders() -> list[Path]:
    """Return the folders of our own definitions, wherever this package runs from."""
    package = Path(__file__).parents[2]
    bases = (package / "data", package.parent)
    found = (next((base / name for base in bases if (base / name).is_dir()), None) for name in OWN_FOLDERS)
    return [folder for folder in found if folder]


def own_examples() -> list[Path]:
    """Return the files of our own examples that have all that a profile speaks of, one of each profile."""
    return [file for folder in own_folders() for file in sorted((folder / EXAMPLES).glob("*/full.json"))]


class Folder:
    """The definitions in folders and below them, `examples/` left out, as they are when the folders are opened."""

    def __init__(self, paths: Iterable[Path], package: Package) -> None:
        self._by_url: dict[str, tuple[str, str, bytes]] = {}
        files = ((path, file) for path in paths for file in sorted(path.rglob("*.json")))
        for file in (file for path, file in files if EXAMPLES not in file.relative_to(path).parts):
            content = file.read_bytes()
            definition = _decode(content)
            if isinstance(definition, dict) and (url := _key(definition)):
                self._by_url.setdefault(url, (definition["resourceType"], definition.get("version", ""), content))
        self.package = Package(package.name, package.version, len(self._by_url), package.title, package.canonical)

    def knows(self, url: str) -> bool:
        """Whether there is a definition with this url."""
        return url in self._by_url

    @cached_property
    def fingerprint(self) -> str:
        """What tells this content from any other."""
        whole = sha256()
        for url, (_, _, content) in sorted(self._by_url.items()):
            whole.update(f"{url} {len(content)} ".encode())
            whole.update(content)
        return whole.hexdigest()

    @cached_property
    def folders(self) -> frozenset[str]:
        """Where profiles and extensions are published: their URLs up to the last slash."""
        profiles = (url for url, (kind, _, _) in self._by_url.items() if kind == "StructureDefinition")
        return frozenset(url.rpartition("/")[0] for url in profiles)

    def head(self, url: str, version: str | None = None) -> tuple[str, str] | None:
        """Return resource type and version of what `find` gives, without reading it."""
        kind, found, content = self._by_url.get(url, ("", "", b""))
        return (kind, found) if content and version in (None, found) else None

    def find(self, url: str, version: str | None = None) -> Resource | None:
        """Return the definition with this url, of this version if one is named."""
        _, found, content = self._by_url.get(url, ("", "", b""))
        if not content or version not in (None, found):
            return None
        resource: Resource = _decode(content)
        return resource

    def all(self, resource_type: str) -> Iterator[Resource]:
        """Give every definition of this type."""
        for kind, _, content in self._by_url.values():
            if kind == resource_type:
                yield _decode(content)


def _key(definition: Resource) -> str | None:
    """Return what a definition is known by: its url, or for a NamingSystem, which has none in R4, its type and id."""
    if definition.get("resourceType") == "NamingSystem":
        return f"NamingSystem/{definition.get('id', '')}"
    url = definition.get("url")
    return url if isinstance(url, str) else None
