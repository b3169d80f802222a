"""`fhir-service packages`: packages are added and listed, and what is wrong is told."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from fhir_service.cli.packages import app


def package(file: Path, manifest: dict[str, Any]) -> str:
    """Write a package of one code system; return its file name."""
    phase = {"resourceType": "CodeSystem", "url": "http://example.org/phase", "content": "complete"}
    with tarfile.open(file, "w:gz") as tar:
        for name, value in (("package/package.json", manifest), ("package/CodeSystem-phase.json", phase)):
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
