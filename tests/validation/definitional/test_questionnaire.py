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
