"""HL7's FHIRPath suite for R4 (FHIR/fhir-test-cases, r4/fhirpath), less the known gaps."""

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fhir_service.fhir.fhirpath import FhirPathError
from tests.conformance.fhirpath_engine import evaluate

GAPS = Path(__file__).with_name("known_gaps.toml")


@pytest.fixture(scope="session")
def runner(shared: Path) -> ModuleType:
    """The suite's runner: it reads the tests, and knows when a value is the one expected."""
    path = shared / "data" / "suites" / "runners" / "fhirpath_suite.py"
    specification = importlib.util.spec_from_file_location("fhirpath_suite", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def suite(runner: ModuleType, shared: Path) -> list[dict[str, Any]]:
    return list(runner.load(str(shared / "data" / "suites" / "fhirpath" / "tests-fhir-r4.xml")))


@pytest.fixture(scope="session")
def inputs(shared: Path) -> dict[str, Any]:
    folder = shared / "data" / "suites" / "fhirpath" / "inputs"
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}


def failure(test: dict[str, Any], inputs: dict[str, Any], runner: ModuleType, *, strict: bool) -> str | None:
    """Return why a test of the suite fails, None if it passes."""
    resource = inputs[Path(test["input"]).stem] if test["input"] else {}
    try:
        found = evaluate(resource, test["expr"], {}, strict=strict)
    except FhirPathError as error:
        return None if test["invalid"] else str(error)
    if test["invalid"]:
        return f"{test['invalid']} error expected, not {found}"
    if test["predicate"] and not (len(found) == 1 and isinstance(found[0], bool)):
        found = [bool(found)]
    rest = list(found)
    for expected in test["outputs"]:
        match = next((index for index, value in enumerate(rest) if runner.same(expected, value)), None)
        if match is None or (match and test["ordered"] == "true"):
            return f"{test['outputs']} expected, not {found}"
        del rest[match]
    return f"{test['outputs']} expected, not {found}" if rest else None


def test_all_of_the_suite_passes_but_the_known_gaps(
    runner: ModuleType, suite: list[dict[str, Any]], inputs: dict[str, Any]
) -> None:
    gaps = tomllib.loads(GAPS.read_text(encoding="utf-8"))["fhirpath"]

    reasons = {f"{test['group']}/{test['name']}": failure(test, inputs, runner, strict=True) for test in suite}
    failing = {name: reason for name, reason in reasons.items() if reason is not None}

    assert len(suite) == 935
    assert {name: reason for name, reason in failing.items() if name not in gaps} == {}
    assert sorted(set(gaps) - set(failing)) == [], "these pass now: take them out of known_gaps.toml"


def test_what_is_right_in_strict_mode_is_right_without_it(
    runner: ModuleType, suite: list[dict[str, Any]], inputs: dict[str, Any]
) -> None:
    gaps = tomllib.loads(GAPS.read_text(encoding="utf-8"))["fhirpath"]
    valid = [test for test in suite if not test["invalid"] and f"{test['group']}/{test['name']}" not in gaps]

    failing = {test["expr"]: failure(test, inputs, runner, strict=False) for test in valid}

    assert {text: reason for text, reason in failing.items() if reason is not None} == {}
