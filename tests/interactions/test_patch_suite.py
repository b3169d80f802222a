"""The public patch cases (FHIR/fhir-test-cases r4/patch, and those of RFC 6902), run as published against a server."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["--base", "{base}"], 33),
        (["--base", "{base}", "--as-json-patch"], 32),  # the case that must fail has no result to aim at
        (["--json-patch", "py:fhir_service.fhir.patch.json_patch:apply_json_patch"], 16),
    ],
    ids=["fhirpath-patch", "as-json-patch", "json-patch"],
)
def test_all_public_cases_pass(shared: Path, api: httpx.Client, arguments: list[str], passed: int) -> None:
    api.put("Organization/1", json={"resourceType": "Organization", "id": "1", "name": "to which one case refers"})
    runner = shared / "data" / "suites" / "runners" / "patch_suite.py"
    base = str(api.base_url).rstrip("/")

    done = subprocess.run(
        [sys.executable, str(runner), *(argument.format(base=base) for argument in arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert done.stdout.splitlines()[-1] == f"TOTAL {passed} passed, 0 failed", done.stdout
