"""Observations with the code of a vital sign conform to its profile, whether they claim it or not."""

from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.validation.policy import Policy, PolicyRules
from fhir_service.validation.validator import Validator
from fhir_service.validation.vital_signs import PROFILES

CATEGORY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}


def measured(code: str, value: float, unit: str, system: str = "http://loinc.org", **others: Any) -> dict[str, Any]:
    quantity = {"value": int(value), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [CATEGORY],
        "code": {"coding": [{"system": system, "code": code}], "text": "測定"},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-11-22T09:00:00+09:00",
        "valueQuantity": quantity,
        **others,
    }


def without(observation: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in observation.items() if key != name}


GOOD = [
    measured("9279-1", 16, "/min"),
    measured("8867-4", 72, "/min"),
    measured("8310-5", 36, "Cel"),
    measured("8302-2", 165, "cm"),
    measured("29463-7", 60, "kg"),
    measured("39156-5", 22, "kg/m2"),
    measured("2708-6", 98, "%"),
]


@pytest.mark.parametrize("observation", GOOD, ids=lambda each: each["code"]["coding"][0]["code"])
def test_a_vital_sign_has_what_its_profile_asks(validator: Validator, observation: dict[str, Any]) -> None:
    assert [issue for issue in validator(observation) if issue.severity == "error"] == []
    for name in ("category", "effectiveDateTime", "subject"):
        wrong = [issue for issue in validator(without(observation, name)) if issue.severity == "error"]
        assert wrong, name
        assert wrong[0].profile and wrong[0].profile.startswith("http://hl7.org/fhir/StructureDefinition/")
    assert validator(observation | {"valueQuantity": observation["valueQuantity"] | {"code": "furlong", "unit": "x"}})


def test_a_vital_sign_may_be_of_a_period_or_of_a_time_precise_to_the_day(validator: Validator) -> None:
    of = without(measured("8867-4", 72, "/min"), "effectiveDateTime")

    assert validator(of | {"effectivePeriod": {"start": "2026"}}) == []
    assert [issue.rule for issue in validator(of | {"effectiveDateTime": "2026-11"})] == ["vs-1"]


def test_another_code_of_the_same_sign_needs_the_one_of_the_profile(validator: Validator) -> None:
    pulse = measured("8889-8", 72, "/min")
    both = pulse | {"code": {"coding": [*pulse["code"]["coding"], {"system": "http://loinc.org", "code": "8867-4"}]}}

    assert [issue.rule for issue in validator(pulse) if issue.severity == "error"]
    assert [issue for issue in validator(both) if issue.severity == "error"] == []


def test_other_observations_are_not_asked(validator: Validator) -> None:
    other = measured("718-7", 13, "g/dL")

    assert validator(without(without(other, "category"), "effectiveDateTime")) == []


def test_what_is_written_is_asked_only_where_the_policy_says_so(validator: Validator) -> None:
    bare = without(measured("8867-4", 72, "/min"), "category")
    off, always = (PolicyRules(vital_signs="off"), PolicyRules(vital_signs="always"))

    def errors(found: Any) -> set[str]:
        return {issue.expression[0] for issue in found if issue.severity == "error"}

    assert errors(Policy(validator)(bare)) == set()
    assert "Observation.category" in errors(Policy(validator).validate(bare))
    assert errors(Policy(validator, off).validate(bare)) == set()
    assert "Observation.category" in errors(Policy(validator, always)(bare))


def test_every_profile_of_the_table_is_here() -> None:
    definitions = Definitions.load()

    assert [url for url in set(PROFILES.values()) if definitions.find(url) is None] == []
