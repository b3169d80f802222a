"""ValueSets, CodeSystems and ConceptMaps: the codes and properties that they name are there."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, errors_of, told
from tests.validation.profile.conftest import Know

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


ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@pytest.mark.parametrize(
    ("property_", "operator", "value", "place"),
    [
        ("concept", "is-a", "_ActPolicyType", None),
        ("code", "regex", "[A-Z]+", None),
        ("concept", "is-a", "nothing", "value"),
        ("concept", "generalizes", "nothing", "value"),
        ("code", "regex", "(", "value"),
        ("status", "exists", "maybe", "value"),
    ],
)
def test_a_filter_has_a_value_that_fits(
    validator: Validator, property_: str, operator: str, value: str, place: str | None
) -> None:
    include = {"system": ACT, "filter": [{"property": property_, "op": operator, "value": value}]}
    value_set = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}

    expected = [("value-set", f"compose.include[0].filter[0].{place}")] if place else []
    assert errors_of(validator, value_set) == expected


def test_of_a_property_that_the_system_has_not_is_warned(validator: Validator) -> None:
    include = {"system": GENDER, "filter": [{"property": "colour", "op": "=", "value": "a"}]}
    value_set = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}

    assert told(validator, value_set) == [("value-set", "warning", "compose.include[0].filter[0].property")]


def test_a_value_set_does_not_include_itself(validator: Validator) -> None:
    url = "https://example.jp/fhir/ValueSet/self"
    value_set = {
        "resourceType": "ValueSet",
        "url": url,
        "status": "active",
        "compose": {"include": [{"valueSet": [url]}]},
    }

    assert errors_of(validator, value_set) == [("value-set", "compose.include[0].valueSet[0]")]


def test_what_is_included_is_a_code_system(validator: Validator) -> None:
    include = {"system": "http://hl7.org/fhir/StructureDefinition/Patient"}
    value_set = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}

    assert errors_of(validator, value_set) == [("value-set", "compose.include[0].system")]


@pytest.mark.parametrize(
    ("contains", "total", "expected"),
    [
        ([{"system": GENDER, "code": "male"}], 1, []),
        ([{"system": GENDER, "code": "female"}], 1, ["expansion.contains[0].code"]),
        ([{"system": GENDER, "code": "man"}], 1, ["expansion.contains[0].code"]),
        (
            [{"system": GENDER, "code": "male", "contains": [{"system": GENDER, "code": "female"}]}],
            2,
            ["expansion.contains[0].contains[0].code"],
        ),
        ([{"system": GENDER, "code": "male"}], 0, ["expansion.total"]),
        ([{"system": GENDER, "code": "male"}], 2, ["expansion.total"]),
    ],
)
def test_an_expansion_has_what_is_composed(
    validator: Validator, contains: list[dict[str, Any]], total: int, expected: list[str]
) -> None:
    value_set = {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [{"system": GENDER, "concept": [{"code": "male"}]}]},
        "expansion": {"timestamp": "2026-11-23T00:00:00Z", "total": total, "contains": contains},
    }

    assert errors_of(validator, value_set) == [("value-set-expansion", each) for each in expected]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}, ["valueSet"]),
        ({"valueSet": "https://example.jp/fhir/ValueSet/unknown"}, []),
        ({"caseSensitive": False, "concept": [{"code": "a"}, {"code": "A"}]}, ["concept[1].code"]),
        ({"caseSensitive": True, "concept": [{"code": "a"}, {"code": "A"}]}, []),
        (
            {
                "property": [{"code": "parent", "uri": f"{PROPERTY}parent", "type": "code"}],
                "concept": [
                    {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
                    {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
                ],
            },
            ["concept[0]"],
        ),
    ],
)
def test_a_code_system_does_not_contradict_itself(
    validator: Validator, elements: dict[str, Any], expected: list[str]
) -> None:
    system = {
        "resourceType": "CodeSystem",
        "url": "https://example.jp/fhir/CodeSystem/x",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "a"}],
        **elements,
    }

    assert errors_of(validator, system) == [("code-system", each) for each in expected]


def test_the_value_set_of_a_whole_code_system_is_of_it_alone(validator: Validator, know: Know) -> None:
    system, url = "https://example.jp/fhir/CodeSystem/whole", "https://example.jp/fhir/ValueSet/whole"
    include = {"system": system}
    definition = {
        "resourceType": "CodeSystem",
        "url": system,
        "status": "active",
        "content": "complete",
        "concept": [{"code": "a"}],
        "valueSet": url,
    }
    found = []
    for includes in ([include], [include, {"system": GENDER}], [include | {"concept": [{"code": "a"}]}]):
        know({"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": includes}})
        found.append(errors_of(validator, definition))

    assert found == [[], [("code-system", "valueSet")], [("code-system", "valueSet")]]


def test_what_is_not_mapped_becomes_a_code_that_there_is(validator: Validator) -> None:
    def to(code: str) -> list[tuple[str | None, str]]:
        element = {"code": "male", "target": [{"code": "male", "equivalence": "equal"}]}
        group = {"source": GENDER, "target": GENDER, "element": [element], "unmapped": {"mode": "fixed", "code": code}}
        return errors_of(validator, {"resourceType": "ConceptMap", "status": "active", "group": [group]})

    assert to("unknown") == []
    assert to("none") == [("concept-map", "group[0].unmapped.code")]


@pytest.mark.parametrize(
    ("expansion", "expected"),
    [
        ({"total": 1}, ["compose.include[0].concept[1]"]),
        ({}, ["compose.include[0].concept[1]"]),
        ({"parameter": [{"name": "used-codesystem", "valueUri": GENDER}]}, ["compose.include[0].concept[1]"]),
        ({"total": 2, "parameter": [{"name": "count", "valueInteger": 1}]}, []),
        ({"parameter": [{"name": "filter", "valueString": "m"}]}, []),
        ({"total": 2, "offset": 0}, []),
        ({"total": 2, "offset": 2}, ["expansion.offset"]),
    ],
)
def test_an_expansion_lacks_nothing_unless_it_says_so(
    validator: Validator, expansion: dict[str, Any], expected: list[str]
) -> None:
    male = {"system": GENDER, "code": "male"}
    value_set = {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [{"system": GENDER, "concept": [{"code": "male"}, {"code": "female"}]}]},
        "expansion": {"timestamp": "2026-11-23T00:00:00Z", "contains": [male], **expansion},
    }

    assert errors_of(validator, value_set) == [("value-set-expansion", each) for each in expected]


@pytest.mark.parametrize(("code", "expected"), [("a", []), ("z", [("code-system", "concept[0].property[0]")])])
def test_a_property_of_the_type_code_names_a_concept_of_the_system(
    validator: Validator, code: str, expected: list[Any]
) -> None:
    code_system = {
        "resourceType": "CodeSystem",
        "status": "active",
        "content": "complete",
        "property": [{"code": "group", "type": "code"}],
        "concept": [{"code": "a", "property": [{"code": "group", "valueCode": code}]}],
    }

    assert errors_of(validator, code_system) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"equivalence": "unmatched"}, []),
        ({"code": "male", "equivalence": "unmatched"}, []),
        ({"equivalence": "equal"}, [("concept-map", "error", "")]),
        (
            {
                "code": "male",
                "equivalence": "equal",
                "dependsOn": [{"property": "http://x.org", "system": GENDER, "value": "z"}],
            },
            [("concept-map", "error", ".dependsOn[0].value")],
        ),
        ({"code": "male", "display": "Female", "equivalence": "equal"}, [("display", "warning", ".display")]),
        ({"code": "male", "display": "男性", "equivalence": "equal"}, []),
    ],
)
def test_a_map_says_what_it_maps_to(validator: Validator, target: dict[str, Any], expected: Told) -> None:
    group = {"source": GENDER, "target": GENDER, "element": [{"code": "male", "target": [target]}]}
    place = "group[0].element[0].target[0]"

    assert told(validator, {"resourceType": "ConceptMap", "status": "active", "group": [group]}) == [
        (rule, severity, f"{place}{at}") for rule, severity, at in expected
    ]


def test_a_url_is_that_of_one_type_only(validator: Validator) -> None:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"

    assert errors_of(
        validator, {"resourceType": "CodeSystem", "url": url, "status": "active", "content": "complete"}
    ) == [("canonical", "url")]


def test_a_filter_of_snomed_ct_is_by_what_it_has(validator: Validator) -> None:
    def filtered(name: str) -> Told:
        include = {"system": "http://snomed.info/sct", "filter": [{"property": name, "op": "is-a", "value": "1"}]}
        return told(validator, {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}})

    assert filtered("concept") == filtered("246075003") == []
    assert filtered("kind") == [("value-set", "warning", "compose.include[0].filter[0].property")]
