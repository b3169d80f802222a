"""https://hl7.org/fhir/R4/bundle.html, the rules that its invariants do not say."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator

BASE = "https://hospital.example.jp/fhir"
URN = "urn:uuid:6c4f2b3e-0d0c-4b5b-8b59-2b5b5d2c5f1"


def entry(full_url: str | None, resource: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {**({"fullUrl": full_url} if full_url else {}), "resource": resource, **others}


def patient(id_: str | None = None) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"id": id_} if id_ else {}), "active": True}


def composition(subject: str = f"{URN}1", **others: Any) -> dict[str, Any]:
    return {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "診療情報提供書"},
        "subject": {"reference": subject},
        "date": "2026-11-22",
        "author": [{"display": "潮風病院"}],
        "title": "診療情報提供書",
        **others,
    }


def bundle(type_: str, *entries: dict[str, Any], **others: Any) -> dict[str, Any]:
    made = {"resourceType": "Bundle", "type": type_, **({"entry": list(entries)} if entries else {}), **others}
    if type_ == "document":
        made |= {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"{URN}9"}, "timestamp": "2026-11-22T10:00:00Z"}
    return made


def rules(validator: Validator, resource: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    return [(issue.rule, issue.severity, issue.expression[0]) for issue in validator.check(resource)]


def test_a_good_document_has_no_faults(validator: Validator) -> None:
    document = bundle("document", entry(f"{URN}0", composition()), entry(f"{URN}1", patient()))

    assert rules(validator, document) == []


def test_relative_references_mean_the_server_of_the_full_url(validator: Validator) -> None:
    head = entry(f"{BASE}/Composition/c", composition("Patient/p", id="c"))

    assert rules(validator, bundle("document", head, entry(f"{BASE}/Patient/p", patient("p")))) == []
    assert ("document-reference", "error", "Bundle.entry[0].resource.subject.reference") in rules(
        validator, bundle("document", head, entry("https://other.example.jp/fhir/Patient/p", patient("p")))
    )


def test_what_a_composition_names_must_be_in_the_document(validator: Validator) -> None:
    sections = [{"title": "病名", "section": [{"title": "主病名", "entry": [{"reference": f"{URN}7"}]}]}]
    head = composition(section=sections, custodian={"reference": f"{URN}8"})
    document = bundle("document", entry(f"{URN}0", head), entry(f"{URN}1", patient()))

    found = [each for each in rules(validator, document) if each[0] == "document-reference"]

    place = "Bundle.entry[0].resource"
    assert [at for _, _, at in found] == [
        f"{place}.custodian.reference",
        f"{place}.section[0].section[0].entry[0].reference",
    ]


def test_an_entry_may_be_linked_by_the_url_of_an_attachment(validator: Validator) -> None:
    file = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
    letter = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"contentType": "text/plain", "url": f"{URN}3"}}],
    }
    head = composition() | {"section": [{"title": "添付", "entry": [{"reference": f"{URN}2"}]}]}
    entries = [entry(f"{URN}0", head), entry(f"{URN}1", patient()), entry(f"{URN}2", letter), entry(f"{URN}3", file)]

    assert rules(validator, bundle("document", *entries)) == []


@pytest.mark.parametrize("relation", ["first", "prev", "next", "last"])
def test_only_searches_and_histories_have_pages(validator: Validator, relation: str) -> None:
    link = [{"relation": relation, "url": "http://example.jp/fhir?page=2"}]

    assert rules(validator, bundle("collection", entry(f"{URN}1", patient()), link=link)) == [
        ("link", "error", "Bundle.link[0].relation")
    ]
    assert rules(validator, bundle("history", link=link)) == []


def test_what_has_the_full_url_of_a_server_has_its_id(validator: Validator) -> None:
    held = bundle("collection", entry(f"{BASE}/Patient/p", {"resourceType": "Patient", "gender": "male"}))

    assert rules(validator, held) == [("full-url", "error", "Bundle.entry[0].resource.id")]


def test_each_entry_of_a_document_is_linked_with_its_composition(validator: Validator) -> None:
    backward = {
        "resourceType": "Flag",
        "status": "active",
        "code": {"text": "注意"},
        "subject": {"reference": f"{URN}1"},
    }
    document = bundle(
        "document",
        entry(f"{URN}0", composition()),
        entry(f"{URN}1", patient()),
        entry(f"{URN}2", backward),
        entry(f"{URN}3", patient()),
    )

    assert rules(validator, document) == [("reachable", "error", "Bundle.entry[3]")]


@pytest.mark.parametrize(
    ("full_url", "expected"),
    [
        (f"{BASE}/Patient/p", []),
        (f"{URN}1", []),
        ("urn:oid:1.2.392.200119.6.1", []),
        (None, [("full-url", "error", "Bundle.entry[0]")]),
        ("Patient/p", [("full-url", "error", "Bundle.entry[0].fullUrl")]),
        (f"{BASE}/Patient/q", [("full-url", "error", "Bundle.entry[0].fullUrl")]),
        (f"{BASE}/Person/p", [("full-url", "error", "Bundle.entry[0].fullUrl")]),
    ],
)
def test_full_urls_name_the_resource(
    validator: Validator, full_url: str | None, expected: list[tuple[str, str, str]]
) -> None:
    assert rules(validator, bundle("collection", entry(full_url, patient("p")))) == expected


def test_entries_of_a_transaction_need_no_full_url(validator: Validator) -> None:
    request = {"method": "POST", "url": "Patient"}

    assert rules(validator, bundle("transaction", entry(None, patient(), request=request))) == []


def test_a_urn_that_nothing_has_is_told(validator: Validator) -> None:
    person = {**patient(), "managingOrganization": {"reference": f"{URN}9"}}

    assert rules(validator, bundle("collection", entry(f"{URN}1", person))) == [
        ("bundle-reference", "warning", "Bundle.entry[0].resource.managingOrganization.reference")
    ]


def test_what_a_search_found_is_what_it_was_for(validator: Validator) -> None:
    link = [{"relation": "self", "url": f"{BASE}/Patient?name=a"}] * 2
    found = bundle("searchset", entry(f"{BASE}/Patient/p", patient("p"), search={"mode": "match"}), link=link)
    others = bundle(
        "searchset",
        entry(f"{URN}1", {"resourceType": "Basic", "code": {"text": "x"}}, search={"mode": "match"}),
        entry(f"{URN}2", patient("p"), search={"mode": "outcome"}),
        link=link[:1],
    )

    assert rules(validator, found) == [("link", "error", "Bundle.link[1].relation")]
    assert rules(validator, others) == [("search", "error", "Bundle.entry[0].resource")] * 2 + [
        ("search", "error", "Bundle.entry[1].resource")
    ]


@pytest.mark.parametrize(
    "entries",
    [
        [{"fullUrl": f"{URN}1"}],
        [{"resource": {"resourceType": "Composition", "section": [{"section": "x"}]}}],
        [{"fullUrl": 3, "resource": 4}],
        ["x", None],
        {},
    ],
)
def test_a_bundle_of_anything_is_answered_with_faults(validator: Validator, entries: Any) -> None:
    assert validator.check({"resourceType": "Bundle", "type": "document", "entry": entries})


def put(url: str, resource: dict[str, Any] | None, method: str = "PUT") -> dict[str, Any]:
    content = {"resource": resource} if resource else {}
    return {"fullUrl": f"{URN}1", **content, "request": {"method": method, "url": url}}


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ([put("Patient/p", patient("p"))], []),
        ([put("Patient?identifier=1", patient())], []),
        ([put("Patient", patient(), "POST")], []),
        ([put("Patient/$match", None, "POST"), put("Patient/p", None, "DELETE")], []),
        ([put("Patient/q", patient("p"))], ["entry[0].request.url"]),
        ([put("Person/p", patient("p"))], ["entry[0].request.url"]),
        ([put("Observation", patient(), "POST")], ["entry[0].request.url"]),
        ([put("Patient", None, "POST")], ["entry[0]"]),
        ([put("Patient/p", patient("p")), put("Patient/p", None, "DELETE")], ["entry[1].request.url"]),
    ],
)
def test_a_request_fits_its_resource(validator: Validator, requests: list[dict[str, Any]], expected: list[str]) -> None:
    for number, each in enumerate(requests):
        each["fullUrl"] = f"{URN}{number}"

    found = rules(validator, bundle("transaction", *requests))

    assert found == [("request", "error", f"Bundle.{place}") for place in expected]


def test_a_relative_reference_means_no_resource_with_a_urn(validator: Validator) -> None:
    flag = {"resourceType": "Flag", "status": "active", "code": {"text": "注意"}, "subject": {"reference": "Patient/p"}}

    assert rules(validator, bundle("collection", entry(f"{URN}1", patient("p")), entry(f"{URN}2", flag))) == [
        ("bundle-reference", "warning", "Bundle.entry[1].resource.subject.reference")
    ]


def versioned(version: str) -> dict[str, Any]:
    return {**patient("p"), "meta": {"versionId": version}}


@pytest.mark.parametrize(("version", "found"), [("1", True), ("2", False), (None, False)])
def test_a_reference_to_a_version_means_an_entry_of_that_version(
    validator: Validator, version: str | None, found: bool
) -> None:
    head = entry(f"{BASE}/Composition/c", composition("Patient/p/_history/1", id="c"))
    document = bundle("document", head, entry(f"{BASE}/Patient/p", versioned(version) if version else patient("p")))

    missing = ("document-reference", "error", "Bundle.entry[0].resource.subject.reference")
    assert (missing not in rules(validator, document)) == found


@pytest.mark.parametrize("type_", ["collection", "searchset", "batch-response", "history"])
def test_a_reference_that_several_entries_match_is_told_but_in_a_history(validator: Validator, type_: str) -> None:
    basic = {"resourceType": "Basic", "id": "b", "code": {"text": "a"}, "subject": {"reference": "Patient/p"}}
    entries = [
        entry(f"{BASE}/Basic/b", basic),
        entry(f"{BASE}/Patient/p", versioned("1")),
        entry(f"{BASE}/Patient/p", versioned("2")),
    ]
    told = ("bundle-ambiguous", "error", "Bundle.entry[0].resource.subject.reference")
    ambiguous = type_ != "history"

    assert (told in rules(validator, bundle(type_, *entries))) == ambiguous
    basic["subject"] = {"reference": "Patient/p/_history/2"}
    assert told not in rules(validator, bundle(type_, *entries))
