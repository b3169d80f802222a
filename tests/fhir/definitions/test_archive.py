"""The archive that ships is what the code would write: types follow from snapshots, and the order is fixed."""

import io
import json
import zipfile
import zlib
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import R4, Definitions, TypeDefinition
from fhir_service.fhir.definitions.archive import Archive, Package, write_archive
from fhir_service.fhir.definitions.type_model import TypeModel, type_lines
from fhir_service.fhir.json import encode


def content(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_archive_of_r4_is_what_its_own_definitions_make() -> None:
    r4 = Archive(R4)
    kinds = json.loads(content(R4.read_bytes())["index.json"])["definitions"]
    definitions = [definition for kind in kinds for definition in r4.all(kind)]
    types = [
        each
        for each in definitions
        if each["resourceType"] == "StructureDefinition"
        and each.get("derivation") != "constraint"
        and each["kind"] != "logical"
        and "snapshot" in each
    ]

    again = write_archive(r4.package, reversed(definitions), type_lines(sorted(types, key=lambda each: each["id"])))

    assert content(again) == content(R4.read_bytes())


def test_the_same_content_makes_the_same_bytes() -> None:
    codes = [{"resourceType": "CodeSystem", "url": f"http://example.org/{number}"} for number in range(100)]

    assert write_archive(Package("a", "1"), codes) == write_archive(Package("a", "1"), reversed(codes))


def test_definitions_are_found_in_whichever_block_they_lie(tmp_path: Path) -> None:
    codes = [
        {"resourceType": "CodeSystem", "url": f"http://example.org/{number}", "title": "x" * 10_000}
        for number in range(50)
    ]
    file = tmp_path / "a.zip"
    file.write_bytes(write_archive(Package("a", "1"), codes))

    archive = Archive(file)

    assert len([name for name in content(file.read_bytes()) if name.startswith("CodeSystem")]) > 3
    assert all(archive.find(each["url"]) == each for each in codes)
    assert sorted(archive.all("CodeSystem"), key=lambda each: each["url"]) == sorted(
        codes, key=lambda each: each["url"]
    )
    assert (archive.package.count, list(archive.all("ValueSet")), archive.find("x")) == (50, [], None)


def test_an_archive_of_nothing_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(write_archive(Package("a", "1"), []))

    assert Archive(file).package == Package("a", "1")


def test_a_type_is_compiled_from_its_snapshot() -> None:
    """Read from the rows or compiled afresh, a type is the same."""
    definitions = Definitions.load()
    structure = definitions.find("http://hl7.org/fhir/StructureDefinition/Timing")
    assert structure is not None

    compiled: TypeDefinition = TypeModel(map(encode, type_lines([structure])))["Timing.repeat"]

    assert compiled == definitions.type("Timing.repeat")
    assert [element.name for element in compiled.elements][:3] == ["id", "extension", "bounds"]


def test_an_archive_that_is_removed_can_still_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(write_archive(Package("a", "1"), [{"resourceType": "CodeSystem", "url": "http://a"}]))
    archive = Archive(file)

    file.unlink()

    assert archive.find("http://a") == {"resourceType": "CodeSystem", "url": "http://a"}


def test_a_damaged_block_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(write_archive(Package("a", "1"), [{"resourceType": "CodeSystem", "url": "http://a"}]))
    data = bytearray(file.read_bytes())
    at = data.index(b"CodeSystem-00.ndjson") + len("CodeSystem-00.ndjson") + 5
    data[at] ^= 0xFF
    file.write_bytes(data)

    with pytest.raises((zipfile.BadZipFile, zlib.error)):
        Archive(file).find("http://a")
