"""The sample documents of the README conform to our profiles, with JP Core beside them or without."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.run import Options
from fhir_service.validation.validator import Validator
from tests.profiles.conftest import PACKAGES, Installed
from tests.profiles.files import EXAMPLES, OUTREACH, read

DOCUMENTS = {"referral-to-outreach": "outreach-document-referral", "discharge-summary": "outreach-document"}
# Of what the municipality answers, by type; plans by their kind.
ANSWER = {
    "Organization": "outreach-organization",
    "Practitioner": "outreach-practitioner",
    "PractitionerRole": "outreach-practitioner-role",
    "Procedure": "outreach-case-conference",
    "CareTeam": "outreach-care-team",
    "Goal": "outreach-goal",
    "EpisodeOfCare": "outreach-episode-of-care",
    "Encounter": "outreach-encounter",
}
PLANS = {"individual-support": "outreach-individual-support-plan", "crisis": "outreach-crisis-plan"}

Check = Callable[..., list[Issue]]


@pytest.fixture(scope="module", params=["", *PACKAGES], ids=["R4 only", *PACKAGES])
def check(request: pytest.FixtureRequest, installed: Installed) -> Check:
    definitions = installed(request.param)
    return Validator(definitions, LoadedTerminology(definitions), extra=RULES).check


@pytest.mark.parametrize(("document", "profile"), DOCUMENTS.items())
def test_a_sample_document_conforms_to_its_profile(document: str, profile: str, check: Check) -> None:
    assert told(check, read(EXAMPLES / f"{document}.json"), profile) == []


def test_all_that_the_municipality_answers_conforms(check: Check) -> None:
    answer = read(EXAMPLES / "municipality-answer.json")

    issues = [issue for each in answer["entry"] for issue in told(check, each["resource"], _profile(each["resource"]))]

    assert issues == []


def test_the_referral_is_the_full_example_of_its_profile() -> None:
    sample = read(EXAMPLES / "referral-to-outreach.json")
    example = read(Path(EXAMPLES / "outreach-document-referral" / "full.json"))

    assert example["entry"] == sample["entry"]


@pytest.mark.parametrize("name", ["Referral", "Referral-NoEntry"])
def test_a_referral_of_jp_clins_is_a_referral_of_ours(name: str, shared: Path, check: Check) -> None:
    document = read(shared / "data" / "examples" / "clins" / f"Bundle-Bundle-CLINS-{name}-Example-01.json")

    unclaimed = Options(claimed=False)
    by_r4 = {(issue.rule, issue.expression) for issue in check(document, options=unclaimed)}
    issues = check(document, [f"{OUTREACH}/StructureDefinition/outreach-document-referral"], options=unclaimed)

    ours = [issue for issue in issues if (issue.rule, issue.expression) not in by_r4]
    assert [issue.en for issue in ours if issue.severity == "error"] == []


def told(check: Check, resource: Resource, profile: str) -> list[tuple[str, str | None, str]]:
    """Return the errors and warnings on a resource by a profile of ours."""
    issues = check(resource, [f"{OUTREACH}/StructureDefinition/{profile}"])
    return [(issue.severity, issue.rule, issue.en) for issue in issues if issue.severity != "information"]


def _profile(resource: Resource) -> str:
    if resource["resourceType"] == "CarePlan":
        return PLANS[resource["category"][0]["coding"][0]["code"]]
    return ANSWER[resource["resourceType"]]
