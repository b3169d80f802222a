"""https://hl7.org/fhir/R4/datatypes.html#Coding, Identifier and Attachment: what they say of themselves holds."""

from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Key
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import Know, element, profile

GENDER = "http://hl7.org/fhir/administrative-gender"


def rules(validator: Validator, resource: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    return [(issue.rule, issue.severity, issue.expression[0]) for issue in validator.check(resource)]


KIND = "https://example.jp/fhir/outreach/CodeSystem/admission-form"


@pytest.mark.parametrize(
    ("coding", "expected"),
    [
        ({"system": KIND, "code": "voluntary", "display": "任意入院"}, []),
        ({"system": KIND, "code": "voluntary", "display": "Voluntary admission"}, []),
        ({"system": KIND, "code": "voluntary", "display": "措置入院"}, [("display", "warning", ".display")]),
        ({"system": GENDER, "code": "male", "display": "Male"}, []),
        ({"system": GENDER, "code": "male", "display": "  MALE "}, []),
        ({"system": GENDER, "code": "male", "display": "男性"}, []),
        ({"system": GENDER, "code": "male", "display": "Female"}, [("display", "error", ".display")]),
        ({"system": GENDER, "code": "男性"}, [("code", "error", ".code")]),
        ({"system": "http://loinc.org", "code": "8480-6"}, []),
        ({"system": "urn:oid:1.2.392.200119.4.504", "code": "3F0150000023271"}, []),
        ({"system": "gender", "code": "male"}, [("system", "error", ".system")]),
        ({"system": "http://hl7.org/fhir/ValueSet/measure-type", "code": "outcome"}, [("system", "error", ".system")]),
        ({"code": "anything"}, []),
    ],
)
def test_a_code_is_one_of_its_system(
    validator: Validator, coding: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    found = rules(validator, {"resourceType": "Basic", "code": {"coding": [coding]}})

    assert found == [(rule, severity, f"Basic.code.coding[0]{at}") for rule, severity, at in expected]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("mm[Hg]", []),
        ("{times}/d", []),
        ("Cel/min", []),
        ("dB[SPL]", []),
        ("{回}/d", [("unit", "error")]),
        ("kmin", [("unit", "error")]),
        ("10*3/uL", []),
        ("mmHg", [("unit", "error")]),
        ("錠", [("unit", "error")]),
        ("mg / dL", [("unit", "error")]),
    ],
)
def test_the_code_of_a_quantity_is_a_unit(validator: Validator, code: str, expected: list[tuple[str, str]]) -> None:
    quantity = {"value": 1, "unit": code, "system": "http://unitsofmeasure.org", "code": code}
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "valueQuantity": quantity,
    }

    assert [(rule, severity) for rule, severity, _ in rules(validator, observation)] == expected


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        ("http://terminology.hl7.org/CodeSystem/v3-orderableDrugForm", "TAB", []),
        ("http://terminology.hl7.org/CodeSystem/v3-orderableDrugForm", "Tab", [("unit", "error", ".code")]),
        ("http://example.jp/units", "錠", []),
        ("units", "錠", [("unit", "error", ".system")]),
    ],
)
def test_the_code_of_a_quantity_is_one_of_its_system(
    validator: Validator, system: str, code: str, expected: list[tuple[str, str, str]]
) -> None:
    dispense = {"resourceType": "MedicationDispense", "status": "unknown", "medicationCodeableConcept": {"text": "x"}}

    found = rules(validator, dispense | {"quantity": {"value": 1, "system": system, "code": code}})

    assert found == [(rule, severity, f"MedicationDispense.quantity{at}") for rule, severity, at in expected]


def test_a_supplement_is_no_system_of_codes(validator: Validator) -> None:
    url = "http://example.jp/fhir/CodeSystem/supplement"
    added = {"resourceType": "CodeSystem", "id": "s", "url": url, "status": "active", "content": "supplement"}
    basic = {"resourceType": "Basic", "code": {"coding": [{"system": url, "code": "x"}]}}

    assert rules(validator, basic) == []
    validator.definitions.put(key := Key("CodeSystem", "s"), json.encode(added | {"supplements": "http://loinc.org"}))
    assert rules(validator, basic) == [("system", "error", "Basic.code.coding[0].system")]
    validator.definitions.forget(key)


def test_a_security_label_stands_once(validator: Validator) -> None:
    label = {"system": "http://example.jp/labels", "code": "x"}
    person = {"resourceType": "Patient", "meta": {"security": [label, label | {"code": "y"}, label]}}

    assert [each for each in rules(validator, person) if each[1] == "error"] == [
        ("security", "error", "Patient.meta.security[2]")
    ]


def test_the_system_of_an_identifier_is_absolute(validator: Validator) -> None:
    person = {"resourceType": "Patient", "identifier": [{"system": "患者番号", "value": "1"}]}

    assert rules(validator, person) == [("identifier-system", "error", "Patient.identifier[0].system")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("urn:oid:1.2.392.100495.20.3.51", []),
        ("https://example.jp/a", []),
        ("1.2.392.100495.20.3.51", [("identifier-value", "error", "Patient.identifier[0].value")]),
        ("山田", [("identifier-value", "error", "Patient.identifier[0].value")]),
    ],
)
def test_an_identifier_of_the_system_of_uris_is_a_uri(
    validator: Validator, value: str, expected: list[tuple[str, str, str]]
) -> None:
    person = {"resourceType": "Patient", "identifier": [{"system": "urn:ietf:rfc:3986", "value": value}]}

    assert rules(validator, person) == expected


@pytest.mark.parametrize(
    ("attachment", "expected"),
    [
        ({"data": "5r2u6aOO", "size": 6}, []),
        ({"data": "5r2u6aOO", "size": 100}, [("size", "error")]),
        ({"data": "5r2u6aOO", "hash": "AAAA"}, [("hash", "error")]),
        ({"size": 100}, []),
    ],
)
def test_an_attachment_is_as_long_as_it_says(
    validator: Validator, attachment: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    media = {"resourceType": "Media", "status": "completed", "content": {"contentType": "text/plain", **attachment}}

    assert [(rule, severity) for rule, severity, _ in rules(validator, media)] == expected


def test_a_code_without_a_system_is_of_no_value_set(validator: Validator) -> None:
    active = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}

    def rules(**coding: str) -> list[str | None]:
        status = {"clinicalStatus": {"coding": [coding]}}
        found = validator.check({"resourceType": "Condition", "subject": {"display": "a"}, **status})
        return [issue.rule for issue in found if issue.severity == "error"]

    assert rules(**active) == []
    assert rules(code="active") == ["binding-required"]


@pytest.mark.parametrize(
    "concept", [{"coding": [{"system": "http://h.example", "code": "治療中"}]}, {"text": "治療中"}]
)
def test_the_codes_of_a_small_value_set_are_told(validator: Validator, concept: dict[str, Any]) -> None:
    condition = {"resourceType": "Condition", "subject": {"display": "a"}, "clinicalStatus": concept}

    [issue] = [each for each in validator.check(condition) if each.rule == "binding-required"]

    for text in (issue.ja, issue.en):
        assert "active, inactive, recurrence, relapse, remission, resolved" in text


def test_that_value_sets_include_each_other_is_told_where_they_are_asked_for(
    definitions: Definitions, know: Know
) -> None:
    first, second = (f"https://example.jp/fhir/ValueSet/{name}" for name in ("first", "second"))
    for own, other in ((first, second), (second, first)):
        compose = {"include": [{"valueSet": [other]}]}
        know({"resourceType": "ValueSet", "url": own, "status": "active", "compose": compose})
    bound = element("Patient.gender", binding={"strength": "required", "valueSet": first})
    circle = know(profile("Patient", bound, name="circle"))

    validator = Validator(definitions, LoadedTerminology(definitions))
    found = validator.check({"resourceType": "Patient", "gender": "male"}, [circle])

    told = [issue for issue in found if issue.rule == "binding-required"]
    assert [(issue.severity, issue.expression) for issue in told] == [("warning", ("Patient.gender",))]
    assert "cannot be told" in told[0].en
