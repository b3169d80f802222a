"""Dates, numbers and quantities; the tables stand in https://hl7.org/fhir/R4/search.html."""

from decimal import Decimal

import pytest

from fhir_service.fhir.resource import Resource
from tests.fhir.search.conftest import Finds, observation, patient

UCUM = "http://unitsofmeasure.org"


# Dates: https://hl7.org/fhir/R4/search.html#date


@pytest.mark.parametrize(
    ("query", "effective", "found"),
    [
        ("date=eq2013-01-14", "2013-01-14T00:00:00+09:00", True),
        ("date=eq2013-01-14", "2013-01-14T10:00:00+09:00", True),
        ("date=eq2013-01-14", "2013-01-15T00:00:00+09:00", False),
        ("date=ne2013-01-14", "2013-01-15T00:00:00+09:00", True),
        ("date=ne2013-01-14", "2013-01-14T00:00:00+09:00", False),
        ("date=ne2013-01-14", "2013-01-14T10:00:00+09:00", False),
        ("date=lt2013-01-14T10:00", "2013-01-14", True),
        ("date=gt2013-01-14T10:00", "2013-01-14", True),
        ("date=2013-01-14", "2013-01-13T23:59:59+09:00", False),
        ("date=2013-01-14", "2013-01-13T15:00:00Z", True),
        ("date=2013-01-14", "2013-01", False),
        ("date=2013-01", "2013-01-14", True),
        ("date=gt2013-01-14", "2013-01-14T10:00:00+09:00", False),
        ("date=ge2013-01-14", "2013-01-14T00:00:00+09:00", True),
        ("date=le2013-01-14", "2013-01-14T23:59:59+09:00", True),
        ("date=lt2013-01-14", "2013-01-14T00:00:00+09:00", False),
        ("date=sa2013-01-14", "2013-01-15", True),
        ("date=sa2013-01-14", "2013-01-14", False),
        ("date=eb2013-01-14", "2013-01-13", True),
        ("date=eb2013-01-14", "2013-01-14", False),
        ("date=ap2013-03-14", "2013-03-14", True),
        ("date=ap2026-11-20", "2026-11-21", True),
        ("date=ap2026-11-20", "2026-10-20", False),
        ("date=2013-01-14T10:00:00%2B09:00", "2013-01-14T01:00:00Z", True),
        ("date=2013-01-14T10:00:00+09:00", "2013-01-14T01:00:00Z", True),
        ("date=2013-01-14T10:00", "2013-01-14T10:00:30+09:00", True),
        ("date=2013-01-14,2013-01-16", "2013-01-16", True),
        ("date=ge2013-01-14&date=le2013-01-16", "2013-01-15", True),
        ("date=ge2013-01-14&date=le2013-01-16", "2013-01-17", False),
        ("date:missing=false", "2013-01-15", True),
        ("date:missing=true", "2013-01-15", False),
    ],
)
def test_a_date_is_compared_by_its_range(finds: Finds, query: str, effective: str, found: bool) -> None:
    assert finds(query, observation(effectiveDateTime=effective)) is found


@pytest.mark.parametrize(
    ("query", "period", "found"),
    [
        ("date=ge2013-03-14", {"start": "2013-01-21"}, True),
        ("date=le2013-03-14", {"start": "2013-01-21"}, True),
        ("date=sa2013-03-14", {"start": "2013-03-15"}, True),
        ("date=sa2013-03-14", {"start": "2013-01-21"}, False),
        ("date=sa2013-03-14", {"end": "2013-01-21"}, False),
        ("date=eb2013-03-14", {"start": "2013-03-15"}, False),
        ("date=eb2013-03-14", {"start": "2013-01-21"}, False),
        ("date=eb2013-03-14", {"end": "2013-01-21"}, True),
        ("date=2013", {"start": "2013-02-01", "end": "2013-03-01"}, True),
        ("date=2013", {"start": "2012-12-31", "end": "2013-03-01"}, False),
        ("date=2013", {"start": "2013-02-01"}, False),
        ("date=ge2013-12-31", {"start": "2013-01-01", "end": "2013-12-31"}, True),
        ("date=gt2013-12-31", {"start": "2013-01-01", "end": "2013-12-31"}, False),
        ("date=le2013-01-01", {"start": "2013-01-01", "end": "2013-12-31"}, True),
        ("date=lt2013-01-01", {"start": "2013-01-01", "end": "2013-12-31"}, False),
        ("date=ne2013", {"start": "2012-12-31", "end": "2013-03-01"}, True),
        ("date:missing=true", {}, True),
    ],
)
def test_a_period_is_a_range_of_its_own(finds: Finds, query: str, period: Resource, found: bool) -> None:
    assert finds(query, observation(effectivePeriod=period)) is found


def test_of_a_timing_only_the_outer_limits_matter(finds: Finds) -> None:
    timing = {"repeat": {"boundsPeriod": {"start": "2013-01-31", "end": "2013-03-24"}, "period": 2, "periodUnit": "d"}}
    request = {"resourceType": "ServiceRequest", "id": "s", "occurrenceTiming": timing}

    assert finds("occurrence=ap2013-02-01", request)
    assert finds("occurrence=ge2013-02-01&occurrence=le2013-02-01", request)
    assert not finds("occurrence=sa2013-03-24", request)


def test_a_birth_date_between_midnight_and_nine_is_not_lost(finds: Finds) -> None:
    assert finds("birthdate=1980-04-01", patient(birthDate="1980-04-01"))
    assert not finds("birthdate=1980-03-31", patient(birthDate="1980-04-01"))


# Numbers: https://hl7.org/fhir/R4/search.html#number


@pytest.mark.parametrize(
    ("query", "value", "found"),
    [
        ("100", "100", True),
        ("100", "99.5", True),
        ("100", "100.49", True),
        ("100", "100.5", False),
        ("100.00", "100", True),
        ("100.00", "99.995", True),
        ("100.00", "100.005", False),
        ("1e2", "95", True),
        ("1e2", "105", False),
        ("1.00e2", "99.5", True),
        ("1.00e2", "99.4", False),
        ("lt100", "99.999", True),
        ("lt100", "100", False),
        ("le100", "100", True),
        ("gt100", "100.001", True),
        ("gt100", "100", False),
        ("ge100", "100", True),
        ("ne100", "100.2", False),
        ("ne100", "101", True),
        ("sa100", "100.1", True),
        ("eb100", "99.9", True),
        ("ap100", "110", True),
        ("ap100", "110.1", False),
        ("ap100", "90", True),
        ("-5", "-5.4", True),
        ("5.40e-3", "0.0054", True),
        ("5.40e-3", "0.005406", False),
        ("0", "0.4", True),
        ("1e400", "1", False),
        ("lt1e400", "1", True),
    ],
)
def test_a_number_covers_what_its_digits_say(finds: Finds, query: str, value: str, found: bool) -> None:
    assert finds(f"value-quantity={query}", observation(valueQuantity={"value": Decimal(value)})) is found


def test_a_whole_number_is_found_by_itself_and_not_by_a_fraction(finds: Finds) -> None:
    sequence = {"resourceType": "MolecularSequence", "id": "m", "coordinateSystem": 0, "variant": [{"start": 2}]}

    assert finds("variant-start=2", sequence)
    assert finds("variant-start=2.0", sequence)
    assert not finds("variant-start=2.4", sequence)
    assert not finds("variant-start=3", sequence)


# Quantities: https://hl7.org/fhir/R4/search.html#quantity


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"5.4|{UCUM}|mg", True),
        ("5.4||mg", True),
        ("5.4||ミリグラム", True),
        ("5.4", True),
        ("5.4||", True),
        (f"le5.4|{UCUM}|mg", True),
        (f"ap5.0|{UCUM}|mg", True),
        (f"5.4|{UCUM}|g", False),
        ("5.4|http://other.example|mg", False),
        ("5.4||g", False),
        (f"5.5|{UCUM}|mg", False),
    ],
)
def test_a_quantity_is_compared_with_its_unit(finds: Finds, query: str, found: bool) -> None:
    value = {"value": Decimal("5.4"), "unit": "ミリグラム", "system": UCUM, "code": "mg"}

    assert finds(f"value-quantity={query}", observation(valueQuantity=value)) is found


@pytest.mark.parametrize(
    ("comparator", "query", "found"),
    [
        ("<", "lt5", True),
        ("<", "ge5", False),
        ("<=", "ge5", True),
        (">", "gt1000", True),
        (">", "le5", False),
        (">=", "le5", True),
    ],
)
def test_a_comparator_makes_a_quantity_an_open_range(finds: Finds, comparator: str, query: str, found: bool) -> None:
    value = {"value": 5, "comparator": comparator}

    assert finds(f"value-quantity={query}", observation(valueQuantity=value)) is found


def test_money_is_a_quantity_in_its_currency(finds: Finds) -> None:
    invoice = {"resourceType": "Invoice", "id": "i", "status": "issued", "totalNet": {"value": 1200, "currency": "JPY"}}

    assert finds("totalnet=1200|urn:iso:std:iso:4217|JPY", invoice)
    assert finds("totalnet=gt1000||JPY", invoice)
    assert not finds("totalnet=1200|urn:iso:std:iso:4217|USD", invoice)


def test_an_onset_as_a_range_of_ages_is_a_range(finds: Finds) -> None:
    onset = {"low": {"value": 20, "system": UCUM, "code": "a"}, "high": {"value": 29, "system": UCUM, "code": "a"}}
    condition = {"resourceType": "Condition", "id": "c", "onsetRange": onset, "subject": {"reference": "Patient/p"}}

    assert finds("onset-age=ge25", condition)
    assert finds("onset-age=gt19||a", condition)
    assert not finds("onset-age=sa25", condition)
    assert not finds("onset-age=25", condition)
