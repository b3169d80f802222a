"""What the structure check accepts and refuses, and where it says that the fault lies."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from fhir_service.fhir.resource import Resource
from fhir_service.validation.policy import Policy
from fhir_service.validation.validator import MAX_ISSUES, Validator
from tests.validation.sample import DIV, errors, observation, patient


@pytest.mark.parametrize(
    ("resource", "code", "expression"),
    [
        (patient(nickname="x"), "structure", "Patient.nickname"),
        (patient(name=[{"familyName": "山田"}]), "structure", "Patient.name[0].familyName"),
        (patient(fhir_comments=["x"]), "structure", "Patient.fhir_comments"),
        (patient(_name=[{"id": "a"}]), "structure", "Patient._name"),
        (patient(text={"status": "generated", "div": DIV.format("a"), "_div": {"id": "a"}}), "structure",
         "Patient.text._div"),
        (patient(extension=[{"url": "http://e", "_url": {"id": "a"}, "valueCode": "a"}]), "structure",
         "Patient.extension[0]._url"),
        (patient(name={"family": "山田"}), "structure", "Patient.name"),
        (patient(name=[["山田"]]), "structure", "Patient.name[0]"),
        (patient(name=["山田"]), "structure", "Patient.name[0]"),
        (patient(name=[{"family": ["山田"]}]), "structure", "Patient.name[0].family"),
        (patient(birthDate={"value": "1980-01-01"}), "structure", "Patient.birthDate"),
        (patient(name=[]), "structure", "Patient.name"),
        (patient(name=[{}]), "structure", "Patient.name[0]"),
        (patient(name=None), "structure", "Patient.name"),
        (patient(name=[None]), "structure", "Patient.name[0]"),
        (patient(birthDate=None), "structure", "Patient.birthDate"),
        (patient(name=[{"given": ["一", None]}]), "structure", "Patient.name[0].given[1]"),
        (patient(name=[{"given": ["一", None], "_given": [{"id": "a"}, None]}]), "structure",
         "Patient.name[0].given[1]"),
        (patient(name=[{"given": ["一"], "_given": {"id": "a"}}]), "structure", "Patient.name[0].given"),
        (patient(_birthDate={"extension": [{"url": "http://e", "valueX": 1}]}), "structure",
         "Patient.birthDate.extension[0].valueX"),
        (patient(_birthDate={"value": "1980"}), "structure", "Patient.birthDate.value"),
        (patient(active="true"), "structure", "Patient.active"),
        (patient(active=1), "structure", "Patient.active"),
        (patient(gender=True), "structure", "Patient.gender"),
        (patient(multipleBirthInteger=True), "structure", "Patient.multipleBirth"),
        (patient(multipleBirthInteger=Decimal("1.0")), "structure", "Patient.multipleBirth"),
        (patient(deceasedBoolean=True, deceasedDateTime="2020"), "structure", "Patient.deceased"),
        (patient(deceasedBoolean=True, deceasedDateTime="1980"), "structure", "Patient.deceased"),
        (observation(valueQuantity={"value": "70"}), "structure", "Observation.value.value"),
        (observation(valueQuantity={"value": 70.5}), "structure", "Observation.value.value"),
        ({"resourceType": "Observation", "status": "final"}, "required", "Observation.code"),
        (patient(link=[{"type": "refer"}]), "required", "Patient.link[0].other"),
        ({"resourceType": "Dosage"}, "structure", "Dosage"),
        ({"resourceType": "DomainResource"}, "structure", "DomainResource"),
        ({"resourceType": ["Patient"]}, "structure", "Resource"),
    ],
)  # fmt: skip
def test_a_wrong_structure_is_refused_with_its_place(
    check: Validator, resource: Resource, code: str, expression: str
) -> None:
    issues = check(resource)

    assert [(issue.code, issue.expression) for issue in issues] == [(code, (expression,))]
    assert issues[0].ja
    assert issues[0].severity == "error"


def test_a_required_choice_must_be_there(check: Validator) -> None:
    issues = check(
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "A"}}
    )

    assert [issue.expression for issue in issues] == [("MedicationRequest.medication[x]",)]


@pytest.mark.parametrize("name", ["reportedBoolean", "_reportedBoolean"])
def test_one_choice_does_not_stand_for_another_that_is_required(check: Validator, name: str) -> None:
    reported: Any = {"extension": [{"url": "http://e", "valueCode": "a"}]} if name[0] == "_" else True
    request = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "A"}}

    assert [issue.expression for issue in check(request | {name: reported})] == [("MedicationRequest.medication[x]",)]
    assert check(request | {name: reported, "medicationCodeableConcept": {"text": "x"}}) == []


def test_a_primitive_with_only_an_extension_counts_as_present(check: Validator) -> None:
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    task = {"resourceType": "Patient", "link": [{"other": {"_reference": absent}, "type": "refer"}]}

    assert check(task) == []
    assert check(patient(name=[{"given": [None, "二"], "_given": [absent, None]}])) == []
    assert check(patient(name=[{"_given": [absent]}])) == []
    assert check(patient(_deceasedDateTime=absent)) == []


def test_an_extension_does_not_stand_for_a_code_of_a_required_value_set(check: Validator) -> None:
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    report = {"resourceType": "Observation", "_status": absent, "code": {"text": "体重"}}

    for resource, place in ((report, "Observation.status"), (patient(_gender=absent), "Patient.gender")):
        (issue,) = check(resource)
        assert (issue.rule, issue.severity, issue.expression) == ("code-absent", "error", (place,))
        assert [each.severity for each in Policy(check)(resource)] == ["warning"]


@pytest.mark.parametrize(
    ("element", "good", "bad"),
    [
        ("birthDate", ["1980", "1980-02", "2024-02-29", "1980-12-31"],
         ["2023-02-29", "2023-02-30", "1980-13", "80", "1980-1-1", "1980-01-01T00:00:00Z", "0000", "２０２０",
          " 1980", ""]),
        ("deceasedDateTime", ["2020", "2020-02-29T23:59:60+09:00", "2020-01-01T00:00:00.123456789Z"],
         ["2020-01-01T00:00:00", "2020-01-01T24:00:00Z", "2020-02-30T00:00:00Z", "2020-01-01 00:00",
          "2020-01-01T00:00Z"]),
        ("multipleBirthInteger", [0, -1, 2**31 - 1], [2**31, -(2**31) - 1]),
        ("implicitRules", ["http://e", "urn:x", "urn:oid:1.2.392", f"urn:uuid:{uuid4()}"],
         ["http://e x", "a\nb", "", "urn:uuid:1", "urn:oid:1.02",
          "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "uuid:1", "oid:1.2"]),
        ("gender", ["male"], [" male", "male ", "a  b", "a\tb", "", "\t"]),
        ("id", ["a", "A-1.b", "x" * 64], ["x" * 65, "a_b", "a/b", "", "山", "a\n"]),
    ],
)  # fmt: skip
def test_primitive_values_keep_the_rules_of_their_type(
    check: Validator, element: str, good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        assert check(patient(**{element: value})) == [], value
    for value in bad:
        issues = check(patient(**{element: value}))
        assert [issue.code for issue in issues] == ["value"], value


@pytest.mark.parametrize(
    ("extension", "good", "bad"),
    [
        ("valueInstant", ["2020-01-01T00:00:00.1+09:00"],
         ["2020-01-01", "2020-01-01T00:00:00", "2020-02-30T00:00:00Z"]),
        ("valueTime", ["23:59:59.5"], ["24:00:00", "12:00", "12:00:00Z"]),
        ("valuePositiveInt", [1], [0, -1]),
        ("valueUnsignedInt", [0], [-1, 2**31]),
        ("valueBase64Binary", ["YQ==", "YWJj\n ZGVm"], ["YQ", "YQ=", "Y", "山", "YQ==YQ==", "Y W J j", " "]),
        ("valueOid", ["urn:oid:1.2.392.100495"], ["1.2.3", "urn:oid:3.1", "urn:oid:1.02"]),
        ("valueUuid", ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"], ["c757873d-ec9a-4326-a141-556f43239520"]),
        ("valueString", ["a", " ", "山\n田"], ["", "x" * (1024 * 1024 + 1)]),
        ("valueMarkdown", ["# a"], [""]),
        ("valueCanonical", ["http://e|1#a"], ["http://e 1", "a", "#nothing"]),
        ("valueDecimal", [1, Decimal("1.00"), Decimal("-0.0")], []),
        ("valueBoolean", [True, False], []),
    ],
)  # fmt: skip
def test_values_of_extensions_keep_the_rules_of_their_type(
    check: Validator, extension: str, good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        assert check(patient(extension=[{"url": "http://e", extension: value}])) == [], value
    for value in bad:
        issues = check(patient(extension=[{"url": "http://e", extension: value}]))
        assert [issue.expression for issue in issues] == [("Patient.extension[0].value",)], value
        assert len(issues[0].en) < 250


@pytest.mark.parametrize(
    "reference",
    ["Patient/1", "Patient/1/_history/2", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "https://e.org/fhir/X/1",
     "Patient?identifier=http://e|1", "http://e.org/a.pdf"],
)  # fmt: skip
def test_a_reference_that_can_be_followed_is_good(check: Validator, reference: str) -> None:
    assert check(observation(subject={"reference": reference})) == []


@pytest.mark.parametrize(
    "reference", ["Nothing/1", "patient/1", "Patient", "Patient/", "Patient/1 ", "山田", "Patient/a b", ""]
)
def test_a_reference_that_cannot_be_followed_is_refused(check: Validator, reference: str) -> None:
    issues = check(observation(subject={"reference": reference}))

    assert [issue.expression for issue in issues] == [("Observation.subject.reference",)]


@pytest.mark.parametrize("criteria", ["identifier=1&?==", "identifier", "=1", "identifier=", "a=1&&b=2"])
def test_a_conditional_reference_has_criteria(check: Validator, criteria: str) -> None:
    issues = check(observation(subject={"reference": f"Patient?{criteria}"}))

    assert [issue.rule for issue in issues] == ["conditional-reference"]


@pytest.mark.parametrize(
    ("uuid", "rule"),
    [("6c4f2b3e-0d0c-4b5b-8b59-2b5b5d2c5f10", None), ("6C4F2B3E-0D0C-4B5B-8B59-2B5B5D2C5F10", "urn-case")],
)
def test_the_urn_of_a_uuid_is_in_lower_case(check: Validator, uuid: str, rule: str | None) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{uuid}", "resource": patient()}],
    }

    assert [issue.rule for issue in errors(check(bundle))] == ([rule] if rule else [])


@pytest.mark.parametrize(("data", "good"), [("YWFh", True), ("YWFh\r\nYWFh", True), ("YWFh=", False), ("YWF", False)])
def test_base64_comes_in_groups_of_four(check: Validator, data: str, good: bool) -> None:
    assert (not errors(check(patient(photo=[{"contentType": "image/png", "data": data}])))) is good


@pytest.mark.parametrize(("code", "good"), [("a b", True), ("a\u00a0", False), ("\u3000a", False)])
def test_no_white_space_stands_around_a_code(check: Validator, code: str, good: bool) -> None:
    system = {"resourceType": "CodeSystem", "status": "active", "content": "complete", "concept": [{"code": code}]}

    assert (not errors(check(system))) is good


def test_elements_that_refer_to_others_nest(check: Validator) -> None:
    item = {
        "linkId": "1",
        "type": "group",
        "item": [{"linkId": "2", "type": "group", "item": [{"linkId": 3, "type": "string"}]}],
    }

    issues = check({"resourceType": "Questionnaire", "status": "draft", "item": [item]})

    assert [issue.expression for issue in issues] == [("Questionnaire.item[0].item[0].item[0].linkId",)]


def test_there_are_no_more_issues_than_a_person_reads(check: Validator) -> None:
    assert len(check(patient(name=[{"x": 1}] * 10_000))) == MAX_ISSUES


@pytest.mark.parametrize("warnings", [150, 500])
def test_no_number_of_warnings_hides_an_error(check: Validator, warnings: int) -> None:
    entries = [{"resource": patient(meta={"profile": ["http://example.jp/unknown"]})}] * warnings

    issues = check(
        {"resourceType": "Bundle", "type": "collection", "entry": [*entries, {"resource": patient(gender="x")}]}
    )

    assert len(issues) == MAX_ISSUES
    assert [issue.expression for issue in errors(issues)] == [(f"Bundle.entry[{warnings}].resource.gender",)]


def test_no_number_of_errors_hides_one_of_another_rule(check: Validator) -> None:
    told = patient(photo=[{"url": "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"}])
    entries = [{"resource": told}] * 500

    issues = check(
        {"resourceType": "Bundle", "type": "collection", "entry": [*entries, {"resource": patient(gender="x")}]}
    )

    assert len(issues) == MAX_ISSUES
    assert ("Bundle.entry[500].resource.gender",) in [issue.expression for issue in issues]


@pytest.mark.parametrize("value", [None, 1, "x", [], True])
def test_what_is_no_resource_is_refused(check: Validator, value: Any) -> None:
    assert len(check(value)) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"active": "true"}, '" " を外してください。'),
        ({"multipleBirthInteger": "2"}, '" " を外してください。'),
        ({"birthDate": 1984}, '" " で囲んでください。'),
        ({"name": {"text": "山田"}}, "[ ] で囲んでください。"),
        ({"gender": ["male"]}, "[ ] を外し、1つだけ書いてください。"),
        ({"maritalStatus": "M"}, "文字列です。"),
    ],
)
def test_what_makes_the_json_right_is_told(validator: Validator, wrong: dict[str, Any], hint: str) -> None:
    (issue,) = validator.check({"resourceType": "Patient", **wrong})

    assert issue.ja.endswith(hint)
