"""TestScripts: the fixtures, profiles and variables that actions name are there."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import errors_of

OPERATION = {"encodeRequestUrl": True, "sourceId": "f", "responseId": "r"}


@pytest.mark.parametrize(
    ("operation", "asserted", "place"),
    [
        ({"params": "/${v}"}, {"validateProfileId": "p", "sourceId": "r"}, None),
        ({"sourceId": "z"}, {"validateProfileId": "p"}, "test[0].action[0].operation.sourceId"),
        ({"origin": 1}, {"validateProfileId": "p"}, None),
        ({"origin": 2}, {"validateProfileId": "p"}, "test[0].action[0].operation.origin"),
        ({"destination": 1}, {"validateProfileId": "p"}, "test[0].action[0].operation.destination"),
        ({"targetId": "z"}, {"validateProfileId": "p"}, "test[0].action[0].operation.targetId"),
        ({"params": "/${z}"}, {"validateProfileId": "p"}, "test[0].action[0].operation.params"),
        ({}, {"validateProfileId": "z"}, "test[0].action[1].assert.validateProfileId"),
        ({}, {"expression": "(("}, "test[0].action[1].assert.expression"),
        ({}, {"expression": "name = '${v}'", "value": "a", "operator": "equals"}, None),
    ],
)
def test_an_action_names_what_there_is(
    validator: Validator, operation: dict[str, Any], asserted: dict[str, Any], place: str | None
) -> None:
    actions = [{"operation": OPERATION | operation}, {"assert": {"warningOnly": False, **asserted}}]
    script = {
        "resourceType": "TestScript",
        "url": "https://example.jp/fhir/TestScript/x",
        "name": "X",
        "status": "draft",
        "origin": [{"index": 1, "profile": {"code": "FHIR-Client"}}],
        "fixture": [{"id": "f", "autocreate": False, "autodelete": False}],
        "variable": [{"name": "v", "defaultValue": "x"}],
        "profile": [{"id": "p", "reference": "http://hl7.org/fhir/StructureDefinition/Patient"}],
        "test": [{"action": actions}],
    }
    twice = script | {"variable": [*script["variable"], {"name": "v", "sourceId": "z"}]}

    assert [at for _, at in errors_of(validator, script)] == ([place] if place else [])
    assert {"variable[1].sourceId", "variable[1].name"} <= {at for _, at in errors_of(validator, twice)}
