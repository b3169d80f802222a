"""CapabilityStatements, ImplementationGuides and OperationDefinitions: what they name is of the type they say."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import errors_of, told

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
BIRTHDATE = {
    "name": "birthdate",
    "definition": "http://hl7.org/fhir/SearchParameter/individual-birthdate",
    "type": "date",
}
LOOKUP = {"name": "lookup", "definition": "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup"}
OPERATION = {
    "resourceType": "OperationDefinition",
    "name": "X",
    "status": "draft",
    "kind": "operation",
    "code": "x",
    "system": True,
    "type": False,
    "instance": False,
}
TAKEN: dict[str, Any] = {"name": "a", "use": "in", "min": 0, "max": "1"}


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ({"searchParam": [BIRTHDATE], "profile": f"{STRUCTURE}Patient"}, None),
        ({"searchInclude": ["Patient:organization"], "searchRevInclude": ["Observation:subject"]}, None),
        ({"searchInclude": ["*", "Patient:own"], "searchParam": [{"name": "own", "type": "token"}]}, None),
        ({"type": "Medication", "searchParam": [BIRTHDATE]}, "searchParam[0].definition"),
        ({"operation": [LOOKUP]}, "operation[0].definition"),
        ({"profile": f"{STRUCTURE}Observation"}, "profile"),
        ({"supportedProfile": [f"{STRUCTURE}vitalsigns"]}, "supportedProfile[0]"),
        ({"searchInclude": ["Patient:employer"]}, "searchInclude[0]"),
        ({"searchRevInclude": ["Person2:patient"]}, "searchRevInclude[0]"),
    ],
)
def test_a_capability_is_about_its_type(validator: Validator, resource: dict[str, Any], place: str | None) -> None:
    statement = {
        "resourceType": "CapabilityStatement",
        "description": "a",
        "status": "draft",
        "date": "2026-11-23",
        "kind": "requirements",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": [{"type": "Patient", **resource}]}],
    }

    assert [at for _, at in errors_of(validator, statement)] == ([f"rest[0].resource[0].{place}"] if place else [])


@pytest.mark.parametrize(("kind", "expected"), [("Patient", []), ("Observation", ["global[0].profile"])])
def test_the_profile_of_a_type_is_of_that_type(validator: Validator, kind: str, expected: list[str]) -> None:
    guide = {
        "resourceType": "ImplementationGuide",
        "url": "https://example.jp/fhir/ImplementationGuide/x",
        "name": "X",
        "status": "draft",
        "packageId": "jp.example.x",
        "fhirVersion": ["4.0.1"],
        "global": [{"type": "Patient", "profile": f"{STRUCTURE}{kind}"}],
    }

    assert [at for _, at in errors_of(validator, guide)] == expected


@pytest.mark.parametrize(
    ("parameter", "more", "place"),
    [
        (
            {"type": "Reference", "targetProfile": [f"{STRUCTURE}Patient"]},
            {"inputProfile": f"{STRUCTURE}Parameters"},
            None,
        ),
        ({}, {"overload": [{"parameterName": ["a"]}]}, None),
        ({"max": "many"}, {}, "parameter[0].max"),
        ({"part": [{"name": "b", "use": "in", "min": 0, "max": "1", "type": "string"}]}, {}, "parameter[0].part"),
        ({}, {"type": True, "resource": ["Patient"]}, None),
        ({}, {"type": True}, "OperationDefinition"),
        ({}, {"instance": True}, "OperationDefinition"),
        ({}, {"system": False}, "OperationDefinition"),
        (
            {"type": "boolean", "binding": {"strength": "required", "valueSet": "https://example.jp/fhir/ValueSet/x"}},
            {},
            "parameter[0].binding",
        ),
        ({"type": "Reference", "targetProfile": [f"{STRUCTURE}HumanName"]}, {}, "parameter[0].targetProfile[0]"),
        ({}, {"overload": [{"parameterName": ["b"]}]}, "overload[0].parameterName[0]"),
        ({}, {"inputProfile": f"{STRUCTURE}Patient"}, "inputProfile"),
    ],
)
def test_an_operation_takes_what_there_is(
    validator: Validator, parameter: dict[str, Any], more: dict[str, Any], place: str | None
) -> None:
    operation = OPERATION | {"parameter": [TAKEN | {"type": "string"} | parameter]} | more

    assert [at for _, at in errors_of(validator, operation)] == ([place] if place else [])


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("oid", "1.2.392.100495.20.3.11", True),
        ("oid", "urn:oid:1.2.392", True),
        ("uri", "https://example.jp/id", True),
        ("uuid", "c757873d-ec9a-4326-a141-556f43239520", True),
        ("oid", "医療機関番号", False),
        ("oid", "urn:oid:1.2.x", False),
        ("uuid", "c757873d", False),
    ],
)
def test_an_identifier_of_a_naming_system_is_of_its_type(
    validator: Validator, kind: str, value: str, good: bool
) -> None:
    naming = {
        "resourceType": "NamingSystem",
        "name": "X",
        "status": "draft",
        "kind": "identifier",
        "date": "2026-11-23",
        "uniqueId": [{"type": kind, "value": value}],
    }

    assert errors_of(validator, naming) == ([] if good else [("naming-system", "uniqueId[0].value")])


@pytest.mark.parametrize(("use", "expected"), [("in", []), ("out", [("operation", "parameter[0].part[0].use")])])
def test_a_part_of_a_parameter_is_used_as_the_whole(validator: Validator, use: str, expected: Any) -> None:
    part = {"name": "b", "use": use, "min": 0, "max": "1", "type": "string"}
    operation = OPERATION | {"parameter": [TAKEN | {"part": [part]}]}

    assert errors_of(validator, operation) == expected
    assert ("operation", "warning", "code") in told(validator, operation | {"code": "$x"})
