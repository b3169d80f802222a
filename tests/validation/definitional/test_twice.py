"""What a definition says twice, though once is all there can be."""

from typing import Any

import pytest

from fhir_service.validation.definitional.twice import AGAIN, ONCE
from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, told

GENDER = "http://hl7.org/fhir/administrative-gender"
SAME = {"code": "male", "target": [{"code": "male", "equivalence": "equal"}]}


def definition(resource_type: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": resource_type, "status": "draft", **elements}


@pytest.mark.parametrize(
    ("resource", "at"),
    [
        (definition("CodeSystem", content="complete", filter=[{"code": "f", "operator": ["="], "value": "x"}] * 2),
         "filter[1]"),
        (definition("CodeSystem", content="complete", concept=[
            {"code": "a", "concept": [{"code": "b", "designation": [{"language": "ja", "value": "あ"}] * 2}]}]),
         "concept[0].concept[0].designation[1]"),
        (definition("ConceptMap", group=[{"source": GENDER, "target": GENDER, "element": [SAME, SAME]}]),
         "group[0].element[1]"),
        (definition("ConceptMap", group=[{"source": GENDER, "target": GENDER,
                                          "element": [{"code": "male", "target": SAME["target"] * 2}]}]),
         "group[0].element[0].target[1]"),
        (definition("ImplementationGuide", url="https://example.jp/ig", name="X", packageId="jp.example.x",
                    fhirVersion=["4.0.1"], definition={"resource": [{"reference": {"reference": "Patient/1"}}] * 2}),
         "definition.resource[1]"),
        (definition("ValueSet", expansion={"timestamp": "2026-11-23T00:00:00Z",
                                           "contains": [{"system": GENDER, "code": "male"}] * 2}),
         "expansion.contains[1]"),
        (definition("CapabilityStatement", description="a", date="2026-11-23", kind="requirements", fhirVersion="4.0.1",
                    format=["json"], rest=[{"mode": "server", "resource": [
                        {"type": "Patient", "interaction": [{"code": "read"}, {"code": "read"}]}]}]),
         "rest[0].resource[0].interaction[1]"),
        (definition("SearchParameter", url="https://example.jp/sp", name="X", description="x", code="x", type="token",
                    base=["Patient", "Patient"], expression="Patient.gender"),
         "base[1]"),
    ],
)  # fmt: skip
def test_what_is_said_twice_is_an_error_where_one_of_them_must_count(
    validator: Validator, resource: dict[str, Any], at: str
) -> None:
    assert told(validator, resource) == [("definition-twice", "error", at)]


@pytest.mark.parametrize(
    "include",
    [
        [{"system": GENDER}] * 2,
        [{"system": GENDER, "concept": [{"code": "male"}, {"code": "male"}]}],
    ],
)
def test_what_changes_nothing_when_it_is_said_again_is_a_warning(validator: Validator, include: list[Any]) -> None:
    found = told(validator, definition("ValueSet", compose={"include": include}))

    assert [(rule, severity) for rule, severity, _ in found] == [("definition-twice", "warning")]


def test_what_differs_is_not_said_twice(validator: Validator) -> None:
    languages = [{"language": "ja", "value": "男"}, {"language": "en", "value": "男"}]
    concepts = [{"code": "a", "designation": languages}, {"code": "b", "designation": languages}]
    expected: Told = []

    assert told(validator, definition("CodeSystem", content="complete", concept=concepts)) == expected


@pytest.mark.parametrize("table", [ONCE, AGAIN])
def test_every_element_of_the_tables_is_one_of_r4(validator: Validator, table: Any) -> None:
    types = validator.definitions

    for resource_type, paths in table.items():
        for path, key in paths.items():
            name = resource_type
            for step in path.replace("+", "").split("."):
                element = next(each for each in types.type(name).elements if each.name == step)
                name = element.types[0]
            assert element.repeats, path
            assert {*key} <= {each.name for each in types.type(name).elements}, path
