"""Definitions as JSON files in a folder: our own, in `profiles/` of the source tree or as installed with the wheel."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from fhir_service.fhir.definitions.archive import Package
from fhir_service.fhir.resource import Resource

EXAMPLES = "examples"
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def own_profiles() -> Path | None:
    """Return the folder of our own definitions, wherever this package runs from."""
    package = Path(__file__).parents[2]
    candidates = (package / "data" / "profiles", package.parent / "profiles")
    return next((folder for folder in candidates if folder.is_dir()), None)


class Folder:
    """The definitions in a folder and below it, `examples/` left out; a file is read again when it is asked for."""

    def __init__(self, path: Path, package: Package) -> None:
        self._by_url: dict[str, tuple[str, str, Path]] = {}
        files = (file for file in sorted(path.rglob("*.json")) if EXAMPLES not in file.relative_to(path).parts)
        for file in files:
            definition = _decode(file.read_bytes())
            if isinstance(definition, dict) and isinstance(definition.get("url"), str):
                head = (definition["resourceType"], definition.get("version", ""), file)
                self._by_url.setdefault(definition["url"], head)
        self.package = Package(package.name, package.version, len(self._by_url), package.title, package.canonical)

    def find(self, url: str, version: str | None = None) -> Resource | None:
        """Return the definition with this url, of this version if one is named."""
        _, found, file = self._by_url.get(url, ("", "", None))
        if file is None or (version is not None and found != version):
            return None
        resource: Resource = _decode(file.read_bytes())
        return resource

    def all(self, resource_type: str) -> Iterator[Resource]:
        """Give every definition of this type."""
        for kind, _, file in self._by_url.values():
            if kind == resource_type:
                yield _decode(file.read_bytes())
