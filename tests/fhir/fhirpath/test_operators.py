"""Dates, quantities, strings and collections under the operators, beyond what HL7's suite claims."""

from typing import Any

import pytest

from fhir_service.fhir.fhirpath import FhirPathError
from fhir_service.fhir.fhirpath.ucum import METRIC, NOT_METRIC, unit

from .conftest import Evaluate


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        # A moment without a zone may be in any: near ones stay open, far ones do not.
        ("@2012-04-15T15:00:00Z = @2012-04-15T10:00:00", []),
        ("@2012-04-15T15:00:00Z < @2012-04-18T10:00:00", [True]),
        ("@2012-04-15T23:30:00Z = @2012-04-16T08:30:00+09:00", [True]),
        ("@2012-04-15T15:00Z < @2012-04-15T15:00:00Z", []),
        ("@2012-04 <= @2012-05-01", [True]),
        ("@2012-04 ~ @2012-04-01", [False]),
        ("@2024-02-29 + 1 year", ["2025-02-28"]),
        ("@2024-01-31 + 1 month", ["2024-02-29"]),
        ("@2024-01-31 - 1 month", ["2023-12-31"]),
        ("@2014 + 24 months", ["2016"]),
        ("@2014 + 365 days", ["2015"]),
        ("@2014-03 + 31 days", ["2014-04"]),
        ("@2026-11-22T23:30:00+09:00 + 1 hour", ["2026-11-23T00:30:00+09:00"]),
        ("@2026-11-22T23:59:59Z + 1500 milliseconds", ["2026-11-23T00:00:00.500Z"]),
        ("@T23:30 + 45 minutes", ["00:15"]),
        ("@9999-12-31 + 1 day", []),
        ("@0001-01-01 - 1 day", []),
        ("now() - 1 day < today()", [True]),
        ("today() = @2026-11-22", [True]),
        ("timeOfDay() = @T23:38:21.123", [True]),
    ],
)
def test_dates_and_times(evaluate: Evaluate, expression: str, values: list[Any]) -> None:
    assert evaluate(expression) == values


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("1 'kg' = 1000 'g'", [True]),
        ("120 'mm[Hg]' < 16.1 'kPa'", [True]),
        ("1 'mg/dL' = 10 'mg/L'", [True]),
        ("37 'Cel' = 310.15 'K'", [True]),
        ("98.6 '[degF]' ~ 37.0 'Cel'", [True]),
        ("1 '[iU]/L' = 1 'm[iU]/mL'", [True]),
        ("1 '[iU]' = 1 'g'", []),
        ("1 'kg' > 1 'm'", []),
        ("3 '{tablet}' = 3 '{capsule}'", [True]),
        ("5 'unknown' = 5 'unknown'", [True]),
        ("1 year = 12 months", [True]),
        ("1 year = 365 days", []),
        ("1 year = 1 'a'", []),
        ("2 'h' = 120 minutes", [True]),
        ("(1 'kg' + 500 'g').value", []),
        ("1 'kg' + 500 'g' = 1.5 'kg'", [True]),
        ("1 'kg' + 1 'm'", []),
        ("6 'km' / 2 'h' = 3 'km/h'", [True]),
        ("(10 'mL').toQuantity('L') = 0.01 'L'", [True]),
        ("(37 'Cel').toQuantity('K') = 310.15 'K'", [True]),
    ],
)
def test_quantities(evaluate: Evaluate, expression: str, values: list[Any]) -> None:
    assert evaluate(expression) == values


def test_a_fhir_quantity_in_years_compares_with_years_of_the_calendar_and_of_ucum(evaluate: Evaluate) -> None:
    age = {"value": 40, "unit": "歳", "system": "http://unitsofmeasure.org", "code": "a"}
    condition = {"resourceType": "Condition", "onsetAge": age}

    assert evaluate("onset > 39 years and onset = 40 'a' and onset < 481 months", condition) == [True]


def test_a_quantity_with_a_comparator_is_not_that_quantity(evaluate: Evaluate) -> None:
    observation = {"resourceType": "Observation", "valueQuantity": {"value": 5, "comparator": "<", "code": "mg"}}

    assert evaluate("value < 6 'mg'", observation) == []


def test_every_unit_of_the_table_has_a_meaning() -> None:
    assert [code for code in (*METRIC, *NOT_METRIC) if unit(code) is None] == []


@pytest.mark.parametrize("code", ["", "foo", "s.", "/", "(m", "m2000", "{open", "10*9999999999", "m" * 300, "０"])
def test_what_is_no_ucum_code_has_none(code: str) -> None:
    assert unit(code) is None


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("2147483647 + 1", []),
        ("65536 * 65536", []),
        ("1 / 3 * 3 ~ 1", [True]),
        ("5 div 0", []),
        ("2.power(1000000)", []),
        ("10.0.power(1000000)", []),
        ("1000.exp()", []),
        ("0.ln()", []),
        ("(1.5).round()", [2]),
        ("(-1.5).round()", [-2]),
        ("8.log(2)", [3]),
        ("9.sqrt()", [3]),
        ("(1 | 2 | 3).aggregate($this + $total, 0)", [6]),
        ("('b' | 'a').sort()", ["a", "b"]),
        ("(1 | 2).combine(2 | 3)", [1, 2, 2, 3]),
        ("(1).combine(1).distinct()", [1]),
        ("(1 | 2).where($index = 1)", [2]),
        ("defineVariable('x', 5).select(%x + 1)", [6]),
        ("'11/30/1972'.replaceMatches('(?P<m>[0-9]+)/(?P<d>[0-9]+)/([0-9]+)', '${d}-${m}-$3')", ["30-11-1972"]),
        ("'東京都'.indexOf('都')", [2]),
        ("'a,b,'.split(',')", ["a", "b", ""]),
        ("'YWI='.decode('base64')", ["ab"]),
        ("1.convertsToBoolean()", [True]),
        ("'2020-02-30'.toDate()", []),
    ],
)
def test_numbers_strings_and_collections(evaluate: Evaluate, expression: str, values: list[Any]) -> None:
    resource = {"resourceType": "Basic"}

    assert evaluate(expression, resource) == values


@pytest.mark.parametrize(
    "expression",
    [
        "'a' + 1",
        "'a' < 1",
        "(1 | 2) + 1",
        "@2020 + 1 'mo'",
        "(1 | 2).single()",
        "%unknown",
        "'a'.matches('(')",
        "'a'.matches('(?=a)')",
        "'*'.decode('base64')",
        "defineVariable('x').defineVariable('x')",
        "defineVariable('x').count() + %x",
        "Patient.conformsTo('http://example.org/unknown')",
    ],
)
def test_what_cannot_be_evaluated_is_an_error_that_tells_its_place(evaluate: Evaluate, expression: str) -> None:
    with pytest.raises(FhirPathError) as caught:
        evaluate(expression, {"resourceType": "Patient"})

    assert caught.value.status == 422
    assert caught.value.issues[0].line == 1
