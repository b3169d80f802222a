"""FHIR packages: a `.tgz` in the shape of npm, read without trust.

Nothing is unpacked to disk. Of the files in `package/`, the definitions are kept (resources with a canonical url, and
naming systems); examples and what lies in other folders are passed over.
https://hl7.org/fhir/R4/downloads.html and https://registry.fhir.org/learn
"""

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from fhir_service.fhir.definitions.archive import Package
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Resource

MAX_FILES = 25_000  # the largest published, of value sets, have some ten thousand
MAX_FILE = 64 * 1024 * 1024  # bytes; the largest definitions published have about 20 MB
MAX_PACKAGE = 128 * 1024 * 1024  # bytes unpacked

FOLDER = "package"
MANIFEST = f"{FOLDER}/package.json"
FHIR_VERSION = "4.0"

# Names become file names: no separators, no leading dot.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}").fullmatch
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}").fullmatch

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Incoming(NamedTuple):
    """A package as it was read, its definitions whole."""

    package: Package
    definitions: list[Resource]


def read_package(file: Path | bytes) -> Incoming:
    """Return the package of a `.tgz` (its path, or its content) and its definitions; FhirError if it is not sound."""
    manifest: Any = None
    definitions: list[Resource] = []
    for name, content in _files(file):
        if name == MANIFEST:
            manifest = _json(name, content)
        elif _is_definition_file(name) and _is_definition(resource := _json(name, content)):
            definitions.append(resource)
    if manifest is None:
        raise _unsound(f"{MANIFEST} がありません", f"it has no {MANIFEST}")
    return Incoming(_package(manifest), definitions)


def _package(manifest: Any) -> Package:
    """Return what the manifest says, if it is of a package for R4 and its name can be that of a file."""
    if not isinstance(manifest, dict):
        raise _unsound(f"{MANIFEST} がオブジェクトではありません", f"{MANIFEST} is no object")
    name, version = str(manifest.get("name", "")), str(manifest.get("version", ""))
    if not _NAME(name) or not _VERSION(version):
        raise _unsound(
            f"名前または版が使えません: {name[:80]!r} {version[:80]!r}",
            f"its name or version cannot be used: {name[:80]!r} {version[:80]!r}",
        )
    versions = manifest.get("fhirVersions", manifest.get("fhir-version-list", []))
    if versions and not any(str(each).startswith(FHIR_VERSION) for each in versions):
        told = ", ".join(map(str, versions))[:80]
        raise _unsound(f"FHIR R4 用ではありません(FHIR {told})", f"it is not for FHIR R4 but {told}")
    dependencies = manifest.get("dependencies")
    return Package(
        name=name,
        version=version,
        title=str(manifest.get("title", manifest.get("description", ""))),
        canonical=str(manifest.get("canonical", "")),
        dependencies=tuple((str(key), str(value)) for key, value in dependencies.items())
        if isinstance(dependencies, dict)
        else (),
    )


def _files(file: Path | bytes) -> Iterator[tuple[str, bytes]]:
    """Give the files of a tar archive that lie directly in `package/`, within the limits."""
    try:
        with _opened(file) as unzipped, tarfile.open(fileobj=unzipped, mode="r|") as tar:
            for number, member in enumerate(tar):
                _check_member(member, number)
                if member.isfile() and (content := tar.extractfile(member)) is not None:
                    name = member.name.removeprefix("./")
                    if name.count("/") == 1 and name.startswith(f"{FOLDER}/"):
                        yield name, content.read()
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, UnicodeError, OverflowError, ValueError) as error:
        raise _unsound(f"gzip された tar として読めません({error})", f"it is no gzipped tar ({error})") from error
    except OSError as error:
        raise _unsound(f"読めません({error.strerror})", f"it cannot be read ({error.strerror})") from error


def _opened(file: Path | bytes) -> "_Limited":
    return _Limited(fileobj=io.BytesIO(file)) if isinstance(file, bytes) else _Limited(file)


def _check_member(member: tarfile.TarInfo, number: int) -> None:
    name = member.name
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name.partition("/")[0]:
        raise _unsound(f"外を指すファイル名があります: {name[:80]}", f"a file name points outside: {name[:80]}")
    if not member.isfile() and not member.isdir():
        raise _unsound(f"ファイルでないものがあります: {name[:80]}", f"it holds what is no file: {name[:80]}")
    if member.size > MAX_FILE:
        raise _unsound(f"大きすぎるファイルがあります: {name[:80]}", f"a file is too large: {name[:80]}")
    if number >= MAX_FILES:
        raise _unsound(f"ファイルが多すぎます({MAX_FILES:,} まで)", f"it has too many files ({MAX_FILES:,} at most)")


class _Limited(gzip.GzipFile):
    """A gzipped stream that ends with an error when more is unpacked from it than a package may have."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > MAX_PACKAGE:
            limit = MAX_PACKAGE // (1024 * 1024)
            raise _unsound(f"展開すると大きすぎます({limit} MB まで)", f"it is too large unpacked ({limit} MB at most)")
        return super().read(size)


def _is_definition_file(name: str) -> bool:
    return name.endswith(".json") and not name.startswith((f"{FOLDER}/.", MANIFEST))


def _is_definition(resource: Any) -> bool:
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return False
    return isinstance(resource.get("url"), str) or resource["resourceType"] == "NamingSystem"


def _json(name: str, content: bytes) -> Any:
    try:
        return _decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise _unsound(f"{name} が JSON ではありません({error})", f"{name} is no JSON ({error})") from error


def _unsound(ja: str, en: str) -> FhirError:
    return fhir_error("invalid", f"FHIR パッケージとして使えません: {ja}。", f"This FHIR package cannot be used: {en}.")
