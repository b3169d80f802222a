"""SearchParameters, and the definitions that name them or have parameters of their own."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, told


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
        ({"expression": "(Person.gender | Patient.gender)"}, [("search-parameter", "error", "expression")]),
        ({"expression": "(Person.gender | Patient.gender)", "base": ["Patient", "Person"]}, []),
        ({"expression": "Resource.id"}, []),
        ({"expression": "gender"}, []),
        ({"expression": "Person.gender"}, [("search-parameter", "error", "expression")]),
        ({"expression": "Patient", "type": "composite"}, [("search-parameter", "error", "SearchParameter")]),
    ],
)
def test_a_search_parameter_is_about_its_base(validator: Validator, elements: dict[str, Any], expected: Told) -> None:
    assert told(validator, search_parameter(**elements)) == expected


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
    assert {each for each in told(validator, operation) if each[0] in ("operation", "definition-bounds")} == {
        ("operation", "error", "parameter[1].name"),
        ("operation", "error", "parameter[1].type"),
        ("definition-bounds", "error", "parameter[1].max"),
    }


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


CODE, QUANTITY = (
    f"http://hl7.org/fhir/SearchParameter/{name}" for name in ("clinical-code", "Observation-value-quantity")
)


@pytest.mark.parametrize(
    ("elements", "rule"),
    [
        ({"expression": "Patient.sex"}, "expression-element"),
        ({"expression": "Patient.gender | Patient.sex"}, "expression-element"),
        ({"expression": "Patient.telecom.where(kind = 'phone')"}, "expression-element"),
        ({"expression": "Patient.name.whole()", "type": "string"}, "expression-element"),
        ({"expression": "Patient.deceased.ofType(Text)"}, "expression-element"),
        ({"expression": "Patient.gender", "type": "date"}, "search-parameter"),
        ({"expression": "Patient.name.family", "type": "number"}, "search-parameter"),
        ({"expression": "Patient.birthDate", "type": "token"}, "search-parameter"),
        ({"expression": "Patient.gender", "type": "reference"}, "search-parameter"),
        (
            {"expression": "Patient.managingOrganization", "type": "reference", "target": ["Medication"]},
            "search-parameter",
        ),
        ({"expression": "Patient.gender", "target": ["Organization"]}, "search-parameter"),
        (
            {"expression": "Patient.gender", "component": [{"definition": CODE, "expression": "code"}]},
            "search-parameter",
        ),
    ],
)
def test_a_search_parameter_searches_what_its_expression_selects(
    validator: Validator, elements: dict[str, Any], rule: str
) -> None:
    assert [each[:2] for each in told(validator, search_parameter(**elements))] == [(rule, "error")]


@pytest.mark.parametrize(
    "elements",
    [
        {"expression": "Patient.deceased.exists() and Patient.deceased != false"},
        {"expression": "Patient.managingOrganization", "type": "reference", "target": ["Organization"]},
        {"expression": "Patient.extension('https://example.jp/fhir/x').value", "type": "string"},
        {"expression": "Patient.name.family", "type": "string"},
    ],
)
def test_what_an_expression_selects_may_be_searched(validator: Validator, elements: dict[str, Any]) -> None:
    assert told(validator, search_parameter(**elements)) == []


@pytest.mark.parametrize(
    ("definition", "expression", "place"),
    [
        (QUANTITY, "value.as(Quantity)", None),
        (QUANTITY, "values", "component[1].expression"),
        (QUANTITY, "status", "component[1].expression"),
        (f"{CODE}-none", "value.as(Quantity)", "component[1].definition"),
        ("http://hl7.org/fhir/SearchParameter/Observation-code-value-quantity", "$this", "component[1].definition"),
    ],
)
def test_the_parts_of_a_composite_can_be_searched(
    validator: Validator, definition: str, expression: str, place: str | None
) -> None:
    parts = [{"definition": CODE, "expression": "code"}, {"definition": definition, "expression": expression}]
    whole = {"base": ["Observation"], "expression": "Observation", "type": "composite", "component": parts}

    found = told(validator, search_parameter(**whole))
    assert [each[2] for each in found if each[1] == "error"] == ([place] if place else [])


ORGANIZATION = {"type": "reference", "expression": "Patient.managingOrganization", "target": ["Organization"]}


@pytest.mark.parametrize(
    ("elements", "at"),
    [
        ({"expression": "Patient.gender", "modifier": ["missing", "not", "ofType"]}, None),
        ({"expression": "Patient.gender", "modifier": ["contains"]}, "modifier[0]"),
        ({"expression": "Patient.name", "type": "string", "modifier": ["exact", "identifier"]}, "modifier[1]"),
        ({"expression": "Patient.birthDate", "type": "date", "comparator": ["eq", "gt"]}, None),
        ({"expression": "Patient.gender", "comparator": ["eq"]}, None),
        ({"expression": "Patient.gender", "comparator": ["gt"]}, "comparator[0]"),
        (ORGANIZATION | {"chain": ["name", "_id", "partof.name"]}, None),
        (ORGANIZATION | {"chain": ["nickname"]}, "chain[0]"),
        ({"expression": "Patient.gender | Person.gender", "base": ["Patient", "Person"]}, None),
        ({"expression": "gender", "base": ["Patient", "Person"]}, None),
        ({"expression": "Patient.gender", "base": ["Patient", "Person"]}, "base[1]"),
    ],
)
def test_a_search_parameter_can_be_used_as_it_says(
    validator: Validator, elements: dict[str, Any], at: str | None
) -> None:
    assert told(validator, search_parameter(**elements)) == ([("search-parameter", "error", at)] if at else [])


def test_without_an_expression_nothing_is_indexed(validator: Validator) -> None:
    assert told(validator, search_parameter()) == [("search-parameter", "warning", "SearchParameter")]
    assert told(validator, search_parameter(type="special")) == []


@pytest.mark.parametrize(
    ("expression", "good"),
    [
        ("(Patient.deceased as dateTime)", True),
        ("Patient.deceased.ofType(boolean)", True),
        ("Patient.contained.ofType(Organization)", True),
        ("(Patient.deceased as Quantity)", False),
        ("Patient.deceased.as(Range)", False),
        ("Patient.name.ofType(Address)", False),
    ],
)
def test_an_expression_casts_to_what_an_element_can_be(validator: Validator, expression: str, good: bool) -> None:
    found = told(validator, search_parameter(type="special", expression=expression))

    assert [rule for rule, _, _ in found] == ([] if good else ["expression-element"])
