"""Questionnaires, measures and their reports, code lists, other definitions: what they refer to is there and fits."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.json import encode
from fhir_service.fhir.resource import Key
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import element, profile

GENDER = "http://hl7.org/fhir/administrative-gender"
PROPERTY = "http://hl7.org/fhir/concept-properties#"
Told = list[tuple[str | None, str, str]]


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


@pytest.fixture(scope="module")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions, LoadedTerminology(definitions), extra=RULES)


def told(validator: Validator, resource: dict[str, Any]) -> Told:
    kind = f"{resource['resourceType']}."
    return [
        (issue.rule, issue.severity, issue.expression[0].removeprefix(kind))
        for issue in validator.check(resource)
        if issue.rule != "binding-extensible" and not (issue.rule or "").endswith("-0")  # names for programs
    ]


def questionnaire(*items: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "status": "active", "item": list(items)}


A = {"linkId": "a", "type": "integer"}
WHEN = {"question": "a", "operator": "=", "answerInteger": 1}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([A, {"linkId": "b", "type": "string", "enableWhen": [WHEN]}], []),
        (
            [A, {"linkId": "b", "type": "string", "enableWhen": [WHEN | {"question": "z"}]}],
            [("questionnaire", "error", "item[1].enableWhen[0].question")],
        ),
        (
            [A, {"linkId": "b", "type": "string", "enableWhen": [WHEN | {"question": "b"}]}],
            [("questionnaire", "error", "item[1].enableWhen[0].question")],
        ),
        (
            [{"linkId": "b", "type": "group", "enableWhen": [WHEN], "item": [A]}],
            [("questionnaire", "error", "item[0].enableWhen[0].question")],
        ),
        (
            [{"linkId": "b", "type": "string", "enableWhen": [WHEN]}, A],
            [("questionnaire", "warning", "item[0].enableWhen[0].question")],
        ),
        (
            [{"linkId": "a", "type": "boolean"}, {"linkId": "b", "type": "string", "enableWhen": [WHEN]}],
            [("questionnaire", "warning", "item[1].enableWhen[0]")],
        ),
        ([A | {"initial": [{"valueString": "1"}]}], [("questionnaire", "error", "item[0].initial[0]")]),
        ([{"linkId": "c", "type": "choice"}], [("questionnaire", "warning", "item[0]")]),
    ],
)
def test_conditions_and_first_answers_fit_their_questions(
    validator: Validator, items: list[dict[str, Any]], expected: Told
) -> None:
    assert told(validator, questionnaire(*items)) == expected


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


@pytest.mark.parametrize("profile", ["Patient/1", "profile", "http://hl7.org/fhir/ValueSet/administrative-gender"])
def test_a_profile_is_claimed_by_its_absolute_url(validator: Validator, profile: str) -> None:
    person = {"resourceType": "Patient", "meta": {"profile": [profile]}}

    assert ("canonical", "error", "meta.profile[0]") in told(validator, person)


def search_parameter(**elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "url": "http://example.jp/fhir/SearchParameter/x",
        "name": "X",
        "status": "draft",
        "description": "試験",
        "code": "x",
        "base": ["Patient"],
        "type": "token",
        **elements,
    }


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"expression": "Patient.gender"}, []),
        ({"expression": "(Person.gender | Patient.gender)"}, []),
        ({"expression": "Resource.id"}, []),
        ({"expression": "gender"}, []),
        ({"expression": "Person.gender"}, [("search-parameter", "error", "expression")]),
        ({"expression": "Patient", "type": "composite"}, [("search-parameter", "error", "SearchParameter")]),
    ],
)
def test_a_search_parameter_is_about_its_base(validator: Validator, elements: dict[str, Any], expected: Told) -> None:
    assert told(validator, search_parameter(**elements)) == expected


@pytest.mark.parametrize(("kind", "expected"), [("resource", []), ("complex-type", ["definition-kind"])])
def test_a_profile_is_of_the_kind_that_it_constrains(validator: Validator, kind: str, expected: list[str]) -> None:
    definition = {
        "resourceType": "StructureDefinition",
        "url": "http://example.jp/fhir/StructureDefinition/x",
        "name": "X",
        "status": "draft",
        "kind": kind,
        "abstract": False,
        "type": "Composition",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Composition",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Composition", "path": "Composition"}]},
    }

    assert [rule for rule, _, at in told(validator, definition) if at == "kind"] == expected


@pytest.mark.parametrize(
    ("base", "kind", "expected"),
    [
        ("Organization", "string", []),
        ("Organization", "token", [("search-parameter", "error", "type")]),
        ("Patient", "string", [("search-parameter", "error", "base[0]")]),
    ],
)
def test_a_derived_search_parameter_is_of_the_type_and_resources_of_its_origin(
    validator: Validator, base: str, kind: str, expected: Told
) -> None:
    parameter = {
        "resourceType": "SearchParameter",
        "url": "http://example.jp/fhir/SearchParameter/x",
        "derivedFrom": "http://hl7.org/fhir/SearchParameter/Organization-name",
        "name": "X",
        "status": "draft",
        "description": "試験",
        "code": "x",
        "base": [base],
        "type": kind,
        "expression": f"{base}.name",
    }

    assert told(validator, parameter) == expected


@pytest.mark.parametrize(("kind", "expected"), [("date", 0), ("token", 1)])
def test_a_search_parameter_of_a_capability_statement_has_its_type(
    validator: Validator, kind: str, expected: int
) -> None:
    parameter = {
        "name": "birthdate",
        "definition": "http://hl7.org/fhir/SearchParameter/individual-birthdate",
        "type": kind,
    }
    statement = {
        "resourceType": "CapabilityStatement",
        "description": "試験",
        "status": "active",
        "date": "2026-11-22",
        "kind": "requirements",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": [{"type": "Patient", "searchParam": [parameter]}]}],
    }

    place = "rest[0].resource[0].searchParam[0].type"
    assert told(validator, statement) == [("search-parameter", "error", place)] * expected


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ({"system": GENDER, "concept": [{"code": "male"}]}, []),
        ({"system": "http://loinc.org", "concept": [{"code": "1-8"}]}, []),
        (
            {"system": GENDER, "concept": [{"code": "man"}]},
            [("value-set", "error", "compose.include[0].concept[0].code")],
        ),
        ({"system": "gender"}, [("value-set", "error", "compose.include[0].system")]),
        ({"system": "#gender"}, [("include-system", "error", "compose.include[0].system")]),
        (
            {"system": "http://hl7.org/fhir/ValueSet/administrative-gender"},
            [("value-set", "error", "compose.include[0].system")],
        ),
    ],
)
def test_a_value_set_names_codes_that_there_are(validator: Validator, include: dict[str, Any], expected: Told) -> None:
    value_set = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}

    assert told(validator, value_set) == expected


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"content": "complete", "concept": [{"code": "a"}], "count": 1}, []),
        ({"content": "complete", "concept": [{"code": "a"}], "count": 2}, [("code-system", "error", "count")]),
        ({"content": "supplement"}, [("code-system", "error", "CodeSystem")]),
        (
            {"content": "supplement", "supplements": GENDER, "concept": [{"code": "man"}]},
            [("code-system", "error", "concept[0].code")],
        ),
        ({"content": "complete", "supplements": GENDER}, [("code-system", "error", "content")]),
        (
            {
                "content": "complete",
                "property": [{"code": "level", "type": "integer"}],
                "concept": [{"code": "a", "property": [{"code": "level", "valueString": "1"}]}],
            },
            [("code-system", "error", "concept[0].property[0]")],
        ),
        (
            {"content": "complete", "concept": [{"code": "a", "property": [{"code": "x", "valueString": "1"}]}]},
            [("code-system", "warning", "concept[0].property[0].code")],
        ),
        (
            {"content": "complete", "concept": [{"code": "a", "property": [{"code": "parent", "valueCode": "z"}]}]},
            [("code-system", "warning", "concept[0].property[0]")],
        ),
        (
            {
                "content": "complete",
                "property": [{"code": "up", "uri": f"{PROPERTY}parent", "type": "code"}],
                "concept": [{"code": "a", "property": [{"code": "up", "valueCode": "z"}]}],
            },
            [("code-system", "error", "concept[0].property[0]")],
        ),
        (
            {"content": "complete", "property": [{"code": "a", "type": "string"}] * 2, "concept": [{"code": "a"}]},
            [("property-twice", "error", "property[1].code")],
        ),
        (
            {
                "content": "complete",
                "property": [{"code": "a", "uri": "b", "type": "string"}],
                "concept": [{"code": "a"}],
            },
            [("code-system", "error", "property[0].uri")],
        ),
        (
            {
                "content": "complete",
                "property": [{"code": "child", "uri": f"{PROPERTY}parent", "type": "code"}],
                "concept": [{"code": "a"}],
            },
            [("code-system", "error", "property[0].uri")],
        ),
        (
            {
                "content": "complete",
                "property": [{"code": "a", "uri": f"{PROPERTY}inactive", "type": "string"}],
                "concept": [{"code": "a"}],
            },
            [("code-system", "error", "property[0].type")],
        ),
        ({"content": "not-present", "concept": [{"code": "a"}]}, [("code-system", "error", "concept[0]")]),
        ({"content": "fragment", "concept": [{"code": "a"}], "count": 1}, [("code-system", "warning", "count")]),
        (
            {"content": "supplement", "supplements": GENDER, "caseSensitive": True},
            [("code-system", "error", "caseSensitive")],
        ),
    ],
)
def test_a_code_system_is_what_it_says(validator: Validator, elements: dict[str, Any], expected: Told) -> None:
    assert told(validator, {"resourceType": "CodeSystem", "status": "active", **elements}) == expected


def test_a_map_is_between_codes_that_there_are(validator: Validator) -> None:
    element = {"code": "man", "target": [{"code": "woman", "equivalence": "equal"}]}
    group = {"source": GENDER, "target": GENDER, "element": [element]}

    assert told(validator, {"resourceType": "ConceptMap", "status": "active", "group": [group]}) == [
        ("concept-map", "error", "group[0].element[0].code"),
        ("concept-map", "error", "group[0].element[0].target[0].code"),
    ]


def test_a_map_is_between_the_value_sets_that_it_names(validator: Validator) -> None:
    element = {"code": "male", "target": [{"code": "male", "equivalence": "equal"}]}
    concept_map = {
        "resourceType": "ConceptMap",
        "status": "active",
        "sourceCanonical": "http://hl7.org/fhir/ValueSet/administrative-gender",
        "targetCanonical": "http://hl7.org/fhir/ValueSet/observation-status",
        "group": [{"source": GENDER, "target": GENDER, "element": [element]}],
    }

    assert told(validator, concept_map) == [("concept-map", "error", "group[0].element[0].target[0].code")]


def test_the_version_of_a_system_stands_beside_it(validator: Validator) -> None:
    compose = {"include": [{"system": "http://loinc.org|2.67"}]}

    assert told(validator, {"resourceType": "ValueSet", "status": "active", "compose": compose}) == [
        ("include-system", "error", "compose.include[0].system")
    ]


MEASURE = "https://example.jp/fhir/outreach/Measure/made"


def concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://example.jp/m", "code": code}]}


def population(code: str, **others: Any) -> dict[str, Any]:
    return {"code": concept(code), **others}


@pytest.fixture
def measure(definitions: Definitions) -> None:
    asked = {"criteria": {"language": "text/cql", "expression": "x"}}
    definitions.put(
        Key("Measure", "made"),
        encode(
            {
                "resourceType": "Measure",
                "url": MEASURE,
                "status": "active",
                "scoring": {"coding": [{"code": "proportion"}]},
                "group": [
                    {"code": concept("g"), "population": [population("n", **asked), population("d", **asked)]},
                    {"code": concept("h")},
                ],
            }
        ),
    )


GOOD = [
    {
        "code": concept("g"),
        "population": [population("n", count=1), population("d", count=2)],
        "measureScore": {"value": Decimal("0.5")},
    },
    {"code": concept("h"), "measureScore": {"value": 1}},
]


@pytest.mark.parametrize(
    ("groups", "status", "expected"),
    [
        (GOOD, "complete", []),
        (GOOD[:1], "complete", [("measure", "error", "MeasureReport")]),
        (GOOD[:1], "pending", [("measure", "warning", "MeasureReport")]),
        ([*GOOD, {"code": concept("z")}], "complete", [("measure", "error", "group[2]")]),
        (
            [GOOD[0] | {"population": [population("n"), population("x")]}, GOOD[1]],
            "complete",
            [("measure", "error", "group[0].population[1]"), ("measure", "error", "group[0]")],
        ),
        (
            [{"code": concept("g"), "population": GOOD[0]["population"]}, GOOD[1]],
            "complete",
            [("measure", "error", "group[0]")],
        ),
        (
            [GOOD[0] | {"measureScore": {"value": 50}}, GOOD[1]],
            "complete",
            [("measure", "error", "group[0].measureScore.value")],
        ),
    ],
)
@pytest.mark.usefixtures("measure")
def test_a_report_has_what_its_measure_asks(
    validator: Validator, groups: list[dict[str, Any]], status: str, expected: Told
) -> None:
    report = {
        "resourceType": "MeasureReport",
        "status": status,
        "type": "summary",
        "measure": MEASURE,
        "period": {"start": "2026-04-01", "end": "2026-09-30"},
        "group": groups,
    }

    assert told(validator, report) == expected


def test_expressions_and_parameters_can_be_read(validator: Validator) -> None:
    parameter = {
        "resourceType": "SearchParameter",
        "url": "http://example.jp/sp",
        "name": "Made",
        "status": "active",
        "description": "x",
        "code": "x",
        "base": ["Patient"],
        "type": "string",
        "expression": "Patient.name.where(",
    }
    named = {"name": "a", "use": "in", "min": 0, "max": "1"}
    operation = {
        "resourceType": "OperationDefinition",
        "name": "Made",
        "status": "active",
        "kind": "operation",
        "code": "x",
        "system": True,
        "type": False,
        "instance": False,
        "parameter": [named | {"type": "string"}, named | {"type": "Patients", "min": 2}],
    }

    assert told(validator, parameter) == [("expression", "error", "expression")]
    assert {each for each in told(validator, operation) if each[0] == "operation"} == {
        ("operation", "error", "parameter[1].name"),
        ("operation", "error", "parameter[1].type"),
        ("operation", "error", "parameter[1].max"),
    }


def test_no_two_elements_of_a_resource_have_one_id(validator: Validator) -> None:
    names = [{"id": "n", "text": "一"}, {"id": "n", "text": "二"}]
    contained = {"resourceType": "Organization", "id": "n", "name": "三"}
    patient = {"resourceType": "Patient", "name": names, "contained": [contained]}
    patient["managingOrganization"] = {"reference": "#n"}

    assert told(validator, patient) == [("element-id", "error", "name[1].id")]
    assert told(validator, patient | {"name": names[:1]}) == []


def test_the_constraints_of_a_structure_definition_can_be_read(validator: Validator) -> None:
    rule = {"key": "x-1", "severity": "error", "human": "?", "expression": "name.exists("}
    definition = profile("Patient", element("Patient.name", constraint=[rule]))

    assert told(validator, definition) == [("expression", "error", "differential.element[1].constraint[0].expression")]


@pytest.mark.parametrize(
    "holder", [{"maritalStatus": {"id": "a b", "text": "x"}}, {"birthDate": "2020", "_birthDate": {"id": "a b"}}]
)
def test_the_id_of_an_element_has_no_spaces(validator: Validator, holder: dict[str, Any]) -> None:
    found = validator.check({"resourceType": "Patient", **holder})

    assert [(issue.rule, issue.severity) for issue in found] == [("element-id", "error")]


@pytest.mark.parametrize(
    ("behavior", "expected"), [({}, [("que-12", "error", "item[1]")]), ({"enableBehavior": "any"}, [])]
)
def test_two_conditions_say_whether_both_must_hold(
    validator: Validator, behavior: dict[str, Any], expected: Told
) -> None:
    asked = {"linkId": "b", "type": "string", "enableWhen": [WHEN, WHEN | {"answerInteger": 2}], **behavior}

    assert told(validator, questionnaire(A, asked)) == expected


def test_a_composite_search_parameter_has_parts(validator: Validator) -> None:
    part = {"definition": "http://hl7.org/fhir/SearchParameter/clinical-code", "expression": "code"}
    parameter = {
        "resourceType": "SearchParameter",
        "url": "https://example.jp/fhir/SearchParameter/both",
        "name": "Both",
        "status": "active",
        "description": "a",
        "code": "both",
        "base": ["Observation"],
        "type": "composite",
        "expression": "Observation",
    }

    assert told(validator, parameter | {"component": [part, part]}) == []
    assert told(validator, parameter | {"component": [part]}) == [("search-parameter", "error", "SearchParameter")]


def test_a_profile_of_a_type_is_of_that_type(validator: Validator) -> None:
    def of(code: str, canonical: str) -> Told:
        kind = [{"code": code, "profile": [f"http://hl7.org/fhir/StructureDefinition/{canonical}"]}]
        return told(validator, profile("Observation", element("Observation.value[x]", type=kind)))

    assert of("Quantity", "SimpleQuantity") == []
    assert of("Quantity", "Count") == [("definition", "error", "differential.element[1].type[0].profile[0]")]


def test_the_type_of_a_logical_model_is_a_url(validator: Validator) -> None:
    def model(kind: str) -> dict[str, Any]:
        base = "http://hl7.org/fhir/StructureDefinition/Element"
        return profile(kind, kind="logical", derivation="specialization", baseDefinition=base)

    assert ("definition", "error", "type") in told(validator, model("Visit"))
    assert ("definition", "error", "type") not in told(validator, model("https://example.jp/fhir/Visit"))


@pytest.mark.parametrize(
    ("kind", "count", "expected"),
    [
        ("subject-list", 1, []),
        ("subject-list", 500, [("measure", "error", "group[0].population[0].count")]),
        ("summary", 1, [("measure", "error", "group[0].population[0].subjectResults")]),
    ],
)
def test_only_a_list_of_subjects_lists_them_and_counts_them(
    validator: Validator, kind: str, count: int, expected: Told
) -> None:
    subjects = {
        "resourceType": "List",
        "id": "s",
        "status": "current",
        "mode": "snapshot",
        "entry": [{"item": {"display": "a"}}],
    }
    report = {
        "resourceType": "MeasureReport",
        "contained": [subjects],
        "status": "complete",
        "type": kind,
        "measure": "https://example.jp/fhir/Measure/unknown",
        "period": {"start": "2026-04-01", "end": "2026-09-30"},
        "group": [{"population": [{"count": count, "subjectResults": {"reference": "#s"}}]}],
    }

    assert [each for each in told(validator, report) if each[1] == "error"] == expected


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


def test_a_profile_does_not_loosen_a_required_binding(validator: Validator) -> None:
    def bound(strength: str) -> Told:
        binding = {"strength": strength, "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}
        return told(validator, profile("Patient", element("Patient.gender", binding=binding)))

    assert bound("required") == []
    assert bound("example") == [("definition", "error", "StructureDefinition")]
