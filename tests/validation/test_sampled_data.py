"""https://hl7.org/fhir/R4/datatypes.html#SampledData: what its points are written as."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator


def _observation(data: str) -> dict[str, Any]:
    sampled = {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": data}
    return {"resourceType": "Observation", "status": "final", "code": {"text": "心電図"}, "valueSampledData": sampled}


@pytest.mark.parametrize("data", ["2041", "2041 -2.5 0 1e3", "E U L 1"])
def test_points_are_decimals_or_say_why_there_is_none(validator: Validator, data: str) -> None:
    assert validator.check(_observation(data)) == []


@pytest.mark.parametrize("data", ["abc", "1 x", "1  2", " 1", "1,2", "1.", "EE", "1\n2", "+1", "1 " * 200_000 + "x"])
def test_anything_else_is_no_point(validator: Validator, data: str) -> None:
    found = validator.check(_observation(data))

    assert [each.expression for each in found] == [("Observation.value.data",)]
