"""Canonical URLs, and the ids of elements."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, told


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://e.jp/vs", []), ("urn:oid:1.2.392", []), ("ValueSet/vs", [("canonical", "error", "url")])],
)
def test_the_url_of_a_definition_is_absolute(validator: Validator, url: str, expected: Told) -> None:
    assert told(validator, {"resourceType": "ValueSet", "status": "active", "url": url}) == expected


def test_a_canonical_names_a_definition_of_a_type_that_may_be(validator: Validator) -> None:
    answers = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    wrong = answers | {"questionnaire": "http://hl7.org/fhir/ValueSet/administrative-gender"}

    assert ("canonical", "error", "questionnaire") in told(validator, wrong)
    assert [each for each in told(validator, answers | {"questionnaire": "http://e.jp/q"}) if each[1] == "error"] == []


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("http://e.jp/m", []),
        ("MessageDefinition/m", []),
        ("#m", []),
        ("#other", ["canonical"]),
        ("Patient/1", ["canonical"]),
        ("m", ["canonical"]),
    ],
)
def test_a_canonical_is_absolute_or_names_what_is_contained(
    validator: Validator, definition: str, expected: list[str]
) -> None:
    contained = {
        "resourceType": "MessageDefinition",
        "id": "m",
        "status": "draft",
        "date": "2026-11-23",
        "eventUri": "urn:oid:1.2.392",
    }
    header = {
        "resourceType": "MessageHeader",
        "contained": [contained],
        "eventUri": "urn:oid:1.2.392",
        "source": {"endpoint": "http://e.jp"},
        "responsible": {"reference": "#m"} if definition != "#m" else {"display": "a"},
        "definition": definition,
    }

    found = [rule for rule, severity, at in told(validator, header) if severity == "error" and at == "definition"]
    assert found == expected


@pytest.mark.parametrize(
    "profile", ["Patient/1", "profile", "StructureDefinition/x", "http://hl7.org/fhir/ValueSet/administrative-gender"]
)
def test_a_profile_is_claimed_by_its_absolute_url(validator: Validator, profile: str) -> None:
    person = {"resourceType": "Patient", "meta": {"profile": [profile]}}

    assert ("canonical", "error", "meta.profile[0]") in told(validator, person)


@pytest.mark.parametrize(
    ("questionnaire_url", "expected"),
    [("https://example.jp/fhir/Questionnaire/q", 0), ("#q", 0), ("Questionnaire/q", 1)],
)
def test_a_canonical_ought_to_be_absolute(validator: Validator, questionnaire_url: str, expected: int) -> None:
    contained = {"resourceType": "Questionnaire", "id": "q", "status": "active"}
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": questionnaire_url,
        **({"contained": [contained]} if questionnaire_url == "#q" else {}),
    }

    found = [severity for rule, severity, _ in told(validator, response) if rule == "canonical-absolute"]
    assert found == ["warning"] * expected


def test_no_two_elements_of_a_resource_have_one_id(validator: Validator) -> None:
    names = [{"id": "n", "text": "一"}, {"id": "n", "text": "二"}]
    contained = {"resourceType": "Organization", "id": "n", "name": "三"}
    patient = {"resourceType": "Patient", "name": names, "contained": [contained]}
    patient["managingOrganization"] = {"reference": "#n"}

    assert told(validator, patient) == [("element-id", "error", "name[1].id")]
    assert told(validator, patient | {"name": names[:1]}) == []


@pytest.mark.parametrize(
    "holder", [{"maritalStatus": {"id": "a b", "text": "x"}}, {"birthDate": "2020", "_birthDate": {"id": "a b"}}]
)
def test_the_id_of_an_element_has_no_spaces(validator: Validator, holder: dict[str, Any]) -> None:
    found = validator.check({"resourceType": "Patient", **holder})

    assert [(issue.rule, issue.severity) for issue in found] == [("element-id", "error")]
