"""The made-up region: valid, whole, and in keeping with the programme's own rules."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import compile as compile_path
from fhir_service.fhir.json import decode
from fhir_service.fhir.reference import references
from fhir_service.outreach import demo_region
from fhir_service.outreach.demo_region import case_resources, surroundings
from fhir_service.outreach.demo_region.encoding import encode
from fhir_service.outreach.demo_region.facts import CATEGORIES, PHASES, draw_case
from fhir_service.outreach.demo_region.models import Model
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.validator import Validator

CASES = 36  # every phase with several target categories
TOLD = {"outreach-ct-3", "outreach-ep-1"}  # what some teams and some cases are warned of, as in life
Resource = dict[str, Any]


@pytest.fixture(scope="module")
def region() -> dict[str, Resource]:
    texts = [*surroundings(), *(text for number in range(1, CASES + 1) for text in case_resources(number, 1))]
    resources = [decode(text) for text in texts]
    return {f"{each['resourceType']}/{each['id']}": each for each in resources}


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


def test_every_resource_is_valid(region: dict[str, Resource], definitions: Definitions) -> None:
    check = Validator(definitions, LoadedTerminology(definitions)).check

    issues = [(key, issue) for key, resource in region.items() for issue in check(resource)]

    assert [(key, issue.en) for key, issue in issues if issue.severity == "error"] == []
    assert {issue.rule for _, issue in issues if issue.severity == "warning"} <= TOLD


def test_every_resource_claims_one_of_our_profiles(region: dict[str, Resource], definitions: Definitions) -> None:
    claimed = {key: each.get("meta", {}).get("profile", []) for key, each in region.items()}

    assert {key.split("/")[0] for key, profiles in claimed.items() if not profiles} == {"OrganizationAffiliation"}
    assert [url for profiles in claimed.values() for url in profiles if definitions.find(url) is None] == []


def test_every_reference_is_to_something_in_the_region(region: dict[str, Resource]) -> None:
    named = {found.text for resource in region.values() for found in references(resource)}

    assert named - region.keys() == set()


def test_every_phase_and_every_target_category_is_there() -> None:
    cases = [draw_case(number, 1) for number in range(1, CASES + 1)]

    assert {case.phase for case in cases} == {phase for phase, *_ in PHASES}
    assert {case.category for case in cases} == set(CATEGORIES)


def test_a_case_is_the_same_however_many_are_made() -> None:
    assert list(case_resources(17, 1)) == list(case_resources(17, 1))
    assert list(case_resources(17, 1)) != list(case_resources(17, 2))


def test_the_programmes_rules_hold_for_every_case(
    region: dict[str, Resource], definitions: Definitions, shared: Path
) -> None:
    by_type: dict[str, list[Resource]] = defaultdict(list)
    for resource in region.values():
        by_type[resource["resourceType"]].append(resource)
    rules = json.loads((shared / "domain" / "rules" / "rules.json").read_text(encoding="utf-8"))

    broken = [
        (rule["id"], resource["id"])
        for rule in rules
        if rule["severity"] == "error"
        for holds in [compile_path(rule["expr"], definitions, context_type=rule["on"])]
        for resource in by_type[rule["on"]]
        if [item.value for item in holds.evaluate(resource)] != [True]
    ]

    assert broken == []


def test_models_are_written_as_their_own_serializer_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[bytes, bytes]] = []

    def both(model: Model) -> bytes:
        made.append((encode(model), model.model_dump_json().encode()))
        return made[-1][0]

    monkeypatch.setattr(demo_region, "encode", both)
    list(demo_region.surroundings())
    for number in range(1, 31):
        list(demo_region.case_resources(number, 3))

    assert len(made) > 700
    assert [ours for ours, _ in made] == [theirs for _, theirs in made]
