"""A package added to the folder of packages: its definitions with their snapshots, as an archive.

What depends on what the server has now is told, not stored: the same package gives the same archive in time, whichever
package comes first.
https://hl7.org/fhir/R4/packages.html
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from fhir_service.fhir.definitions.archive import Archive, Package, write_archive
from fhir_service.fhir.definitions.held import Held
from fhir_service.fhir.definitions.package import Incoming, read_package
from fhir_service.fhir.definitions.shape import Shapes
from fhir_service.fhir.definitions.snapshot.faults import fault
from fhir_service.fhir.definitions.snapshot.snapshots import Snapshots
from fhir_service.fhir.definitions.sources import Source, Sources, fits
from fhir_service.fhir.definitions.strip import strip
from fhir_service.fhir.definitions.type_model import TypeModel
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.resource import Resource

R4 = Path(__file__).with_name("r4.zip")

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a package came to.

    `missing` are the packages it depends on that are not here, `generated` is how many snapshots were made, `issues`
    say what is wrong with its definitions.
    """

    package: Package
    already: bool
    missing: tuple[tuple[str, str], ...]
    generated: int = 0
    issues: tuple[Issue, ...] = ()


def in_order(incoming: Iterable[Incoming]) -> list[Incoming]:
    """Return the packages so that each stands after those among them that it depends on."""
    waiting = list(incoming)
    ordered: list[Incoming] = []
    while waiting:
        ready = [each for each in waiting if not any(_depends(each, other) for other in waiting if other is not each)]
        step = ready or waiting[:1]  # a circle: some package has to be the first
        ordered += step
        waiting = [each for each in waiting if each not in step]
    return ordered


def _depends(one: Incoming, other: Incoming) -> bool:
    return any(fits(other.package, name, version) for name, version in one.package.dependencies)


def add_package(file: Path | Incoming, folder: Path, installed: Iterable[Source]) -> Added:
    """Turn a package into an archive in the folder, beside those that are installed.

    Raises FhirError for what is no sound R4 package, and where the same version is there with other content.
    """
    package, brought = read_package(file) if isinstance(file, Path) else file
    others = list(installed)
    digest = _digest(brought)
    definitions, misshapen = _sound(brought)
    present = replace(package, count=len(definitions))
    missing = tuple(each for each in package.dependencies if not any(fits(other.package, *each) for other in others))
    target = archive_file(folder, package)
    if target.exists():
        _same_or_refused(package, target, digest)
        return Added(present, True, missing)

    whole = _Whole(package, definitions, others)
    archive = write_archive(package, map(strip, whole.definitions()), digest=digest)
    _write(target, archive)
    return Added(present, False, missing, whole.generated, (*misshapen, *whole.issues))


def _sound(definitions: Iterable[Resource]) -> tuple[list[Resource], list[Issue]]:
    """Return the definitions that have the shape of their types, and what is wrong with the others."""
    shapes = Shapes(TypeModel(Archive(R4).types()).__getitem__)
    sound: list[Resource] = []
    issues: list[Issue] = []
    for each in definitions:
        at = shapes.fault(each)
        if at is None:
            sound.append(each)
        else:
            ja, en = f"{at} の形が違うため、使いません", f"{at} has another shape; it is not used"
            issues.append(fault(str(each.get("url", each.get("id", ""))), ja, en))
    return sound, issues


def archive_file(folder: Path, package: Package) -> Path:
    """Return the file that a package is kept in."""
    return folder / f"{package.name}-{package.version}.zip"


class _Whole:
    """The definitions of a package with snapshots where they can be made, and what is wrong with them."""

    def __init__(self, package: Package, definitions: Sequence[Resource], others: Sequence[Source]) -> None:
        held = Held(package, definitions)
        self._definitions = definitions
        self._package = package
        self._snapshots = Snapshots(Sources([*others[:1], held, *others[1:]]))
        self.issues: list[Issue] = []
        self.generated = 0
        self._absent: set[str] = set()

    def definitions(self) -> Iterator[Resource]:
        """Give the definitions; one that has no snapshot yet, since its base is not here, keeps its differential."""
        for definition in self._definitions:
            is_structure = definition["resourceType"] == "StructureDefinition" and "url" in definition
            yield self._with_snapshot(definition) if is_structure else definition

    def _with_snapshot(self, definition: Resource) -> Resource:
        try:
            snapshot = self._snapshots.get(definition["url"], self._package)
        except FhirError as error:
            self.issues += error.issues
            return definition
        if snapshot is None:
            return definition
        self.issues += snapshot.issues
        self._note_absent(definition["url"], snapshot.detached_from)
        if not snapshot.generated or snapshot.detached_from or snapshot.issues:
            return definition
        self.generated += 1
        return {**definition, "snapshot": {"element": snapshot.elements}}

    def _note_absent(self, url: str, base: str | None) -> None:
        """Tell of an ancestor that is not here, by the first that derives from it."""
        if base is not None and base not in self._absent:
            self._absent.add(base)
            ja = f"{url} の元になる {base} がここにありません。加わるまで、型を元に検証します。"
            en = f"{url} derives from {base}, which is not here: until it is, checks go by the type."
            self.issues.append(Issue("not-found", ja, en, severity="warning", rule="profile-base"))


def _same_or_refused(package: Package, target: Path, digest: str) -> None:
    if Archive(target).digest != digest:
        ja = f"{package} は別の内容で追加済みです。置き換えるには、先に `packages remove {package}` で除いてください。"
        en = f"{package} is here with other content. To replace it, remove it first: `packages remove {package}`."
        raise fhir_error("conflict", ja, en)


def _digest(definitions: Iterable[Resource]) -> str:
    """Return what tells these definitions from others, whatever their order."""
    lines = sorted(map(_encode, definitions))
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def _write(target: Path, data: bytes) -> None:
    """Write the file so that it is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as part:
        part.write(data)
        part.flush()
        os.fsync(part.fileno())
    Path(part.name).chmod(0o644)  # read by the server, whoever added it
    Path(part.name).replace(target)
