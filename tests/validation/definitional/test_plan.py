"""PlanDefinitions and ActivityDefinitions: what actions refer to is there, and expressions can be read."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import errors_of, told


def plan(action: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "PlanDefinition", "name": "X", "status": "draft", "action": [action], **more}


def fhirpath(expression: str) -> dict[str, Any]:
    return {"condition": [{"kind": "start", "expression": {"language": "text/fhirpath", "expression": expression}}]}


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"goalId": ["g"]}, []),
        ({"goalId": ["h"]}, [("plan", "action[0].goalId[0]")]),
        ({"id": "a", "action": [{"relatedAction": [{"actionId": "a", "relationship": "after"}]}]}, []),
        (
            {"id": "a", "relatedAction": [{"actionId": "a", "relationship": "after"}]},
            [("plan", "action[0].relatedAction[0].actionId")],
        ),
        (fhirpath("%subject.active"), []),
        (fhirpath("%subject.active("), [("expression-text", "action[0].condition[0].expression.expression")]),
    ],
)
def test_an_action_refers_to_what_there_is(
    validator: Validator, action: dict[str, Any], expected: list[tuple[str | None, str]]
) -> None:
    goals = [{"id": "g", "description": {"text": "a"}}]

    assert errors_of(validator, plan(action, goal=goals)) == expected


@pytest.mark.parametrize(
    ("path", "profile", "expected"),
    [
        ("status", "ServiceRequest", []),
        ("state", "ServiceRequest", [("expression-element", "error", "dynamicValue[0].path")]),
        ("status", "Patient", [("plan", "error", "profile")]),
    ],
)
def test_an_activity_is_of_its_kind(
    validator: Validator, path: str, profile: str, expected: list[tuple[str | None, str, str]]
) -> None:
    value = {"path": path, "expression": {"language": "text/fhirpath", "expression": "'draft'"}}
    activity = {
        "resourceType": "ActivityDefinition",
        "name": "X",
        "status": "draft",
        "kind": "ServiceRequest",
        "profile": f"http://hl7.org/fhir/StructureDefinition/{profile}",
        "dynamicValue": [value],
    }

    assert told(validator, activity) == expected
