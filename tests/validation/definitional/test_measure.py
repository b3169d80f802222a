"""Measures and the reports of them."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.json import encode
from fhir_service.fhir.resource import Key
from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, told

MEASURE = "https://example.jp/fhir/outreach/Measure/made"


def concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://example.jp/m", "code": code}]}


def population(code: str, **others: Any) -> dict[str, Any]:
    return {"code": concept(code), **others}


@pytest.fixture
def measure(definitions: Definitions) -> None:
    asked = {"criteria": {"language": "text/cql", "expression": "x"}}
    definitions.put(
        Key("Measure", "made"),
        encode(
            {
                "resourceType": "Measure",
                "url": MEASURE,
                "status": "active",
                "scoring": {"coding": [{"code": "proportion"}]},
                "group": [
                    {"code": concept("g"), "population": [population("n", **asked), population("d", **asked)]},
                    {"code": concept("h")},
                ],
            }
        ),
    )


GOOD = [
    {
        "code": concept("g"),
        "population": [population("n", count=1), population("d", count=2)],
        "measureScore": {"value": Decimal("0.5")},
    },
    {"code": concept("h"), "measureScore": {"value": 1}},
]


@pytest.mark.parametrize(
    ("groups", "status", "expected"),
    [
        (GOOD, "complete", []),
        (GOOD[:1], "complete", [("measure", "error", "MeasureReport")]),
        (GOOD[:1], "pending", [("measure", "warning", "MeasureReport")]),
        ([*GOOD, {"code": concept("z")}], "complete", [("measure", "error", "group[2]")]),
        (
            [GOOD[0] | {"population": [population("n"), population("x")]}, GOOD[1]],
            "complete",
            [("measure", "error", "group[0].population[1]"), ("measure", "error", "group[0]")],
        ),
        (
            [{"code": concept("g"), "population": GOOD[0]["population"]}, GOOD[1]],
            "complete",
            [("measure", "error", "group[0]")],
        ),
        (
            [GOOD[0] | {"measureScore": {"value": 50}}, GOOD[1]],
            "complete",
            [("measure", "error", "group[0].measureScore.value")],
        ),
    ],
)
@pytest.mark.usefixtures("measure")
def test_a_report_has_what_its_measure_asks(
    validator: Validator, groups: list[dict[str, Any]], status: str, expected: Told
) -> None:
    report = {
        "resourceType": "MeasureReport",
        "status": status,
        "type": "summary",
        "measure": MEASURE,
        "period": {"start": "2026-04-01", "end": "2026-09-30"},
        "group": groups,
    }

    assert told(validator, report) == expected


@pytest.mark.parametrize(
    ("kind", "count", "expected"),
    [
        ("subject-list", 1, []),
        ("subject-list", 500, [("measure", "error", "group[0].population[0].count")]),
        ("summary", 1, [("measure", "error", "group[0].population[0].subjectResults")]),
    ],
)
def test_only_a_list_of_subjects_lists_them_and_counts_them(
    validator: Validator, kind: str, count: int, expected: Told
) -> None:
    subjects = {
        "resourceType": "List",
        "id": "s",
        "status": "current",
        "mode": "snapshot",
        "entry": [{"item": {"display": "a"}}],
    }
    report = {
        "resourceType": "MeasureReport",
        "contained": [subjects],
        "status": "complete",
        "type": kind,
        "measure": "https://example.jp/fhir/Measure/unknown",
        "period": {"start": "2026-04-01", "end": "2026-09-30"},
        "group": [{"population": [{"count": count, "subjectResults": {"reference": "#s"}}]}],
    }

    assert [each for each in told(validator, report) if each[1] == "error"] == expected


@pytest.mark.parametrize(
    ("scoring", "populations", "expected"),
    [
        ("proportion", ["initial-population", "numerator", "denominator"], []),
        ("proportion", ["numerator"], ["group[0]"]),
        ("ratio", ["denominator"], ["group[0]"]),
        ("ratio", ["initial-population", "initial-population", "numerator", "denominator"], []),
        ("continuous-variable", ["initial-population"], ["group[0]"]),
        ("cohort", ["initial-population"], []),
        ("proportion", ["numerator", "numerator", "denominator"], ["group[0].population[1].code"]),
    ],
)
def test_a_measure_has_the_populations_that_its_scoring_counts(
    validator: Validator, scoring: str, populations: list[str], expected: list[str]
) -> None:
    def code(system: str, name: str) -> dict[str, Any]:
        return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": name}]}

    criteria = {"language": "text/fhirpath", "expression": "true"}
    group = {"population": [{"code": code("measure-population", each), "criteria": criteria} for each in populations]}
    asked = {"resourceType": "Measure", "status": "draft", "scoring": code("measure-scoring", scoring)}

    assert told(validator, asked | {"group": [group]}) == [("measure", "error", each) for each in expected]
    assert told(validator, asked) == [("measure", "warning", "Measure")]
