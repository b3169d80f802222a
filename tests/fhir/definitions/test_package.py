"""Packages: what a sound one adds beside R4, and what is refused of one that is not sound."""

import gzip
import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions import package as package_module
from fhir_service.fhir.definitions.adding import Added, add_package
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.search.registry import SearchRegistry

MANIFEST = {"name": "example.phases", "version": "1.0.0", "fhirVersions": ["4.0.1"]}
PHASE = {"resourceType": "CodeSystem", "url": "http://example.org/phase", "version": "1.0.0", "content": "complete"}


def tgz(file: Path, members: dict[str, Any], *special: tarfile.TarInfo) -> Path:
    """Write a package of these members, values as JSON or bytes."""
    with tarfile.open(file, "w:gz") as tar:
        for name, value in members.items():
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for info in special:
            tar.addfile(info)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packages"


def add(file: Path, folder: Path) -> Added:
    return add_package(file, folder, Definitions.load(packages=folder).sources)


def refusal(file: Path, folder: Path) -> str:
    with pytest.raises(FhirError) as caught:
        add(file, folder)
    assert caught.value.issues[0].ja
    assert not folder.exists() or list(folder.iterdir()) == []
    return caught.value.issues[0].en


def test_a_package_adds_its_definitions_beside_those_of_r4(tmp_path: Path, folder: Path) -> None:
    file = tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST, "package/CodeSystem-phase.json": PHASE})

    added = add(file, folder)

    definitions = Definitions.load(packages=folder)
    assert (str(added.package), added.package.count, added.already, added.missing) == (
        "example.phases#1.0.0",
        1,
        False,
        (),
    )
    assert definitions.find("http://example.org/phase|1.0.0") == PHASE
    assert PHASE in list(definitions.all("CodeSystem"))
    assert definitions.packages[-1] == added.package
    assert definitions.find("http://hl7.org/fhir/StructureDefinition/Patient")


def test_only_definitions_directly_in_the_package_folder_are_taken(tmp_path: Path, folder: Path) -> None:
    naming = {"resourceType": "NamingSystem", "name": "a", "status": "active", "kind": "identifier", "date": "2020"}
    file = tgz(
        tmp_path / "a.tgz",
        {
            "package/package.json": MANIFEST,
            "package/.index.json": {"index-version": 1},
            "package/README.md": b"text",
            "package/example/CodeSystem-other.json": PHASE,
            "other/CodeSystem-other.json": PHASE,
            "package/Patient-1.json": {"resourceType": "Patient", "id": "1"},
            "package/list.json": [1],
            "package/NamingSystem-a.json": naming,
        },
    )

    assert add(file, folder).package.count == 1
    assert naming in list(Definitions.load(packages=folder).all("NamingSystem"))
    assert Definitions.load(packages=folder).find("") is None


def test_adding_the_same_again_says_so_and_changes_nothing(tmp_path: Path, folder: Path) -> None:
    file = tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST, "package/CodeSystem-phase.json": PHASE})
    add(file, folder)
    (stored,) = folder.iterdir()
    before = stored.stat().st_mtime_ns

    assert add(file, folder).already

    assert [each.stat().st_mtime_ns for each in folder.iterdir()] == [before]


def test_another_content_under_the_same_version_is_refused(tmp_path: Path, folder: Path) -> None:
    add(tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST, "package/p.json": PHASE}), folder)
    other = tgz(
        tmp_path / "b.tgz", {"package/package.json": MANIFEST, "package/p.json": PHASE | {"content": "fragment"}}
    )

    with pytest.raises(FhirError, match="with other content"):
        add(other, folder)

    assert Definitions.load(packages=folder).find("http://example.org/phase") == PHASE


def test_versions_stand_side_by_side_and_the_newest_is_found_without_a_version(tmp_path: Path, folder: Path) -> None:
    for version in ("1.9.0", "1.10.0", "1.10.0-draft", "1.2.0"):
        members = {
            "package/package.json": MANIFEST | {"version": version},
            "package/p.json": {name: value for name, value in PHASE.items() if name != "version"} | {"title": version},
        }
        add(tgz(tmp_path / "a.tgz", members), folder)

    definitions = Definitions.load(packages=folder)

    found = {version: definitions.find(f"http://example.org/phase|{version}") for version in ("1.2.0", "1.10.0")}
    assert {version: each and each["title"] for version, each in found.items()} == {
        "1.2.0": "1.2.0",
        "1.10.0": "1.10.0",
    }
    assert (definitions.find("http://example.org/phase") or {})["title"] == "1.10.0"
    assert [each["title"] for each in definitions.all("CodeSystem") if each["url"] == PHASE["url"]] == ["1.10.0"]


def test_a_package_does_not_shadow_the_definitions_of_r4(tmp_path: Path, folder: Path) -> None:
    patient = {
        "resourceType": "StructureDefinition",
        "url": "http://hl7.org/fhir/StructureDefinition/Patient",
        "kind": "x",
    }
    add(tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST, "package/p.json": patient}), folder)

    definitions = Definitions.load(packages=folder)

    assert (definitions.find(patient["url"]) or {})["kind"] == "resource"
    assert definitions.type("Patient").kind == "resource"


@pytest.mark.parametrize(
    ("dependencies", "missing"),
    [
        ({"hl7.fhir.r4.core": "4.0.1"}, ()),
        ({"hl7.fhir.r4.core": "4.0.x"}, ()),
        (
            {"hl7.fhir.r4.core": "5.0.0", "jp-core.r4": "1.2.0"},
            (("hl7.fhir.r4.core", "5.0.0"), ("jp-core.r4", "1.2.0")),
        ),
        (["x"], ()),
    ],
)
def test_a_missing_dependency_is_told(
    tmp_path: Path, folder: Path, dependencies: Any, missing: tuple[tuple[str, str], ...]
) -> None:
    file = tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST | {"dependencies": dependencies}})

    assert add(file, folder).missing == missing


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../evil.json", "package/../../evil.json", "C:/evil.json", "..\\evil.json"]
)
def test_a_file_name_that_points_outside_is_refused(tmp_path: Path, folder: Path, name: str) -> None:
    file = tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST, name: PHASE})

    assert "points outside" in refusal(file, folder)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, folder: Path, kind: bytes) -> None:
    link = tarfile.TarInfo("package/CodeSystem-a.json")
    link.type, link.linkname = kind, "/etc/passwd"

    assert "no file" in refusal(tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST}, link), folder)


def test_a_file_that_is_too_large_is_refused_before_it_is_unpacked(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_module, "MAX_FILE", 1000)
    file = tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST, "other/a.bin": b"\0" * 1001})

    assert "too large: other/a.bin" in refusal(file, folder)


def test_a_package_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_module, "MAX_PACKAGE", 1_000_000)
    file = tgz(tmp_path / "a.tgz", {f"other/{number}": b"\0" * 500_000 for number in range(10)})

    assert "too large unpacked" in refusal(file, folder)


def test_a_header_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_module, "MAX_PACKAGE", 1_000_000)
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 8 * 1024**3
    file = tmp_path / "a.tgz"
    with gzip.open(file, "wb") as out:
        out.write(header.tobuf(tarfile.GNU_FORMAT))
        out.write(b"\0" * 20_000_000)

    assert "too large unpacked" in refusal(file, folder)


def test_too_many_files_are_refused(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_module, "MAX_FILES", 10)
    file = tgz(tmp_path / "a.tgz", {f"other/{number}": b"" for number in range(11)})

    assert "too many files" in refusal(file, folder)


@pytest.mark.parametrize(
    ("members", "en"),
    [
        ({}, "no package/package.json"),
        ({"package.json": MANIFEST}, "no package/package.json"),
        ({"package/package.json": b"{"}, "no JSON"),
        ({"package/package.json": [1]}, "no object"),
        ({"package/package.json": MANIFEST | {"name": "../evil"}}, "cannot be used: '../evil'"),
        ({"package/package.json": MANIFEST | {"name": "@scope/name"}}, "cannot be used"),
        ({"package/package.json": MANIFEST | {"version": "1/../../2"}}, "cannot be used"),
        ({"package/package.json": {"name": "a"}}, "cannot be used"),
        ({"package/package.json": MANIFEST | {"fhirVersions": ["5.0.0"]}}, "not for FHIR R4 but 5.0.0"),
        ({"package/package.json": MANIFEST, "package/a.json": b"\xff"}, "package/a.json is no JSON"),
        ({"package/package.json": MANIFEST, "package/a.json": b"[" * 100_000}, "package/a.json is no JSON"),
        ({"package/package.json": MANIFEST, "package/a.json": b"[1E99999999999999999999999]"}, "is no JSON"),
    ],
)
def test_what_is_no_package_for_r4_is_refused(tmp_path: Path, folder: Path, members: dict[str, Any], en: str) -> None:
    assert en in refusal(tgz(tmp_path / "a.tgz", members), folder)


def test_what_is_no_archive_is_refused(tmp_path: Path, folder: Path) -> None:
    whole = tgz(tmp_path / "a.tgz", {"package/package.json": MANIFEST, "package/p.json": PHASE}).read_bytes()

    for number, data in enumerate([b"", b"text", gzip.compress(b"text"), whole[:-50], whole[:40] + b"x" + whole[41:]]):
        file = tmp_path / f"{number}.tgz"
        file.write_bytes(data)
        assert "cannot be used" in refusal(file, folder)
    assert "cannot be read" in refusal(tmp_path / "absent.tgz", folder)


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({"extension": 1}, "StructureDefinition.extension"),
        ({"snapshot": []}, "StructureDefinition.snapshot"),
        ({"snapshot": {"element": [1]}}, "StructureDefinition.snapshot.element"),
        (
            {"differential": {"element": [{"path": "Patient", "min": "1"}]}},
            "StructureDefinition.differential.element.min",
        ),
        ({"differential": {"element": [{"path": None}]}}, "StructureDefinition.differential.element.path"),
        ({"contained": [{"resourceType": "Wizard"}]}, "resourceType"),
        ({"version": 1}, "StructureDefinition.version"),
    ],
)
def test_a_definition_of_a_strange_shape_is_left_out_and_told(
    tmp_path: Path, folder: Path, more: dict[str, Any], at: str
) -> None:
    strange = {"resourceType": "StructureDefinition", "url": "http://e", "type": "Patient"} | more
    file = tgz(
        tmp_path / "a.tgz", {"package/package.json": MANIFEST, "package/a.json": strange, "package/b.json": PHASE}
    )

    added = add(file, folder)

    assert [issue.en for issue in added.issues] == [
        f"The definition http://e is wrong: {at} has another shape; it is not used."
    ]
    definitions = Definitions.load(packages=folder)
    assert definitions.find("http://e") is None
    assert definitions.find("http://example.org/phase") == PHASE


def test_a_damaged_archive_is_named(folder: Path) -> None:
    folder.mkdir()
    (folder / "a-1.zip").write_bytes(b"damaged")

    with pytest.raises(FhirError, match=r"a-1\.zip is damaged"):
        Definitions.load(packages=folder)


@pytest.fixture(scope="module")
def japanese(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that JP Core 1.1.2 and 1.2.0 and CLINS are added to without any finding."""
    folder = tmp_path_factory.mktemp("japanese")
    for name in ("jp-core.r4-1.1.2-url", "jp-core.r4-1.2.0", "jp-clins.r4-1.5.2-snap"):
        added = add(shared / "data" / "packages" / f"{name}.tgz", folder)
        assert (added.already, added.missing, added.issues) == (False, (), ())
    return folder


def test_the_japanese_packages_stand_side_by_side(japanese: Path) -> None:
    definitions = Definitions.load(packages=japanese)

    patient = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"
    assert definitions.find(f"{patient}|1.2.0") == definitions.find(patient)
    assert definitions.find(f"{patient}|1.1.2-url") != definitions.find(patient)
    referral = definitions.find("http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_eReferral")
    assert referral is not None
    assert referral["type"] == "Bundle"
    assert [str(package) for package in definitions.packages][2:] == [
        "jp-core.r4#1.2.0", "jp-core.r4#1.1.2-url", "jp-eCSCLINS.r4#1.x.x-temp",
    ]  # fmt: skip


def test_the_japanese_packages_add_little_to_a_start(japanese: Path) -> None:
    without, with_them = (min(_start(packages) for _ in range(3)) for packages in (None, japanese))

    assert with_them - without < 0.25


def _start(packages: Path | None) -> float:
    """Seconds of CPU until all search parameters are known, which is what a start reads of packages."""
    began = time.process_time()
    SearchRegistry(Definitions.load(packages=packages)).parameters("Patient")
    return time.process_time() - began
