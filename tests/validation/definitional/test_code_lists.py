"""ValueSets, CodeSystems and ConceptMaps: the codes and properties that they name are there."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, told

GENDER = "http://hl7.org/fhir/administrative-gender"


PROPERTY = "http://hl7.org/fhir/concept-properties#"


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
