"""`fhir-service packages`: packages are added and listed, and what is wrong is told."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from fhir_service.cli.packages import app

PHASE = {"resourceType": "CodeSystem", "url": "http://example.org/phase", "content": "complete"}
PROFILE = {
    "resourceType": "StructureDefinition",
    "url": "http://example.org/StructureDefinition/person",
    "kind": "resource",
    "type": "Patient",
    "baseDefinition": "http://example.org/StructureDefinition/base",
    "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]},
}
BASE = PROFILE | {
    "url": "http://example.org/StructureDefinition/base",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
}


def package(file: Path, manifest: dict[str, Any], *definitions: dict[str, Any]) -> str:
    """Write a package of these definitions, or of one code system; return its file name."""
    members = {f"package/{number}.json": each for number, each in enumerate(definitions or (PHASE,))}
    with tarfile.open(file, "w:gz") as tar:
        for name, value in ({"package/package.json": manifest} | members).items():
            data = json.dumps(value).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return str(file)


def run(*words: str, data_dir: Path) -> Any:
    return CliRunner().invoke(app, [*words, "--data-dir", str(data_dir)])


def test_a_package_is_added_listed_and_not_added_twice(tmp_path: Path) -> None:
    file = package(tmp_path / "a.tgz", {"name": "example.phases", "version": "1.0.0", "title": "Phases"})

    first = run("add", file, data_dir=tmp_path)
    again = run("add", file, data_dir=tmp_path)
    listed = run("list", data_dir=tmp_path)

    assert (first.exit_code, again.exit_code, listed.exit_code) == (0, 0, 0)
    assert "example.phases#1.0.0 追加しました" in first.output
    assert "example.phases#1.0.0 追加済みです" in again.output
    assert "hl7.fhir.r4.core" in listed.output
    assert "Phases" in listed.output


def test_a_missing_dependency_is_a_warning(tmp_path: Path) -> None:
    manifest = {"name": "a", "version": "1", "dependencies": {"jp-core.r4": "1.2.0", "hl7.fhir.r4.core": "4.0.1"}}

    result = run("add", package(tmp_path / "a.tgz", manifest), data_dir=tmp_path)

    assert result.exit_code == 0
    assert "jp-core.r4#1.2.0 がありません" in result.output
    assert "hl7.fhir.r4.core#4.0.1 がありません" not in result.output


def test_what_cannot_be_added_is_told_and_the_others_are_added(tmp_path: Path) -> None:
    (tmp_path / "bad.tgz").write_bytes(b"text")
    good = package(tmp_path / "good.tgz", {"name": "a", "version": "1"})

    result = run("add", str(tmp_path / "bad.tgz"), good, data_dir=tmp_path)

    assert result.exit_code == 1
    assert "FHIR パッケージとして使えません" in result.output
    assert "a#1 追加しました" in result.output


def test_packages_are_added_after_those_they_depend_on_and_their_snapshots_are_made(tmp_path: Path) -> None:
    above = package(tmp_path / "a.tgz", {"name": "above", "version": "1", "dependencies": {"below": "1.x"}}, PROFILE)
    below = package(tmp_path / "b.tgz", {"name": "below", "version": "1.2"}, BASE)

    result = run("add", above, below, data_dir=tmp_path)

    assert result.exit_code == 0
    assert "警告" not in result.output
    assert "above#1 追加しました / added (1 件の定義 / definitions、スナップショットを 1 件生成" in result.output
    assert result.output.index("below#1.2") < result.output.index("above#1")


def test_the_list_tells_what_a_package_has_and_needs(tmp_path: Path) -> None:
    manifest = {"name": "above", "version": "1", "title": "人", "dependencies": {"below": "1.2"}}
    run("add", package(tmp_path / "a.tgz", manifest, PROFILE), data_dir=tmp_path)

    listed = run("list", data_dir=tmp_path)

    assert "below#1.2 (なし/missing)" in listed.output


def test_a_package_is_removed_by_name_and_version(tmp_path: Path) -> None:
    for version in ("1", "2"):
        run("add", package(tmp_path / "a.tgz", {"name": "a", "version": version}), data_dir=tmp_path)

    removed = run("remove", "a#1", data_dir=tmp_path)
    again = run("remove", "a#1", "hl7.fhir.r4.core", data_dir=tmp_path)

    assert (removed.exit_code, again.exit_code) == (0, 1)
    assert "a#1 を除きました" in removed.output
    assert "a#1 は追加されていません" in again.output
    assert "hl7.fhir.r4.core は追加されていません" in again.output
    assert sorted(file.name for file in (tmp_path / "packages").iterdir()) == ["a-2.zip"]


def test_removing_what_others_need_is_told(tmp_path: Path) -> None:
    below = package(tmp_path / "b.tgz", {"name": "below", "version": "1"})
    above = package(tmp_path / "a.tgz", {"name": "above", "version": "1", "dependencies": {"below": "1"}})
    run("add", below, above, data_dir=tmp_path)

    assert "above#1 needs below#1" in run("remove", "below", data_dir=tmp_path).output


def test_a_rule_that_cannot_be_read_is_told_when_its_package_is_added_and_when_it_is_checked(tmp_path: Path) -> None:
    rule = {"key": "x-1", "severity": "error", "human": "x", "expression": "name.where("}
    wrong = BASE | {"differential": {"element": [{"id": "Patient", "path": "Patient", "constraint": [rule]}]}}

    added = run("add", package(tmp_path / "a.tgz", {"name": "a", "version": "1"}, wrong), data_dir=tmp_path)
    checked = run("check", "a", data_dir=tmp_path)

    assert added.exit_code == 0
    assert "the expression of the rule x-1 cannot be read" in added.output
    assert checked.exit_code == 1
    assert "the expression of the rule x-1 cannot be read" in " ".join(checked.output.split())


def test_a_check_tells_what_is_wrong_and_what_is_not_here(tmp_path: Path) -> None:
    wrong = BASE | {"differential": {"element": [{"id": "Patient.nmae", "path": "Patient.nmae", "min": 1}]}}
    detached = PROFILE | {"baseDefinition": "http://elsewhere.example/P"}
    run("add", package(tmp_path / "a.tgz", {"name": "a", "version": "1"}, wrong, detached), data_dir=tmp_path)
    run("add", package(tmp_path / "b.tgz", {"name": "b", "version": "1"}), data_dir=tmp_path)

    checked = run("check", "a", data_dir=tmp_path)
    sound = run("check", "b#1", data_dir=tmp_path)

    assert (checked.exit_code, sound.exit_code) == (1, 0)
    assert "Patient has no nmae" in checked.output
    assert "uses http://elsewhere.example/P, which is not here" in checked.output
    assert "誤りなし" in sound.output
    assert run("check", "nowhere", data_dir=tmp_path).exit_code == 1
