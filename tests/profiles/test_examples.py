"""Every profile has examples, and each is right or wrong in just the way that its name says."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.terminology.loaded import LoadedTerminology
from tests.profiles.conftest import PACKAGES, Installed
from tests.profiles.files import EXAMPLES, OUTREACH, constraints, example_files, profiles, read

validator_module = pytest.importorskip("fhir_service.validation.validator")
run_module = pytest.importorskip("fhir_service.validation.run")

# What R4, JP Core or another rule says of the same thing, so that it cannot be wrong alone.
ALSO: dict[str, frozenset[str]] = {}

UNCHECKED = ("profile-unusable", "profile-unknown")
OWN_RULE = re.compile(r"outreach-|jp-inv-").match
Check = Callable[..., list[Issue]]
INDEX = re.compile(r"\[\d+\]")


@pytest.fixture(scope="module", params=["", *PACKAGES], ids=["R4 only", *PACKAGES])
def validator(request: pytest.FixtureRequest, installed: Installed) -> Check:
    return _validator(installed(request.param))


@cache
def _validator(definitions: Definitions) -> Check:
    check: Check = validator_module.Validator(definitions, LoadedTerminology(definitions)).check
    return check


def _ids(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


@pytest.mark.parametrize("profile", profiles(), ids=lambda file: file.stem)
def test_a_profile_has_a_full_example_a_least_one_and_wrong_ones(profile: Path) -> None:
    names = {file.stem for file in (EXAMPLES / profile.stem).glob("*.json")}
    rules = {rule["key"] for name, _, rule in constraints() if name == profile.stem}

    shown = {name.partition("-")[2] for name in names if name.startswith(("error-", "warning-"))}

    assert names >= {"full", "least"}
    assert shown, "nothing shows what is wrong by this profile"
    assert rules <= shown, f"no example breaks {sorted(rules - shown)}"


def test_an_example_says_what_it_is_of() -> None:
    for file in example_files():
        example = read(file)

        assert example["meta"]["profile"] == [f"{OUTREACH}/StructureDefinition/{file.parent.name}"], _ids(file)
        assert example["language"] == "ja", _ids(file)
        assert len(example["id"]) <= 64, _ids(file)


def test_examples_have_ids_of_their_own() -> None:
    keys = [f"{example['resourceType']}/{example['id']}" for example in map(read, example_files())]

    assert sorted({key for key in keys if keys.count(key) > 1}) == []


def test_examples_refer_to_examples() -> None:
    texts = {file: file.read_text(encoding="utf-8") for file in example_files()}
    known = {f"{each['resourceType']}/{each['id']}" for each in map(json.loads, texts.values())}

    named = {(_ids(file), name) for file, text in texts.items() for name in _references(text)}

    assert sorted(each for each in named if each[1] not in known) == []


@pytest.mark.parametrize("profile", profiles(), ids=lambda file: file.stem)
def test_an_example_is_right_or_wrong_as_its_name_says(profile: Path, validator: Check) -> None:
    files = sorted((EXAMPLES / profile.stem).glob("*.json"))
    if "profile-unusable" in {issue.rule for issue in validator(read(files[0]))}:
        pytest.skip("the validator does not read generated snapshots yet")

    amiss = {file.stem: _amiss(file, validator) for file in files}

    assert {name: issues for name, issues in amiss.items() if issues} == {}


@pytest.mark.parametrize("profile", profiles(), ids=lambda file: file.stem)
def test_the_full_example_has_all_that_the_profile_supports(profile: Path, definitions: Definitions) -> None:
    example = read(EXAMPLES / profile.stem / "full.json")
    options = run_module.Options(must_support=True)

    issues = _validator(definitions)(example, options=options)

    assert [issue.en for issue in issues if issue.rule == "must-support"] == []


def _amiss(file: Path, validator: Check) -> list[str]:
    """Return what is found in an example that its name does not say, and what is not found though it does."""
    issues = validator(read(file))
    errors = [issue for issue in issues if issue.severity in ("error", "fatal")]
    unchecked = [issue.en for issue in issues if issue.rule in UNCHECKED]
    kind, _, expected = file.stem.partition("-")
    if kind == "error":
        others = [issue for issue in errors if not _is_about(issue, expected, file)]
        return unchecked + list(map(_told, others)) + ([] if errors else ["no error"])
    warned = {issue.rule for issue in issues if issue.severity == "warning" and issue.rule and OWN_RULE(issue.rule)}
    meant = ALSO.get(_ids(file), frozenset()) | {expected} if kind == "warning" else set()
    return unchecked + list(map(_told, errors)) + [f"warned of {rule}, or not" for rule in sorted(warned ^ meant)]


def _told(issue: Issue) -> str:
    return f"{issue.rule} {issue.expression} {issue.en}"


def _is_about(issue: Issue, expected: str, file: Path) -> bool:
    """Whether an issue names the rule, or is at the element or below it."""
    place = INDEX.sub("", issue.expression[0]) if issue.expression else ""
    element = f"{place.partition('.')[0]}.{expected}"
    at_element = place == element or place.startswith((f"{element}.", f"{element}:"))
    return issue.rule == expected or at_element or issue.rule in ALSO.get(_ids(file), ())


def _references(text: str) -> set[str]:
    return set(re.findall(r'"reference": "([A-Z][A-Za-z]+/[A-Za-z0-9.-]+)"', text))
