"""What the structure check accepts and refuses, and where it says that the fault lies."""

import re
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.policy import LOWERED_ON_WRITE, Policy
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import MAX_ISSUES, Validator

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'

# The official examples that are not valid, not even for a write: where, and the rule they break (of their shape: None).
# Each is an error by the specification and for the reference validator, too.
DEFECTS: dict[str, set[tuple[str, str | None]]] = {
    # Entries 1043 and on repeat the full URLs of others.
    "Bundle-dataelements": {("Bundle", "bdl-7")},
    # The extension glstring has `text` and `url` inside, but no `uri`.
    "Bundle-hla-1": {("Bundle.entry.resource.extension.extension", "extension-url")},
    # The full URLs of patients and results end in other ids than their resources have.
    **{
        f"Bundle-{name}": {("Bundle.entry.fullUrl", "full-url")}
        for name in ("10bb101f-a121-4264-a920-67be9cb82c74", "3a0707d3-549e-4467-b8b8-5a2ab3800efe", "lri-example")
    },
    # `parent` is a reference to a DeviceDefinition, where only a Device may be.
    "DeviceMetric-example": {("DeviceMetric.parent", "target")},
    # The reason is a Procedure.
    "DeviceUseStatement-example": {("DeviceUseStatement.reasonReference", "target")},
    # The performer of the dispense is a Practitioner, where only an Organization may be.
    "MedicationRequest-medrx0301": {("MedicationRequest.dispenseRequest.performer", "target")},
    # A value set is named urn:oid:X.Y.Z.
    "Library-zika-virus-intervention-logic": {("Library.dataRequirement.codeFilter.valueSet", "urn")},
    # The performer is an Encounter.
    "Observation-clinical-gender": {("Observation.performer", "target")},
    # A body temperature without its time, which $validate alone asks for.
    "Observation-f202": {("Observation.effective", "min")},
    # A related artifact is named by neither a URL nor Type/id.
    "Library-library-fhir-helpers": {("Library.relatedArtifact.resource", "canonical")},
    # `#amlodipinePrescription` and `#CardiologyReferralReasonValues` are not contained.
    "PlanDefinition-example-cardiology-os": {
        ("PlanDefinition.action.action.action.action.definition", "canonical"),
        ("PlanDefinition.contained.item.answerValueSet", "canonical"),
    },
    # Required elements are missing.
    "ImplementationGuide-fhir": {("ImplementationGuide.name", None), ("ImplementationGuide.status", None)},
    "ig-r4": {("ImplementationGuide.name", None), ("ImplementationGuide.status", None)},
    "Questionnaire-qs1": {("Questionnaire.item.linkId", None)},
    **{
        f"SearchParameter-{kind.lower()}-extensions-{kind}-{name}": {("SearchParameter.base", None)}
        for kind in ("CodeSystem", "ValueSet")
        for name in ("author", "effective", "end", "keyword", "workflow")
    },
    # An id of 66 characters.
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject": {
        ("SearchParameter.id", None)
    },
    # Codes that end in a no-break space.
    "CodeSystem-v2-0550": {("CodeSystem.concept.code", None)},
    "Bundle-v2-valuesets": {("Bundle.entry.resource.concept.code", None)},
    # Logical models that are not abstract and have no base.
    **{f"StructureDefinition-{name}": {("StructureDefinition", "sdf-4")}
       for name in ("Definition", "Event", "FiveWs", "Request")},
}  # fmt: skip

# Those that $validate alone finds wrong, and the rule that a write may break.
DEFECTS_TOLD: dict[str, set[str]] = {
    # Codes that the code systems have not, also two as one (`proposed,waitlist`).
    "concept-map": {
        "Bundle-conceptmaps", "Bundle-valuesets", "ConceptMap-cm-administrative-gender-v3",
        "ValueSet-nhin-purposeofuse",
        *(f"ConceptMap-sc-{name}" for name in (
            "appointmentstatus", "clinicalimpression-status", "condition-ver-status", "contract-publicationstatus",
            "contract-status", "diagnostic-report-status", "goal-achievement", "medication-admin-status",
            "medication-statement-status", "medicationdispense-status", "observation-status", "participationstatus",
            "publication-status", "research-study-status", "research-subject-status", "subscription-status",
            "verificationresult-status",
        )),
    },
    # Profiles of Composition that call themselves complex types.
    "definition-kind": {"StructureDefinition-example-composition", "StructureDefinition-example-section-library"},
    # valueset-definition and questionnaire-allowedResource are none of HL7's extensions.
    "extension-unknown": {"Bundle-valueset-expansions", "Questionnaire-qs1"},
    # The hash is not that of the data; it is in hexadecimal digits.
    "hash": {"DiagnosticReport-example-pgx"},
    # The value of an identifier whose system is urn:ietf:rfc:3986 is no URI.
    "identifier-value": {
        "Bundle-dataelements", "Bundle-resources", "Organization-2.16.840.1.113883.19.5", "StructureDefinition-Consent",
    },
    # The system is a fragment (#hacked), where R4 has a URI, or has a version (|2.4).
    "include-system": {
        "Bundle-v2-valuesets", "Bundle-valueset-expansions", "Bundle-valuesets", "ValueSet-example-hierarchical",
        *(f"ValueSet-v2-{name}" for name in ("2.1-0006", "2.3.1-0360", "2.4-0006", "2.4-0391", "2.6-0391", "2.7-0360")),
    },
    # Links to codes that are not in the table.
    "narrative-link": {
        "Bundle-v3-valuesets", "Media-sound", "CodeSystem-v3-ActCode", "ValueSet-v3-ActCode",
        *(f"{kind}-v3-{name}" for kind in ("CodeSystem", "ValueSet") for name in (
            "ActReason", "ActRelationshipType", "CalendarCycle", "ContextControl", "EntityCode", "NullFlavor",
            "RoleCode", "EntityNamePartQualifier", "ObservationInterpretation", "RouteOfAdministration", "hl7Realm",
            "orderableDrugForm",
        )),
    },
    # Types of search parameters that are not those of their definitions; one for Patient that is about another type.
    "search-parameter": {
        "Bundle-resources",
        *(f"CapabilityStatement-{name}" for name in ("base", "knowledge-repository", "measure-processor")),
        "CapabilityStatement-terminology-server", "SearchParameter-example-extension",
    },
    # Two properties have one code and URI.
    "property-twice": {"Bundle-valuesets", "CodeSystem-snomedct"},
    # The narrative is empty.
    "txt-2": {
        "ActivityDefinition-blood-tubes-supply", "ActivityDefinition-heart-valve-replacement",
        "EventDefinition-example", "Questionnaire-zika-virus-exposure-assessment",
    },
    # UUIDs in capitals.
    "urn-case": {"CapabilityStatement-example", "TerminologyCapabilities-example"},
    # UCUM has no mcg, mEq, drop, ea, tbl, TAB, ml/hr, month or [lb_i]; orderableDrugForm no tab, Tab, Vial or patch.
    "unit": {
        "Medication-med0304", "Medication-med0309", "MedicationAdministration-medadmin0312",
        "MedicationDispense-meddisp0301", "MedicationDispense-meddisp0325",
        *(f"MedicationRequest-medrx03{number}" for number in (13, 27)),
        *(f"MedicationStatement-example00{number}" for number in (1, 2, 3)),
        "Bundle-father", "Bundle-ussg-fht", "Claim-760151", "Claim-760152", "VisionPrescription-33124",
        *(f"MedicationDispense-meddisp03{number}" for number in ("09", "13", "18", "24", "27", "28", "29")),
        *(f"MedicationRequest-medrx03{number}" for number in (25, 26, 28, 29, 34, 35)),
        *(f"MedicationRequest-medrx03{number}" for number in ("04", 14, 19, 22)),
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def check() -> Validator:
    return Validator(definitions := Definitions.load(), LoadedTerminology(definitions))


def errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity == "error"]


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> Resource:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "体重"}, **elements}


def test_of_the_official_examples_only_those_with_a_defect_are_refused(r4_examples: Path) -> None:
    check = Validator(definitions := Definitions.load(), LoadedTerminology(definitions), extra=RULES)
    files = [file for file in r4_examples.glob("*.json") if file.name not in ("package.json", ".index.json")]

    found = {file.stem: told for file in files if (told := errors(check(json.decode(file.read_bytes()))))}
    refused = {name: [issue for issue in told if issue.rule not in LOWERED_ON_WRITE] for name, told in found.items()}
    lowered = {rule: {name for name in found if rule in _rules(found[name])} for rule in LOWERED_ON_WRITE}

    assert len(files) >= 5306
    assert {name: set(map(_place_and_rule, told)) for name, told in refused.items() if told} == DEFECTS
    assert {rule: names for rule, names in lowered.items() if names} == DEFECTS_TOLD


def _rules(issues: list[Issue]) -> set[str | None]:
    return {issue.rule for issue in issues}


def _place_and_rule(issue: Issue) -> tuple[str, str | None]:
    place = re.sub(r"\[\d+\]", "", issue.expression[0])
    return re.sub(r"(\.item)+", ".item", place), issue.rule


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
    ("content", "fault"),
    [
        ("<script>alert(1)</script>", "script"),
        ('<a href="javascript:alert(1)">a</a>', "href"),
        ('<a href="java&#10;script:alert(1)">a</a>', "href"),
        ('<img src="data:text/html,x" alt="a"/>', "src"),
        ('<p onclick="x()">a</p>', "onclick"),
        ('<p style="width: expression(alert(1))">a</p>', "style"),
        ("<form><input/></form>", "form"),
        ("<iframe/>", "iframe"),
        ("<p>a", "well-formed"),
        ("<p>a<ul><li>b</li></ul></p>", "cannot stand in a p"),
        ("<ul>a</ul>", "No text can stand in a ul"),
        ("<ul><p>a</p></ul>", "cannot stand in a ul"),
        ("<td>a</td>", "cannot stand in a div"),
        ("<li>a</li>", "cannot stand in a div"),
        ("<table><td>a</td></table>", "cannot stand in a table"),
        ("<table><tr>a<td>b</td></tr></table>", "No text can stand in a tr"),
        ("<p><span>a<table/></span></p>", "cannot stand in a p"),
        ("<p>a<ul><li>b</li></ul></p><script>alert(1)</script>", "script"),
        ('<a href="https://example.jp" target="_blank">a</a>', "target"),
        ("&nbsp;", "well-formed"),
        ("<?php x?>a", "not allowed"),
        ("<p>" * 1000 + "</p>" * 1000, "well-formed"),
        ("\x00", "well-formed"),
    ],
)
def test_a_narrative_with_active_or_broken_content_is_refused(check: Validator, content: str, fault: str) -> None:
    issues = check(patient(text={"status": "generated", "div": DIV.format(content)}))

    assert [issue.expression for issue in issues] == [("Patient.text.div",)]
    assert fault in issues[0].en
    assert issues[0].severity == "error"


@pytest.mark.parametrize(
    "div", ["a", "<div>a</div>", "<!DOCTYPE div><div/>", '<p xmlns="http://www.w3.org/1999/xhtml"/>']
)
def test_a_narrative_is_a_div_of_xhtml(check: Validator, div: str) -> None:
    assert errors(check(patient(text={"status": "generated", "div": div})))


def test_a_narrative_may_be_formatted(check: Validator) -> None:
    table = '<table class="grid"><tr><td style="color: red" colspan="2"><b>山田</b><!-- a --></td></tr></table>'
    link = '<a href="https://example.org/data.html" title="b">c</a><img src="data:image/png;base64,YQ==" alt="d"/>'

    assert check(patient(text={"status": "generated", "div": DIV.format(table + link)})) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<a href="#x">a</a>', [("narrative-link", "error", ("Patient.text.div",))]),
        ('<a href="#x">a</a><p id="x">b</p>', []),
        ('<a name="x">a</a><a href="#x">b</a>', []),
        ('<a href="#doctor">a</a><a href="#pet-name">b</a><a href="https://example.org/#x">c</a>', []),
    ],
)
def test_a_link_inside_a_narrative_leads_somewhere(
    content: str, expected: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    check = Validator(definitions := Definitions.load(), LoadedTerminology(definitions), extra=RULES)
    resource = contained({"resourceType": "Practitioner", "id": "doctor"}) | {
        "text": {"status": "generated", "div": DIV.format(content)},
        "name": [{"id": "pet-name", "text": "タロウ"}],
    }

    assert [(issue.rule, issue.severity, issue.expression) for issue in check(resource)] == expected


def test_an_image_of_a_narrative_refers_to_what_is_contained(check: Validator) -> None:
    image = {"resourceType": "Binary", "id": "x", "contentType": "image/png", "data": "YWFh"}
    shown = DIV.format('<img src="#x" alt="a"/>')

    assert errors(check(patient(contained=[image], text={"status": "generated", "div": shown}))) == []


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


def test_a_narrative_that_shows_nothing_is_refused(check: Validator) -> None:
    issues = check(patient(text={"status": "generated", "div": DIV.format(" ")}))

    assert [(issue.rule, issue.severity) for issue in issues] == [("txt-2", "error")]


@pytest.mark.parametrize(
    ("inside", "shows"), [("<!-- 訪問 -->訪問", True), ("<b/>訪問", True), ("<!-- 訪問 -->", False)]
)
def test_a_narrative_shows_the_text_behind_a_comment(check: Validator, inside: str, shows: bool) -> None:
    issues = check(patient(text={"status": "generated", "div": DIV.format(inside)}))

    assert [issue.rule for issue in issues] == ([] if shows else ["txt-2"])


def contained(*resources: Any) -> Resource:
    """Return a patient that contains these and refers to each of them."""
    ids = [each.get("id") for each in resources if isinstance(each, dict)]
    practitioners = [{"reference": f"#{name}"} for name in ids if name and name != "stranger"]
    return patient(contained=list(resources), **({"generalPractitioner": practitioners} if practitioners else {}))


def organization(**elements: Any) -> Resource:
    return {"resourceType": "Organization", "name": "医院", **elements}


@pytest.mark.parametrize(
    ("resource", "expressions"),
    [
        (contained(organization(name="a")), ["Patient.contained[0].id"]),
        (contained(organization(id="a", contained=[organization(id="b")])), ["Patient.contained[0].contained"]),
        (contained(organization(id="a"), organization(id="a")), ["Patient.contained[1].id"]),
        (patient(contained=[{"resourceType": "Nothing", "id": "a"}]), ["Patient.contained[0]"]),
        (patient(contained=[{"id": "a"}]), ["Patient.contained[0]"]),
        (patient(contained=["x"]), ["Patient.contained[0]"]),
        (patient(contained={"resourceType": "Patient"}), ["Patient.contained"]),
        (contained(organization(id="a", name=1)), ["Patient.contained[0].name"]),
        (contained(organization(id="stranger")), ["Patient.contained[0]"]),
        (contained(organization(id="a", meta={"versionId": "1"})), ["Patient.contained[0].meta.versionId"]),
        (contained(organization(id="a", meta={"security": [{"code": "R"}]})), ["Patient.contained[0].meta.security"]),
    ],
)
def test_contained_resources_keep_their_rules(check: Validator, resource: Resource, expressions: list[str]) -> None:
    assert [issue.expression[0] for issue in errors(check(resource))] == expressions


def test_what_is_referred_to_as_contained_is_contained(check: Validator) -> None:
    by = {"managingOrganization": {"reference": "#a"}}
    inside = organization(id="a", partOf={"reference": "#b"})
    whole = organization(id="b", extension=[{"url": "http://e", "valueReference": {"reference": "#"}}])

    assert check(patient(contained=[inside, whole], **by)) == []
    for resource, expression in (
        (patient(**by), "Patient.managingOrganization.reference"),
        (contained(inside), "Patient.contained[0].partOf.reference"),
        (patient(contained=[whole], **by), "Patient.managingOrganization.reference"),
    ):
        assert [issue.expression for issue in errors(check(resource))] == [(expression,)]


def test_one_resource_of_a_bundle_does_not_contain_for_another(check: Validator) -> None:
    by = patient(managingOrganization={"reference": "#a"})
    entries = [{"resource": contained(organization(id="a"))}, {"resource": by}]

    issues = check({"resourceType": "Bundle", "type": "collection", "entry": entries})

    assert [issue.expression for issue in issues] == [("Bundle.entry[1].resource.managingOrganization.reference",)]


def test_contained_resources_that_refer_in_a_circle_are_refused(check: Validator) -> None:
    def part_of(name: str, whole: str) -> Resource:
        return organization(id=name, partOf={"reference": f"#{whole}"})

    assert errors(check(contained(part_of("a", "b"), organization(id="b")))) == []
    for circle in ([part_of("a", "a")], [part_of("a", "b"), part_of("b", "a")]):
        assert [issue.code for issue in check(contained(*circle))] == ["invalid"]
    long = [part_of(f"o{number}", f"o{(number + 1) % 5000}") for number in range(5000)]
    assert [issue.code for issue in check(contained(*long))] == ["invalid"]


def test_resources_inside_a_bundle_are_checked_where_they_are(check: Validator) -> None:
    entries = [{"resource": patient()}, {"resource": patient(gender=1)}, {"resource": {"resourceType": "X"}}]

    issues = check({"resourceType": "Bundle", "type": "collection", "entry": entries})

    assert [issue.expression for issue in issues] == [
        ("Bundle.entry[1].resource.gender",),
        ("Bundle.entry[2].resource",),
    ]


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


# Each mutation of a good resource is found: (name, change of an object at some place).
MUTATIONS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "unknown element": lambda holder, name: holder.__setitem__(f"{name}Unknown", holder[name]),
    "null": lambda holder, name: holder.__setitem__(name, None),
    "empty array": lambda holder, name: holder.__setitem__(name, []),
    "empty object": lambda holder, name: holder.__setitem__(name, {}),
    "array for a single value, or the other way": lambda holder, name: holder.__setitem__(
        name, holder[name][0] if isinstance(holder[name], list) else [holder[name]]
    ),
    "another type": lambda holder, name: holder.__setitem__(name, _other_type(holder[name])),
}


def _other_type(value: Any) -> Any:
    return {"x": value} if isinstance(value, str | bool | int | Decimal) else "x"


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize(
    "name",
    ["Patient-example", "Encounter-f001", "Observation-f001", "CarePlan-example", "Consent-consent-example-basic"],
)
def test_every_mutation_of_an_example_is_found(check: Validator, r4_examples: Path, name: str, mutation: str) -> None:
    resource = json.decode((r4_examples / f"{name}.json").read_bytes())
    places = [place for place in _places(resource) if place[-1] != "resourceType"]

    missed = []
    for place in places:
        mutant = deepcopy(resource)
        holder = mutant
        for step in place[:-1]:
            holder = holder[step]
        MUTATIONS[mutation](holder, place[-1])
        if not errors(check(mutant)):
            missed.append(place)

    assert len(places) > 10
    assert missed == []


def _places(value: Any, *steps: Any) -> list[tuple[Any, ...]]:
    """Return the way to every property."""
    match value:
        case dict(properties):
            own = [(*steps, name) for name in properties]
            return own + [place for name, child in properties.items() for place in _places(child, *steps, name)]
        case list(items):
            return [place for index, child in enumerate(items) for place in _places(child, *steps, index)]
    return []
