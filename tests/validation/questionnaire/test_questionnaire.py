"""Questionnaires: conditions and first answers fit their questions."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, told


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
    ("behavior", "expected"), [({}, [("que-12", "error", "item[1]")]), ({"enableBehavior": "any"}, [])]
)
def test_two_conditions_say_whether_both_must_hold(
    validator: Validator, behavior: dict[str, Any], expected: Told
) -> None:
    asked = {"linkId": "b", "type": "string", "enableWhen": [WHEN, WHEN | {"answerInteger": 2}], **behavior}

    assert told(validator, questionnaire(A, asked)) == expected


GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
CODE = {"valueCoding": {"system": "https://example.jp/fhir/cs", "code": "x"}}
OTHER = {"valueCoding": {"system": "https://example.jp/fhir/cs", "code": "y"}}


@pytest.mark.parametrize(
    ("asked", "operator", "place"),
    [
        (A, ">", None),
        ({"linkId": "a", "type": "boolean"}, ">", "enableWhen[0].operator"),
        ({"linkId": "a", "type": "choice", "answerOption": [CODE]}, "<=", "enableWhen[0].operator"),
        ({"linkId": "a", "type": "group", "item": [{"linkId": "c", "type": "string"}]}, "=", "enableWhen[0].question"),
        ({"linkId": "a", "type": "display"}, "=", "enableWhen[0].question"),
    ],
)
def test_a_condition_asks_what_can_be_answered_so(
    validator: Validator, asked: dict[str, Any], operator: str, place: str | None
) -> None:
    condition = WHEN | {"operator": operator}
    found = told(validator, questionnaire(asked, {"linkId": "b", "type": "string", "enableWhen": [condition]}))

    assert [at for _, severity, at in found if severity == "error"] == ([f"item[1].{place}"] if place else [])


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": "integer", "answerOption": [{"valueInteger": 1}, {"valueInteger": 2}]}, []),
        ({"type": "integer", "answerOption": [{"valueString": "1"}]}, [("error", "item[0].answerOption[0]")]),
        ({"type": "choice", "answerOption": [CODE, OTHER]}, []),
        ({"type": "choice", "answerOption": [{"valueInteger": 1}, {"valueString": "2"}]}, []),
        ({"type": "choice", "answerValueSet": GENDERS}, []),
        ({"type": "integer", "answerValueSet": GENDERS}, [("warning", "item[0].answerValueSet")]),
        ({"type": "string", "maxLength": 0}, [("warning", "item[0].maxLength")]),
        ({"type": "choice", "answerOption": [CODE, CODE]}, [("warning", "item[0].answerOption[1]")]),
        (
            {"type": "choice", "answerOption": [each | {"initialSelected": True} for each in (CODE, OTHER)]},
            [("error", "item[0]")],
        ),
        (
            {
                "type": "choice",
                "repeats": True,
                "answerOption": [each | {"initialSelected": True} for each in (CODE, OTHER)],
            },
            [],
        ),
        ({"type": "string", "maxLength": 2, "initial": [{"valueString": "三文字"}]}, [("error", "item[0].initial[0]")]),
        ({"type": "string", "definition": "http://hl7.org/fhir/StructureDefinition/Patient#Patient.name.text"}, []),
        (
            {"type": "string", "definition": "http://hl7.org/fhir/StructureDefinition/Patient#Patient.nickname"},
            [("error", "item[0].definition")],
        ),
    ],
)
def test_an_option_fits_its_question(
    validator: Validator, item: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = told(validator, questionnaire({"linkId": "a", **item}))

    assert [each[1:] for each in found] == expected


@pytest.mark.parametrize(
    ("code", "expected"), [("x", []), ("z", [("questionnaire", "warning", "item[1].enableWhen[0]")])]
)
def test_a_condition_names_an_option_that_there_is(validator: Validator, code: str, expected: Any) -> None:
    asked = {"linkId": "a", "type": "choice", "answerOption": [CODE, OTHER]}
    answer = {"system": "https://example.jp/fhir/cs", "code": code}
    condition = {"question": "a", "operator": "=", "answerCoding": answer}

    found = told(validator, questionnaire(asked, {"linkId": "b", "type": "string", "enableWhen": [condition]}))

    assert found == expected
