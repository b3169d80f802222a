"""StructureMaps: the variables, groups and elements that rules name are there."""

from copy import deepcopy
from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import errors_of

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
SOURCE = {"context": "src", "element": "gender", "variable": "v"}
TARGET = {
    "context": "tgt",
    "contextType": "variable",
    "element": "gender",
    "transform": "copy",
    "parameter": [{"valueId": "v"}],
}
INPUTS = [
    {"name": "src", "type": "Patient", "mode": "source"},
    {"name": "tgt", "type": "Person", "mode": "target"},
]


def structure_map(rule: dict[str, Any], group: dict[str, Any], **more: Any) -> dict[str, Any]:
    only = {"name": "g", "typeMode": "none", "input": deepcopy(INPUTS)}
    return {
        "resourceType": "StructureMap",
        "url": "https://example.jp/fhir/StructureMap/x",
        "name": "X",
        "status": "draft",
        "structure": [{"url": f"{STRUCTURE}Patient", "mode": "source"}],
        "group": [only | {"rule": [{"name": "r", "source": [SOURCE], "target": [TARGET], **rule}]} | group],
        **more,
    }


@pytest.mark.parametrize(
    ("rule", "group", "place"),
    [
        ({}, {}, None),
        ({"dependent": [{"name": "g", "variable": ["src", "tgt"]}]}, {}, None),
        ({"source": [SOURCE | {"context": "z"}]}, {}, "rule[0].source[0].context"),
        ({"source": [SOURCE | {"element": "sex"}]}, {}, "rule[0].source[0].element"),
        ({"source": [SOURCE | {"condition": "(("}]}, {}, "rule[0].source[0].condition"),
        ({"target": [TARGET | {"context": "z"}]}, {}, "rule[0].target[0].context"),
        ({"target": [TARGET | {"context": "src"}]}, {}, "rule[0].target[0].context"),
        ({"source": [SOURCE | {"context": "tgt"}]}, {}, "rule[0].source[0].context"),
        ({"target": [TARGET | {"element": "sex"}]}, {}, "rule[0].target[0].element"),
        ({"target": [TARGET | {"parameter": [{"valueId": "z"}]}]}, {}, "rule[0].target[0].parameter[0].value"),
        ({"target": [{**TARGET, "transform": "truncate"}]}, {}, "rule[0].target[0].transform"),
        ({"target": [TARGET | {"transform": "translate"}]}, {}, "rule[0].target[0].transform"),
        ({}, {"input": [*INPUTS, {"name": "z", "type": "Human", "mode": "source"}]}, "input[2].type"),
        ({"dependent": [{"name": "h", "variable": ["src"]}]}, {}, "rule[0].dependent[0].name"),
        ({"dependent": [{"name": "g", "variable": ["src"]}]}, {}, "rule[0].dependent[0].variable"),
        ({"dependent": [{"name": "g", "variable": ["src", "z"]}]}, {}, "rule[0].dependent[0].variable[1]"),
        ({}, {"extends": "h"}, "extends"),
        ({}, {"input": [*INPUTS, INPUTS[0]]}, "input[2].name"),
    ],
)
def test_a_rule_names_what_there_is(
    validator: Validator, rule: dict[str, Any], group: dict[str, Any], place: str | None
) -> None:
    found = [at for _, at in errors_of(validator, structure_map(rule, group))]

    assert found == ([f"group[0].{place}"] if place else [])


def test_what_is_imported_may_be_named(validator: Validator) -> None:
    rule = {"dependent": [{"name": "h", "variable": ["src"]}]}

    assert errors_of(validator, structure_map(rule, {}, **{"import": ["https://example.jp/fhir/StructureMap/y"]})) == []
