"""Names within a definition, definitions that name themselves, and bounds."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import errors_of

URL = "https://example.jp/fhir/x"
QUESTIONS = [{"linkId": "a", "type": "string"}]
ACTORS = [{"actorId": "nurse", "type": "person"}]


def definition(resource_type: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": resource_type, "status": "draft", **elements}


def scenario(**operation: Any) -> dict[str, Any]:
    step = {"operation": {"number": "1", **operation}}
    instance = {"resourceId": "r", "resourceType": "Patient"}
    nested = [{"title": "x", "step": [{"process": [{"title": "y", "step": [step]}]}]}]
    return definition("ExampleScenario", actor=ACTORS, instance=[instance], process=nested)


OPERATION = "process[0].step[0].process[0].step[0].operation"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (scenario(initiator="nurse", request={"resourceId": "r"}), []),
        (scenario(initiator="doctor"), [f"{OPERATION}.initiator"]),
        (scenario(request={"resourceId": "z"}), [f"{OPERATION}.request.resourceId"]),
        (definition("PlanDefinition", action=[{"id": "a", "title": "x"}, {"action": [
            {"relatedAction": [{"actionId": "a", "relationship": "after"}]}]}]), []),
        (definition("PlanDefinition", action=[{"relatedAction": [{"actionId": "z", "relationship": "after"}]}]),
         ["action[0].relatedAction[0].actionId"]),
        (definition("Questionnaire", url=URL, derivedFrom=[URL], item=QUESTIONS), ["derivedFrom[0]"]),
        (definition("Questionnaire", url=URL, derivedFrom=[f"{URL}2"], item=QUESTIONS), []),
    ],
)  # fmt: skip
def test_what_a_definition_names_in_itself_is_there(
    validator: Validator, resource: dict[str, Any], expected: list[str]
) -> None:
    assert errors_of(validator, resource) == [("definition-name", each) for each in expected]


@pytest.mark.parametrize(
    ("most", "good"),
    [("*", True), ("2", True), ("1", False), ("many", False), ("²", False), ("３", False), ("9" * 5000, False)],
)
def test_a_max_is_a_number_and_not_below_the_min(validator: Validator, most: str, good: bool) -> None:
    parameter = {"name": "a", "use": "in", "type": "string", "min": 2, "max": most}
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "logic-library"}]}
    library = definition("Library", type=kind, parameter=[parameter])
    message = definition(
        "MessageDefinition",
        date="2026-11-23",
        eventUri="https://example.jp/event",
        focus=[{"code": "Patient", "min": 2, "max": most}],
    )

    assert errors_of(validator, library) == ([] if good else [("definition-bounds", "parameter[0].max")])
    assert (("definition-bounds", "focus[0].max") in errors_of(validator, message)) is not good


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ({"codeFilter": [{"path": "code", "code": [{"code": "x"}]}]}, []),
        ({"codeFilter": [{"path": "valueCodeableConcept", "code": [{"code": "x"}]}]}, []),
        ({"codeFilter": [{"path": "kode", "code": [{"code": "x"}]}]}, [("expression-element", "codeFilter[0].path")]),
        ({"codeFilter": [{"searchParam": "kode", "code": [{"code": "x"}]}]},
         [("search-parameter", "codeFilter[0].searchParam")]),
        ({"sort": [{"path": "when", "direction": "ascending"}]}, [("expression-element", "sort[0].path")]),
        ({"mustSupport": ["value", "kode"]}, [("expression-element", "mustSupport[1]")]),
        ({"profile": ["http://hl7.org/fhir/StructureDefinition/Patient"]}, [("plan", "profile[0]")]),
    ],
)  # fmt: skip
def test_the_data_that_are_asked_for_have_what_is_named(
    validator: Validator, requirement: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    plan = definition("PlanDefinition", action=[{"input": [{"type": "Observation", **requirement}]}])

    assert errors_of(validator, plan) == [(rule, f"action[0].input[0].{at}") for rule, at in expected]
