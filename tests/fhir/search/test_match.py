"""Tokens, references, strings, URIs and composites; the tables stand in https://hl7.org/fhir/R4/search.html."""

import pytest

from fhir_service.fhir.resource import Resource
from tests.fhir.search.conftest import Finds, observation, patient

LOINC = "http://loinc.org"


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


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject:missing=false", True),
        ("patient:missing=false", True),
        ("subject:missing=true", False),
        ("patient:missing=true", False),
        ("specimen:missing=true", True),
    ],
)
def test_a_reference_to_a_contained_resource_is_a_value(finds: Finds, query: str, found: bool) -> None:
    inside = observation(subject={"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p"}])

    assert finds(query, inside) is found


def test_a_contained_resource_is_a_value_of_the_parameters_for_its_type_only(finds: Finds) -> None:
    inside = observation(subject={"reference": "#g"}, contained=[{"resourceType": "Group", "id": "g"}])

    assert finds("subject:missing=false", inside)
    assert finds("patient:missing=true", inside)


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
