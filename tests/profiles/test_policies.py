"""The policies of the two programmes: what one lets pass the other refuses, without a profile being claimed."""

from itertools import chain

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.json import decode
from fhir_service.fhir.resource import Resource
from fhir_service.outreach.demo_region import case_resources, surroundings
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.policy import Policy
from fhir_service.validation.policy_file import read_policy
from fhir_service.validation.validator import Validator
from tests.profiles.files import EXAMPLES, PROFILES, read

PROGRAMMES = ("outreach", "wide-area")


@pytest.fixture(scope="module")
def policies(definitions: Definitions) -> dict[str, Policy]:
    validator = Validator(definitions, LoadedTerminology(definitions))
    rules = {
        name: read_policy(PROFILES / "policies" / f"{name}.toml", definitions.resource_types) for name in PROGRAMMES
    }
    return {name: Policy(validator, each) for name, each in rules.items()}


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_a_policy_names_profiles_that_are_there(programme: str, definitions: Definitions) -> None:
    rules = read_policy(PROFILES / "policies" / f"{programme}.toml", definitions.resource_types)

    for resource_type in ("EpisodeOfCare", "CareTeam"):
        named = rules.defaults[resource_type]

        assert named
        assert [url for url in named if definitions.find(url) is None] == []


def test_only_the_older_programme_requires_its_staffing(policies: dict[str, Policy]) -> None:
    team = _unclaimed("wide-area-care-team/error-outreach-ct-1-wide-area")

    assert _errors(policies["outreach"], team) == set()
    assert _errors(policies["wide-area"], team) == {"outreach-ct-1-wide-area"}


def test_only_the_older_programme_requires_the_health_centres_nurse_on_a_visit(policies: dict[str, Policy]) -> None:
    visit = _unclaimed("wide-area-encounter/error-outreach-en-1")

    assert _errors(policies["outreach"], visit) == set()
    assert _errors(policies["wide-area"], visit) == {"outreach-en-1"}


def test_either_holds_cases_to_their_rules(policies: dict[str, Policy]) -> None:
    case = _unclaimed("outreach-episode-of-care/error-outreach-ep-3")

    assert {name: _errors(policies[name], case) for name in PROGRAMMES} == {
        name: {"outreach-ep-3"} for name in PROGRAMMES
    }


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_the_demonstration_region_keeps_the_rules_of_either(programme: str, policies: dict[str, Policy]) -> None:
    texts = chain(surroundings(), *(case_resources(number, 1) for number in range(1, 13)))

    broken = {resource["id"]: _errors(policies[programme], resource) for resource in map(decode, texts)}

    assert {key: rules for key, rules in broken.items() if rules} == {}


def _unclaimed(name: str) -> Resource:
    resource = read(EXAMPLES / f"{name}.json")
    del resource["meta"]
    return resource


def _errors(policy: Policy, resource: Resource) -> set[str | None]:
    return {issue.rule for issue in policy(resource) if issue.severity == "error"}
