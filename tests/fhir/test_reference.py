"""https://hl7.org/fhir/R4/references.html"""

from pathlib import Path

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.reference import local_key, parse_reference, reference_texts, references
from fhir_service.fhir.resource import Key

BASE = "http://example.org/fhir"


@pytest.mark.parametrize(
    ("text", "key", "base", "version"),
    [
        ("Patient/1", Key("Patient", "1"), None, None),
        ("Patient/a-b.C/_history/3", Key("Patient", "a-b.C"), None, "3"),
        (f"{BASE}/Patient/1", Key("Patient", "1"), BASE, None),
        ("https://other.jp/r4/Patient/1/_history/2", Key("Patient", "1"), "https://other.jp/r4", "2"),
    ],
)
def test_a_literal_reference_names_a_resource(text: str, key: Key, base: str | None, version: str | None) -> None:
    parsed = parse_reference(text)

    assert (parsed.kind, parsed.key, parsed.base, parsed.version) == ("literal", key, base, version)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#p1", "fragment"),
        ("#", "fragment"),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "urn"),
        ("urn:oid:1.2.3", "urn"),
        ("Patient?identifier=http://x|1", "conditional"),
        ("http://example.org/ValueSet", "other"),
        ("patient/1", "other"),
        (f"Patient/{'a' * 65}", "other"),
        ("Patient", "other"),
        ("", "other"),
    ],
)
def test_every_other_text_has_its_kind(text: str, kind: str) -> None:
    assert parse_reference(text).kind == kind


def test_a_conditional_reference_keeps_its_search() -> None:
    parsed = parse_reference("Patient?identifier=http://x|1&active=true")

    assert (parsed.type, parsed.search) == ("Patient", "identifier=http://x|1&active=true")


def test_only_relative_references_and_those_under_the_base_are_local() -> None:
    assert local_key("Patient/1", BASE) == Key("Patient", "1")
    assert local_key(f"{BASE}/Patient/1/_history/2", BASE) == Key("Patient", "1")
    assert local_key("http://example.org/other/Patient/1", BASE) is None
    assert local_key("Patient?name=x", BASE) is None
    assert parse_reference(f"{BASE}/Patient?name=x").is_local(BASE)
    assert not parse_reference("http://example.org/Patient?name=x").is_local(BASE)


def test_references_are_found_wherever_they_stand_in_the_order_of_the_resource() -> None:
    resource = {
        "resourceType": "Observation",
        "contained": [{"resourceType": "Device", "owner": {"reference": "Organization/1"}}],
        "extension": [{"url": "x", "valueReference": {"reference": "Location/1"}}],
        "subject": {"reference": "Patient/1", "identifier": {"assigner": {"reference": "Organization/2"}}},
        "performer": [{"display": "no literal"}, {"reference": "Practitioner/1"}],
        "valueString": "Patient/2",
    }

    found = [(reference.expression, reference.text) for reference in references(resource)]

    assert found == [
        ("Observation.contained[0].owner", "Organization/1"),
        ("Observation.extension[0].valueReference", "Location/1"),
        ("Observation.subject", "Patient/1"),
        ("Observation.subject.identifier.assigner", "Organization/2"),
        ("Observation.performer[1]", "Practitioner/1"),
    ]


def test_what_the_entries_of_a_bundle_refer_to_is_not_walked() -> None:
    bundle = {
        "resourceType": "Bundle",
        "identifier": {"assigner": {"reference": "Organization/1"}},
        "entry": [{"resource": {"resourceType": "Observation", "subject": {"reference": "Patient/1"}}}],
    }

    assert [reference.text for reference in references(bundle)] == ["Organization/1"]


def test_the_texts_of_references_are_those_that_are_found_with_their_places(r4_examples: Path) -> None:
    for file in sorted(r4_examples.glob("*.json"))[::40]:
        resource = json.decode(file.read_bytes())
        if "resourceType" in resource:
            assert reference_texts(resource) == {found.text for found in references(resource)}
