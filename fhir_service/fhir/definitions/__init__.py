"""The definitions the service works by: R4's own, those stored on the server, our own, and the packages added beside.

A start reads only their indexes; each definition is decoded when it is asked for and not kept. What comes back is the
caller's to read, not to change. While the server runs, definitions come and go: `generation` tells that they did.
https://hl7.org/fhir/R4/downloads.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Self
from zipfile import BadZipFile

import fhir_service
from fhir_service.fhir.definitions.adding import R4, Added, add_package
from fhir_service.fhir.definitions.archive import Archive, Package
from fhir_service.fhir.definitions.folder import Folder, own_folders
from fhir_service.fhir.definitions.held import Held
from fhir_service.fhir.definitions.model import Element, Kind, TypeDefinition
from fhir_service.fhir.definitions.package import read_package
from fhir_service.fhir.definitions.snapshot import Snapshot
from fhir_service.fhir.definitions.snapshot.contradiction import departures
from fhir_service.fhir.definitions.snapshot.snapshots import TYPE_BASE, Snapshots
from fhir_service.fhir.definitions.sources import Named, Source, Sources, newest_first
from fhir_service.fhir.definitions.stored import StoredDefinitions
from fhir_service.fhir.definitions.type_model import TypeModel
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.resource import Key, Resource

__all__ = ["R4", "Added", "Definitions", "Element", "Kind", "Named", "Package", "Snapshot", "TypeDefinition"]

OWN = Package("fhir-service", fhir_service.__version__, title="Outreach profiles")


class Definitions:
    """The types of R4 and every canonical resource that is known.

    `generation` grows with every change of what is known; whoever keeps something that was made of definitions makes it
    anew then.
    """

    def __init__(self, r4: Archive, sources: Iterable[Source], folder: Path | None = None) -> None:
        self._folder = folder
        self._installing = Lock()
        self._watching: list[Callable[[], None]] = []
        self._stored = StoredDefinitions(r4.knows)
        self._use((r4, self._stored, *sources))
        self.generation = 0
        self._types = TypeModel(r4.types())
        self._compartments: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self.resource_types: frozenset[str] = self._types.concrete_resources

    def _use(self, sources: Iterable[Source]) -> None:
        self._sources = Sources(sources)
        self._snapshots = Snapshots(self._sources)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources in the order in which they are asked, R4 first."""
        return self._sources.all

    @property
    def packages(self) -> tuple[Package, ...]:
        """The packages that definitions are of, in the order in which they are asked."""
        every = (source.package for source in self._sources.all)
        return tuple(package for package in every if package.version)

    @classmethod
    def load(cls, *, packages: Path | None = None, profiles: Path | None = None) -> Self:
        """Open the definitions; `packages` is the folder where packages were added, `profiles` instead of our own."""
        folders = [profiles] if profiles else own_folders()
        own = [Folder(folders, OWN)] if folders else []
        return cls(Archive(R4), [*own, *_added(packages)], packages)

    def type(self, name: str) -> TypeDefinition:
        """Return a type by its code (`Patient`, `string`) or a backbone element by its path (`Patient.contact`).

        Raises KeyError for a type that R4 does not have.
        """
        return self._types[name]

    def has_type(self, name: str) -> bool:
        """Whether R4 has such a type or backbone element."""
        return name in self._types

    def kind(self, name: str) -> Kind:
        """Return the kind of a type, without reading the rest of it; KeyError for a type that R4 does not have."""
        return self._types.kind(name)

    def is_abstract(self, name: str) -> bool:
        """Whether a type is abstract, as Resource and Element are."""
        return self._types.is_abstract(name)

    def is_a(self, name: str, ancestor: str) -> bool:
        """Whether a type is another one or derived from it: Patient is a Resource, Age a Quantity, code a string."""
        return self._types.is_a(name, ancestor)

    def find(self, canonical: str, within: Package | None = None) -> Resource | None:
        """Return the definition with this url or `url|version`; `within` is the package whose definition asks.

        Without a version, R4's own, or the one that the package knows, or the newest package's.
        """
        located = self._sources.locate(canonical, within)
        return located.definition if located else None

    def name(self, canonical: str, within: Package | None = None) -> Named | None:
        """Return which definition `find` gives, without reading it."""
        return self._sources.name(canonical, within)

    def is_of_added_package(self, canonical: str) -> bool:
        """Whether a definition is of a package that was added, of which others may use another version."""
        named = self.name(canonical)
        return named is not None and any(
            isinstance(source, Archive) and str(source.package) == named.package for source in self._sources.all[1:]
        )

    def versions(self, url: str) -> tuple[str, ...]:
        """Return the versions in which a definition is here."""
        return self._sources.versions(url)

    def is_published_here(self, url: str) -> bool:
        """Whether R4, the service or a package that is here publishes profiles and extensions beside this URL."""
        folder = url.rpartition("/")[0]
        return any(folder in source.folders for source in self._sources.all)

    @property
    def fingerprint(self) -> str:
        """What tells all that snapshots are made of, as it is now, from any other content."""
        return sha256(" ".join(source.fingerprint for source in self._sources.all).encode()).hexdigest()

    def snapshot(self, canonical: str, within: Package | None = None) -> Snapshot | None:
        """Return the snapshot of a StructureDefinition (or of a type by its code), its own or generated.

        None if it is not here; FhirError, by name of the definition, if no snapshot can be made of it.
        """
        return self._snapshots.get(canonical, within)

    def examine(self, definition: Resource) -> tuple[Snapshot | None, tuple[Issue, ...]]:
        """Return the snapshot that the differential of a StructureDefinition makes, and what is wrong with it.

        It need not be known here. None where no snapshot can be made, or where it has no differential.
        """
        issues = self._examined(definition)[1] if "snapshot" in definition else ()
        if "differential" not in definition or "baseDefinition" not in definition:
            return None, issues
        made, more = self._examined({name: value for name, value in definition.items() if name != "snapshot"})
        if made is not None and not (issues or more) and "snapshot" in definition:
            more = tuple(self._departures(definition, made))
        return made, tuple(dict.fromkeys((*issues, *more)))

    def _departures(self, definition: Resource, made: Snapshot) -> Iterator[Issue]:
        """Give what a snapshot has otherwise than it must, where it is derived from a type of R4.

        What others derive from may have been another version when they made their snapshots.
        """
        base = str(definition["baseDefinition"])
        if base.startswith(TYPE_BASE) and self.has_type(base.removeprefix(TYPE_BASE)):
            yield from departures(str(definition.get("url", "")), definition["snapshot"]["element"], made.elements)

    def _examined(self, definition: Resource) -> tuple[Snapshot | None, tuple[Issue, ...]]:
        url = str(definition.get("url", ""))
        if ":" not in url or "|" in url:
            return None, ()  # by such a url another definition would be found
        held = Held(Package("examined", ""), [definition])
        try:
            snapshot = Snapshots(Sources([held, *self.sources])).get(url, held.package)
        except FhirError as error:
            return None, error.issues
        return snapshot, snapshot.issues if snapshot else ()

    def all(self, resource_type: str) -> Iterator[Resource]:
        """Give every definition of this type; of those with the same url, the one that `find` gives."""
        seen: set[str] = set()
        for source in self._sources.all:
            for definition in source.all(resource_type):
                if definition.get("url") not in seen:
                    yield definition
                if "url" in definition:
                    seen.add(definition["url"])

    def put(self, key: Key, body: bytes) -> None:
        """Know a definition that was stored as a resource (its JSON), or is stored anew; others are passed over."""
        if self._stored.put(key, body):
            self._changed(self._sources.all)

    def stored(self) -> Iterator[tuple[Key, bytes]]:
        """Give the definitions that were put here, as JSON."""
        return self._stored.bodies()

    def canonical(self, key: Key) -> str | None:
        """Return by which canonical URL a definition is known that is stored under this type and id."""
        return self._stored.canonical(key)

    def forget(self, key: Key) -> None:
        """Forget a stored definition that was deleted."""
        if self._stored.forget(key):
            self._changed(self._sources.all)

    def install(self, package: bytes) -> Added:
        """Add a package to those that are here; `reload` makes it known.

        Raises FhirError for what is no sound R4 package, and where the same version is there with other content.
        """
        if self._folder is None:
            raise fhir_error("not-supported", "パッケージを置くところがありません。", "There is no place for packages.")
        with self._installing:
            return add_package(read_package(package), self._folder, self.sources)

    def watch(self, told: Callable[[], None]) -> None:
        """Have `told` called after every `reload`, when other packages are known."""
        self._watching.append(told)

    def reload(self, folder: Path | None = None) -> None:
        """Know the packages that are in the folder now; whoever is reading goes on with what there was."""
        packages = folder or self._folder
        kept = (
            source for source in self._sources.all if not isinstance(source, Archive) or source is self._sources.all[0]
        )
        self._changed((*kept, *_added(packages)))
        for told in self._watching:
            told()

    def _changed(self, sources: Iterable[Source]) -> None:
        self._use(sources)
        self.generation += 1

    def compartment(self, code: str) -> Mapping[str, tuple[str, ...]]:
        """Return which types are in this compartment by which search parameters; KeyError if R4 has no such one.

        The compartment's own resource belongs to it by itself, which no parameter says (Encounter has none here).
        https://hl7.org/fhir/R4/compartmentdefinition.html
        """
        if not self._compartments:
            self._compartments = {each["code"]: _members(each) for each in self.all("CompartmentDefinition")}
        return self._compartments[code]


def _added(packages: Path | None) -> list[Archive]:
    """Return the packages in the folder, the newest version of each first."""
    added = list(map(_opened, sorted(packages.glob("*.zip")))) if packages else []
    return sorted(added, key=lambda archive: newest_first(archive.package.version), reverse=True)


def _opened(path: Path) -> Archive:
    try:
        return Archive(path)
    except (OSError, KeyError, TypeError, ValueError, BadZipFile) as error:
        ja = f"パッケージ {path} が壊れています。削除して追加し直してください。"
        en = f"The package {path} is damaged. Delete it and add it again."
        raise fhir_error("exception", ja, en) from error


def _members(compartment: Resource) -> Mapping[str, tuple[str, ...]]:
    return {
        each["code"]: tuple(param for param in each["param"] if param != "{def}")
        for each in compartment["resource"]
        if each.get("param")
    }
