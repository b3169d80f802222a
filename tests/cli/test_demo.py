"""`fhir-service demo`: the same seed makes the same region, and the store takes all of it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import Result

Run = Callable[..., Result]


def test_the_region_is_loaded_without_a_refusal(run: Run, stored: Callable[[], dict[str, dict[str, Any]]]) -> None:
    result = run("demo", "--cases", "12")

    assert result.exit_code == 0, result.output
    found = stored()
    assert found["Organization/org-shiokaze-city"]["name"] == "潮風市"
    assert sum(key.startswith("Patient/") for key in found) == 12
    assert "Patient/case-0012-patient" in found


def test_the_same_seed_writes_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("demo", "--cases", "3", "--out", tmp_path / name).exit_code == 0

    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert len(one) > 15


def test_another_seed_makes_other_people_in_the_same_places(run: Run, tmp_path: Path) -> None:
    run("demo", "--cases", "3", "--out", tmp_path / "one")
    run("demo", "--cases", "3", "--out", tmp_path / "two", "--seed", "2")

    def text(folder: str, name: str) -> bytes:
        return (tmp_path / folder / f"{name}.ndjson").read_bytes()

    assert text("one", "Patient") != text("two", "Patient")
    assert text("one", "Organization") == text("two", "Organization")


def test_the_server_does_without_the_models_that_the_region_is_made_with() -> None:
    code = "import sys, fhir_service.app; sys.exit(any(name.startswith('fhir.resources') for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
