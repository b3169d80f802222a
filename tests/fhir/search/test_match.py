"""Each table stands in https://hl7.org/fhir/R4/search.html, or says what it leaves open."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_service.fhir.resource import Resource
from tests.fhir.search.conftest import Finds

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"


def observation(**elements: Any) -> Resource:
    return {"resourceType": "Observation", "id": "o", "status": "final", **elements}


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", "id": "p", **elements}


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


# Tokens: https://hl7.org/fhir/R4/search.html#token


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("code=8867-4", True),
        (f"code={LOINC}|8867-4", True),
        (f"code={LOINC}|", True),
        ("code=|8867-4", False),
        ("code=|local", True),
        ("code=local", True),
        ("code=http://other.example|8867-4", False),
        ("code=8867", False),
        ("code=x,8867-4", True),
        ("code:not=8867-4", False),
        ("code:not=other", True),
        ("code:not=other,8867-4", False),
        ("code=8867-4&code=local", True),
        ("code=8867-4&code=other", False),
    ],
)
def test_a_code_is_found_with_and_without_its_system(finds: Finds, query: str, found: bool) -> None:
    code = {"coding": [{"system": LOINC, "code": "8867-4"}, {"code": "local"}], "text": "心拍数"}

    assert finds(query, observation(code=code)) is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("gender=male", True),
        ("gender=http://hl7.org/fhir/administrative-gender|male", True),
        ("gender=|male", True),
        ("gender=http://other.example|male", False),
        ("gender:not=male", False),
        ("gender:not=female", True),
        ("gender:missing=false", True),
        ("deceased=false", True),
        ("deceased=true", False),
        ("active=true", False),
        ("active:missing=true", True),
    ],
)
def test_the_system_of_a_bound_code_is_implicit(finds: Finds, query: str, found: bool) -> None:
    assert finds(query, patient(gender="male")) is found


def test_not_finds_those_without_a_value(finds: Finds) -> None:
    assert finds("gender:not=male", patient())


@pytest.mark.parametrize(
    "query",
    [
        "phone=03-1234-5678",
        "phone=0312345678",
        "phone=０３-１２３４-５６７８",
        "phone=%2B81-3-1234-5678",
        "telecom=(03)1234-5678",
    ],
)
def test_a_phone_number_is_found_however_it_is_written(finds: Finds, query: str) -> None:
    assert finds(query, patient(telecom=[{"system": "phone", "value": "03-1234-5678"}]))
    assert not finds(query, patient(telecom=[{"system": "phone", "value": "03-1234-5679"}]))


def test_an_email_address_is_found_in_any_case_and_no_phone_is(finds: Finds) -> None:
    contact = patient(telecom=[{"system": "email", "value": "Tanaka@Example.jp"}])

    assert finds("email=tanaka@example.JP", contact)
    assert finds("telecom=tanaka@example.jp", contact)
    assert not finds("phone=tanaka@example.jp", contact)


def test_a_token_that_is_a_string_is_found_in_any_case(finds: Finds) -> None:
    value_set = {"resourceType": "ValueSet", "id": "v", "status": "draft", "version": "2026-A"}

    assert finds("version=2026-a", value_set)


# References: https://hl7.org/fhir/R4/search.html#reference


@pytest.mark.parametrize("reference", ["Patient/123", "https://outreach.example.jp/fhir/Patient/123"])
@pytest.mark.parametrize(
    "query",
    [
        "subject=123", "subject=Patient/123", "subject=https://outreach.example.jp/fhir/Patient/123",
        "subject:Patient=123", "subject:Patient=Patient/123", "patient=123", "patient=Patient/123",
    ],
)  # fmt: skip
def test_a_local_reference_is_found_in_every_form(finds: Finds, query: str, reference: str) -> None:
    assert finds(query, observation(subject={"reference": reference}))
    assert not finds(query, observation(subject={"reference": reference + "4"}))


def test_the_type_of_a_reference_counts(finds: Finds) -> None:
    group = observation(subject={"reference": "Group/123"})

    assert finds("subject=123", group)
    assert not finds("subject:Patient=123", group)
    assert not finds("patient=123", group)
    assert not finds("subject=Patient/123", group)


def test_a_reference_elsewhere_is_found_by_its_address_only(finds: Finds) -> None:
    elsewhere = observation(subject={"reference": "https://hospital.example/fhir/Patient/123"})

    assert finds("subject=https://hospital.example/fhir/Patient/123", elsewhere)
    assert finds("patient=https://hospital.example/fhir/Patient/123", elsewhere)
    assert not finds("subject=Patient/123", elsewhere)


def test_a_versioned_reference_is_found_with_and_without_its_version(finds: Finds) -> None:
    versioned = observation(subject={"reference": "Patient/1/_history/2"})

    assert finds("subject=Patient/1", versioned)
    assert finds("subject=Patient/1/_history/2", versioned)
    assert not finds("subject=Patient/1/_history/3", versioned)


def test_a_logical_reference_is_found_by_its_identifier(finds: Finds) -> None:
    logical = observation(subject={"type": "Patient", "identifier": {"system": "urn:x", "value": "7"}})

    assert finds("subject:identifier=urn:x|7", logical)
    assert finds("patient:identifier=7", logical)
    assert not finds("subject:identifier=urn:x|8", logical)
    assert finds("subject:missing=false", logical)


def test_a_reference_to_a_contained_resource_is_no_reference_to_be_searched(finds: Finds) -> None:
    assert finds("subject:missing=true", observation(subject={"reference": "#p"}))


def test_a_canonical_is_found_with_and_without_its_version(finds: Finds) -> None:
    response = {"resourceType": "QuestionnaireResponse", "id": "q", "questionnaire": "http://example.jp/Q|1.0"}

    assert finds("questionnaire=http://example.jp/Q", response)
    assert finds("questionnaire=http://example.jp/Q|1.0", response)
    assert not finds("questionnaire=http://example.jp/Q|2.0", response)
    assert not finds("questionnaire=http://example.jp/Q2", response)


# Strings: https://hl7.org/fhir/R4/search.html#string


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=渡辺", True),
        ("name=渡邊", True),
        ("name=わたなべ", True),
        ("name=ﾜﾀﾅﾍﾞ", True),
        ("name=太郎", True),
        ("name=渡辺太郎", True),
        ("name=渡辺　太郎", True),
        ("name=タロウ", True),
        ("family=渡辺", True),
        ("family=太郎", False),
        ("given=太", True),
        ("name=郎", False),
        ("name:contains=郎", True),
        ("name:contains=辺太", True),
        ("family:exact=渡邉", True),
        ("family:exact=渡辺", False),
        ("family:exact=渡", False),
        ("name=田中,渡辺", True),
        ("name=田中", False),
    ],
)
def test_a_japanese_name_is_found_in_its_variants(finds: Finds, query: str, found: bool) -> None:
    kanji = {"use": "usual", "family": "渡邉", "given": ["太郎"]}
    kana = {"use": "usual", "text": "ワタナベ　タロウ", "family": "ワタナベ", "given": ["タロウ"]}

    assert finds(query, patient(name=[kanji, kana])) is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("given=eve", True), ("given:contains=eve", True), ("given:exact=Evelyn", True), ("given:exact=evelyn", False),
        ("given:exact=Eve", False), ("family=carreno", True), ("family=Quiñones", True), ("family=quinones", True),
        ("family:exact=Quinones", False), ("family:exact=Carreno Quinones", True),
    ],
)  # fmt: skip
def test_a_latin_name_is_found_by_the_start_of_its_parts(finds: Finds, query: str, found: bool) -> None:
    assert finds(query, patient(name=[{"family": "Carreno Quinones", "given": ["Evelyn"]}])) is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("address=東京都港区", True), ("address=港区", True), ("address=東京都港區芝公園１−２−３", True),
        ("address-city=港区", True), ("address-postalcode=1050011", True), ("address-postalcode=105-0011", True),
        ("address=大阪", False),
    ],
)  # fmt: skip
def test_an_address_is_found_by_its_parts_and_as_a_whole(finds: Finds, query: str, found: bool) -> None:
    address = {"postalCode": "105-0011", "state": "東京都", "city": "港区", "line": ["芝公園1-2-3"]}

    assert finds(query, patient(address=[address])) is found


# Uri and composite: https://hl7.org/fhir/R4/search.html#uri and #composite


def test_a_uri_is_compared_to_the_letter_and_a_canonical_url_with_its_version(finds: Finds) -> None:
    value_set = {
        "resourceType": "ValueSet",
        "id": "v",
        "status": "draft",
        "url": "http://example.jp/VS",
        "version": "2",
    }

    assert finds("url=http://example.jp/VS", value_set)
    assert finds("url=http://example.jp/VS|2", value_set)
    assert not finds("url=http://example.jp/VS|1", value_set)
    assert not finds("url=http://example.jp/vs", value_set)
    assert not finds("url=http://example.jp/V", value_set)


def test_a_composite_is_found_within_one_and_the_same_component(finds: Finds) -> None:
    def part(code: str, value: int) -> Resource:
        return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": {"value": value}}

    pressure = observation(code={"text": "血圧"}, component=[part("8480-6", 120), part("8462-4", 55)])

    assert finds(f"component-code-value-quantity={LOINC}|8480-6$120", pressure)
    assert finds("component-code-value-quantity=8462-4$lt60", pressure)
    assert not finds("component-code-value-quantity=8480-6$lt60", pressure)
    assert finds("combo-code-value-quantity=8480-6$lt60,8462-4$lt60", pressure)
    assert not finds("code-value-quantity=8480-6$120", pressure)


def test_a_composite_with_a_reference_is_found(finds: Finds) -> None:
    relation = {"code": "replaces", "target": {"reference": "DocumentReference/1"}}
    document = {"resourceType": "DocumentReference", "id": "d", "status": "current", "relatesTo": [relation]}

    assert finds("relationship=DocumentReference/1$replaces", document)
    assert not finds("relationship=DocumentReference/1$appends", document)


# Parameters of every resource: https://hl7.org/fhir/R4/search.html#all


def test_tags_profiles_and_security_labels_are_found(finds: Finds) -> None:
    meta = {
        "profile": ["http://example.jp/StructureDefinition/case|1.0"],
        "tag": [{"system": "http://example.jp/tags", "code": "review"}],
        "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}],
        "source": "https://hospital.example",
    }

    for query in (
        "_tag=http://example.jp/tags|review",
        "_tag:not=other",
        "_profile=http://example.jp/StructureDefinition/case",
        "_profile=http://example.jp/StructureDefinition/case|1.0",
        "_security=R",
        "_source=https://hospital.example",
    ):
        assert finds(query, patient(meta=meta)), query
