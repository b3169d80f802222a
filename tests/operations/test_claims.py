"""Every operation that the CapabilityStatement names is defined, and is there on the levels of its definition."""

from typing import Any

import httpx
import pytest

from fhir_service.app import OPERATIONS
from fhir_service.fhir.definitions import Definitions
from fhir_service.interactions.services import Operation


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


def named(operation: Operation) -> str:
    return operation.definition.rpartition("/")[2]


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_an_operation_is_on_the_levels_and_types_of_its_definition(
    operation: Operation, definitions: Definitions
) -> None:
    definition = definitions.find(operation.definition)

    assert definition is not None
    assert definition["code"] == operation.name
    levels = {level for level in ("system", "type", "instance") if definition[level]}
    assert levels == operation.levels
    types = {each for each in definition.get("resource", ()) if each != "Resource"}
    assert types == operation.types


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_an_operation_is_claimed_where_it_is_and_answers_there(api: httpx.Client, operation: Operation) -> None:
    resource_type = min(operation.types, default="Basic")
    rest = api.get("metadata").json()["rest"][0]
    claimed = {"name": operation.name, "definition": operation.definition}
    [of_type] = [each for each in rest["resource"] if each["type"] == resource_type]

    assert (claimed in rest["operation"]) == ("system" in operation.levels)
    assert (claimed in of_type["operation"]) == bool(operation.levels & {"type", "instance"})
    paths = {"system": "", "type": f"{resource_type}/", "instance": f"{resource_type}/nobody/"}
    for level, path in paths.items():
        answer = api.post(f"{path}${operation.name}")
        is_unknown = answer.status_code == 404 and answer.json()["issue"][0]["code"] == "not-supported"
        assert is_unknown == (level not in operation.levels and not _also(operation, level)), (level, answer.text)


def _also(operation: Operation, level: Any) -> bool:
    """Whether another operation of this name is on the level, of the same types."""
    others = (each for each in OPERATIONS if each is not operation and each.name == operation.name)
    return any(
        level in each.levels and (level == "system" or not each.types or bool(each.types & operation.types))
        for each in others
    )
