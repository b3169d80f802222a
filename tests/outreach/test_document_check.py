"""Which documents are filed, and what a refusal says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.outreach.document import Document
from fhir_service.outreach.document_check import read_document

Sample = Callable[[str], dict[str, Any]]


def refused(bundle: dict[str, Any]) -> tuple[Issue, ...]:
    with pytest.raises(FhirError) as error:
        read_document(bundle)
    assert error.value.status == 422
    assert all(issue.ja and issue.en and issue.expression for issue in error.value.issues)
    return error.value.issues


def composition(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["entry"][0]["resource"]
    return found


def section(bundle: dict[str, Any], code: str) -> dict[str, Any]:
    sections = composition(bundle)["section"]
    return next(each for each in sections if each["code"]["coding"][0]["code"] == code)


@pytest.mark.parametrize("name", ["referral-to-outreach", "discharge-summary"])
def test_our_own_documents_are_read_without_a_warning(sample: Sample, name: str) -> None:
    document, warnings = read_document(sample(name))

    assert warnings == []
    assert document.patient is not None


@pytest.mark.parametrize("name", ["Referral-Example-01", "Referral-NoEntry-Example-01"])
def test_the_referral_examples_of_the_japanese_guide_are_read(shared: Path, name: str) -> None:
    file = shared / "data" / "examples" / "clins" / f"Bundle-Bundle-CLINS-{name}.json"

    document, _ = read_document(json.loads(file.read_text(encoding="utf-8")))

    assert document.type is not None
    assert document.type.title == "診療情報提供書"
    assert document.recipient is not None
    assert document.resources[document.recipient]["name"] == "東京第一テスト病院"


def test_a_referral_says_who_sends_it_who_receives_it_and_why(sample: Sample) -> None:
    document, _ = read_document(sample("referral-to-outreach"))

    names = [document.resources[url or ""]["name"] for url in (document.sender, document.recipient)]
    reasons = [document.resources[url]["code"]["text"] for url in document.named_in("reason", "Condition")]

    assert names == ["青葉こころの病院", "潮風市"]
    assert reasons == ["統合失調症", "2型糖尿病"]
    assert (document.text_of("purpose") or "").startswith("退院後のアウトリーチ支援のお願い。\n")


def test_a_bundle_that_is_no_document_is_refused(sample: Sample) -> None:
    issues = refused(sample("municipality-answer"))

    assert issues[0].expression == ("Bundle.type",)


def test_a_document_begins_with_its_composition(sample: Sample) -> None:
    bundle = sample("discharge-summary")
    bundle["entry"] = bundle["entry"][1:]

    assert refused(bundle)[0].expression == ("Bundle.entry[0].resource",)


@pytest.mark.parametrize("missing", ["identifier", "timestamp"])
def test_a_document_has_an_identifier_and_a_time(sample: Sample, missing: str) -> None:
    bundle = sample("discharge-summary")
    del bundle[missing]

    assert [issue.expression for issue in refused(bundle)] == [(f"Bundle.{missing}",)]


def test_two_entries_cannot_have_the_same_full_url(sample: Sample) -> None:
    bundle = sample("discharge-summary")
    bundle["entry"][4]["fullUrl"] = bundle["entry"][3]["fullUrl"]

    assert refused(bundle)[0].expression == ("Bundle.entry[4].fullUrl",)


def test_a_document_of_another_type_is_refused_and_the_types_that_are_taken_are_named(sample: Sample) -> None:
    bundle = sample("discharge-summary")
    composition(bundle)["type"]["coding"][0]["code"] = "57833-6"

    issues = refused(bundle)

    assert issues[0].expression == ("Bundle.entry[0].resource.type",)
    assert "57133-1 診療情報提供書" in issues[0].ja


def test_loinc_is_as_good_as_the_japanese_code_system_for_the_type(sample: Sample) -> None:
    bundle = sample("discharge-summary")
    composition(bundle)["type"]["coding"][0]["system"] = "http://loinc.org"

    document, _ = read_document(bundle)

    assert document.type is not None


def test_a_draft_is_not_filed(sample: Sample) -> None:
    bundle = sample("discharge-summary")
    composition(bundle)["status"] = "preliminary"

    assert refused(bundle)[0].expression == ("Bundle.entry[0].resource.status",)


def test_a_reference_to_what_is_not_in_the_document_is_refused_with_its_place(sample: Sample) -> None:
    bundle = sample("referral-to-outreach")
    section(bundle, "910")["entry"][0]["reference"] = "urn:uuid:00000000-0000-4000-8000-000000000000"
    bundle["entry"][7]["resource"]["subject"]["reference"] = "Patient/elsewhere"

    places = [issue.expression[0] for issue in refused(bundle)]

    assert "Bundle.entry[0].resource.section[1].entry[0].reference" in places
    assert "Bundle.entry[7].resource.subject.reference" in places


def test_a_document_is_about_a_patient_in_it(sample: Sample) -> None:
    bundle = sample("discharge-summary")
    composition(bundle)["subject"] = composition(bundle)["author"][1]

    assert refused(bundle)[0].expression == ("Bundle.entry[0].resource.subject",)


def test_a_referral_without_the_section_for_its_recipient_is_refused(sample: Sample) -> None:
    bundle = sample("referral-to-outreach")
    composition(bundle)["section"].remove(section(bundle, "910"))

    assert "910(紹介先情報)" in refused(bundle)[0].ja


def test_a_recipient_is_an_organisation(sample: Sample) -> None:
    bundle = sample("referral-to-outreach")
    section(bundle, "910")["entry"] = [composition(bundle)["author"][0]]

    assert refused(bundle)[0].expression == ("Bundle.entry[0].resource.section[1].entry",)


def test_a_missing_section_of_the_structured_part_is_warned_of(sample: Sample) -> None:
    bundle = sample("referral-to-outreach")
    structured = section(bundle, "300")
    structured["section"] = [each for each in structured["section"] if each["code"]["coding"][0]["code"] != "950"]

    _, warnings = read_document(bundle)

    assert [(issue.severity, "950(紹介目的)" in issue.ja) for issue in warnings] == [("warning", True)]


def test_every_reason_is_told_at_once(sample: Sample) -> None:
    bundle = sample("referral-to-outreach")
    del bundle["identifier"]
    composition(bundle)["status"] = "entered-in-error"
    section(bundle, "910")["entry"] = []

    assert len(refused(bundle)) == 3


def test_a_reference_by_type_and_id_is_understood_where_only_one_entry_is_called_so(sample: Sample) -> None:
    bundle = sample("discharge-summary")
    bundle["entry"][1]["resource"]["id"] = "p1"
    composition(bundle)["subject"]["reference"] = "Patient/p1"

    document = Document(bundle, {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]})

    assert document.patient == bundle["entry"][1]["fullUrl"]
