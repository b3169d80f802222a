"""https://hl7.org/fhir/R4/datatypes.html#Period and #Range: what is told of ends that cannot be compared."""

from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.policy import Policy
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator


@pytest.fixture(scope="module")
def policy() -> Policy:
    definitions = Definitions.load()
    return Policy(Validator(definitions, LoadedTerminology(definitions), extra=RULES))


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2026-11", "2026-12-01", None),
        ("2026-11", "2026-11-20", "period-open"),
        ("2026-11-20", "2026-11-20T10:00:00+09:00", "period-open"),
        ("2026-11-20", "2026-11-20", None),
        ("2026-11-20", "2026-11", "period-open"),
        ("2026-11-20", "2026-10", "per-1"),
    ],
)
def test_an_order_that_is_open_is_told_and_let_be_by_a_write(
    policy: Policy, start: str, end: str, found: str | None
) -> None:
    patient = {"resourceType": "Patient", "name": [{"text": "山田 花子", "period": {"start": start, "end": end}}]}

    told = [(each.rule, each.severity) for each in policy.validate(patient)]
    written = [(each.rule, each.severity) for each in policy(patient)]

    assert told == ([(found, "error")] if found else [])
    assert written == ([(found, "warning" if found == "period-open" else "error")] if found else [])


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        ({"value": 1, "unit": "歳"}, {"value": 2, "unit": "歳"}, None),
        ({"value": 1}, {"value": 2}, None),
        ({"value": 1, "unit": "歳"}, {"value": 2, "unit": "年"}, "range-unit"),
        ({"value": 1, "unit": "歳"}, {"value": 2}, "range-unit"),
        ({"unit": "歳"}, {"value": 2, "unit": "歳"}, "range-unit"),
        ({"value": 3}, {"value": 2}, "rng-2"),
    ],
)
def test_the_ends_of_a_range_have_a_value_in_one_unit(
    policy: Policy, low: dict[str, Any], high: dict[str, Any], found: str | None
) -> None:
    value = {"low": low, "high": high}
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "年齢"}, "valueRange": value}

    told = [(each.rule, each.severity) for each in policy.validate(observation)]
    written = [(each.rule, each.severity) for each in policy(observation)]

    assert told == ([(found, "error")] if found else [])
    assert written == ([(found, "warning" if found == "range-unit" else "error")] if found else [])
