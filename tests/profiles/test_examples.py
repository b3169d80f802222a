"""Every profile has examples, and each is right or wrong in just the way that its name says."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.profiles.conftest import PACKAGES, Installed
from tests.profiles.files import EXAMPLES, OUTREACH, constraints, example_files, profiles, read

# What R4, JP Core or another rule says of the same thing, so that it cannot be wrong alone.
ALSO: dict[str, frozenset[str]] = {
    # Two professions are there where both rules on professions are kept.
    "outreach-care-team/warning-outreach-ct-5": frozenset({"outreach-ct-1"}),
    # The rule asks for the element as well.
    "outreach-care-team/error-participant": frozenset({"outreach-ct-2"}),
    "outreach-organization/error-type": frozenset({"outreach-og-2"}),
    "outreach-nursing-order/error-occurrence": frozenset({"outreach-sr-1"}),
    "outreach-nursing-special-order/error-occurrence": frozenset({"outreach-sr-2"}),
    # The first slice of JP_Observation_Common.
    **{
        f"outreach-{name}/error-outreach-ob-1": frozenset({"min"})
        for name in ("assessment", "gaf", "living-environment", "strength")
    },
}

# What a full example cannot have beside the rest of it.
NOT_TOGETHER = {
    "outreach-assessment": ("Observation.dataAbsentReason",),
    "outreach-composition-municipality": ("Composition.extension:legalBasis",),
    "outreach-episode-of-care": ("EpisodeOfCare.extension:closureReason",),
    "outreach-gaf": ("Observation.dataAbsentReason",),
    "outreach-living-environment": ("Observation.dataAbsentReason",),
    "outreach-nursing-order": ("ServiceRequest.reasonCode",),
    "outreach-patient": ("Patient.extension:estimatedAge",),
    "outreach-provenance": ("Provenance.extension:legalBasis",),
}

# What a rule of R4 or of ours asks for as well, or what nothing is left without: its absence cannot be shown alone.
NOT_ALONE = {
    "outreach-assessment": {"category"},
    "outreach-composition-nursing-report": {"event.period"},
    "outreach-document": {
        "identifier",
        "identifier.system",
        "identifier.value",
        "timestamp",
        "entry.fullUrl",
        "entry.resource",
    },
    "outreach-gaf": {"category"},
    "outreach-living-environment": {"category"},
    "outreach-measure-report": {"group.code"},
    "outreach-questionnaire-response": {"item"},
    "outreach-strength": {"category"},
}

UNCHECKED = ("profile-unusable", "profile-unknown")
OWN_RULE = re.compile(r"outreach-|jp-inv-").match
Check = Callable[..., list[Issue]]
INDEX = re.compile(r"\[\d+\]")


@pytest.fixture(scope="module", params=["", *PACKAGES], ids=["R4 only", *PACKAGES])
def validator(request: pytest.FixtureRequest, installed: Installed) -> Check:
    return _validator(installed(request.param))


@cache
def _validator(definitions: Definitions) -> Check:
    return Validator(definitions, LoadedTerminology(definitions), extra=RULES).check


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


@pytest.mark.parametrize("profile", profiles(), ids=lambda file: file.stem)
def test_what_a_profile_demands_is_shown_wanting(profile: Path) -> None:
    elements = read(profile)["differential"]["element"]
    demanded = {each["path"].partition(".")[2].removesuffix("[x]") for each in elements if _is_demanded(each)}

    shown = {file.stem.removeprefix("error-") for file in (EXAMPLES / profile.stem).glob("error-*.json")}

    assert demanded - shown == NOT_ALONE.get(profile.stem, set())


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

    amiss = {file.stem: _amiss(file, validator) for file in files}

    assert {name: issues for name, issues in amiss.items() if issues} == {}


@pytest.mark.parametrize("profile", profiles(), ids=lambda file: file.stem)
def test_the_full_example_has_all_that_the_profile_supports(profile: Path) -> None:
    example = read(EXAMPLES / profile.stem / "full.json")
    supported = [each for each in read(profile)["differential"]["element"] if each.get("mustSupport")]

    absent = [each["id"] for each in supported if not _is_there(each, example)]

    assert [each for each in absent if each not in NOT_TOGETHER.get(profile.stem, ())] == []


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


def _is_demanded(element: Resource) -> bool:
    """Whether there must be such an element; of what is inside a slice of a Composition or Bundle the slice tells."""
    return element.get("min", 0) > 0 and "." in element["path"] and not re.search(r":\w+\.", element["id"])


def _is_there(element: Resource, example: Resource) -> bool:
    """Whether an example has this element, an extension by its url."""
    found = _values([example], element["path"].split(".")[1:])
    if not element["path"].endswith(".extension") or "sliceName" not in element:
        return bool(found)
    return element["type"][0]["profile"][0] in [extension["url"] for extension in found]


def _values(nodes: list[Resource], path: list[str]) -> list[Resource]:
    """Return what lies at the end of a path, choices by whatever type they have."""
    for step in path:
        stem, choice, _ = step.partition("[x]")
        nodes = [
            each
            for node in nodes
            if isinstance(node, dict)
            for key, value in node.items()
            if key.lstrip("_") == step or (choice and key.startswith(stem))
            for each in (value if isinstance(value, list) else [value])
        ]
    return nodes


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


def test_a_broken_rule_is_told_in_either_language(definitions: Definitions) -> None:
    issues = _validator(definitions)(read(EXAMPLES / "outreach-episode-of-care" / "error-outreach-ep-3.json"))

    told = next(issue for issue in issues if issue.rule == "outreach-ep-3")

    assert told.ja.startswith("終了した支援には終了日が必要です。(規則 outreach-ep-3")
    assert told.en.startswith("A finished case has its end. (rule outreach-ep-3")
    assert told.profile == f"{OUTREACH}/StructureDefinition/outreach-episode-of-care"
