"""https://hl7.org/fhir/R4/http.html#trules"""

from copy import deepcopy
from typing import Any

import pytest

from fhir_service.fhir.bundle_links import FullUrls
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Key

BASE = "http://example.org/fhir"
URN = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
OID = "urn:oid:1.2.392.1"


@pytest.fixture(scope="module")
def full_urls() -> FullUrls:
    urls = FullUrls(Definitions.load(), BASE)
    urls.add(URN, Key("Patient", "p1"))
    urls.add(OID, Key("Device", "d1"))
    urls.add("http://sender.jp/r4/Organization/temp", Key("Organization", "o1"))
    urls.add("Practitioner/temp", Key("Practitioner", "x1"))
    return urls


def test_references_to_entries_become_references_to_what_they_are_called_here(full_urls: FullUrls) -> None:
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "contained": [{"resourceType": "Encounter", "id": "e", "subject": {"reference": URN}}],
        "subject": {"reference": URN, "display": "山田"},
        "device": {"reference": OID},
        "performer": [{"reference": "Organization/temp"}, {"reference": "Practitioner/temp"}],
        "encounter": {"reference": "#e"},
    }

    links = full_urls.replace(resource, "http://sender.jp/r4/Observation/1")

    assert resource["subject"] == {"reference": "Patient/p1", "display": "山田"}
    assert resource["contained"][0]["subject"]["reference"] == "Patient/p1"
    assert resource["device"]["reference"] == "Device/d1"
    assert [one["reference"] for one in resource["performer"]] == ["Organization/o1", "Practitioner/x1"]
    assert resource["encounter"]["reference"] == "#e"
    assert links.keys == {
        Key("Patient", "p1"),
        Key("Device", "d1"),
        Key("Organization", "o1"),
        Key("Practitioner", "x1"),
    }


def test_a_relative_reference_is_relative_to_the_full_url_of_its_own_entry(full_urls: FullUrls) -> None:
    resource: dict[str, Any] = {"resourceType": "Patient", "managingOrganization": {"reference": "Organization/temp"}}

    links = full_urls.replace(resource, URN)

    assert resource["managingOrganization"]["reference"] == "Organization/temp"
    assert links.keys == {Key("Organization", "temp")}


def test_references_elsewhere_and_to_a_version_stay_as_they_are(full_urls: FullUrls) -> None:
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "subject": {"reference": "http://other.org/Patient/1"},
        "encounter": {"reference": "Encounter/1/_history/2"},
        "device": {"reference": f"{BASE}/Device/3"},
    }
    before = deepcopy(resource)

    links = full_urls.replace(resource, None)

    assert resource == before
    assert links.keys == {Key("Encounter", "1"), Key("Device", "3")}


def test_uris_and_links_in_the_narrative_are_replaced_but_strings_are_not(full_urls: FullUrls) -> None:
    resource: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "text": {"status": "generated", "div": f"<div><a href=\"{URN}\">x</a><img src='{OID}'/> {URN}</div>"},
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": URN}],
        "extension": [{"url": "http://x", "valueUri": URN}, {"url": "http://x", "valueString": URN}],
        "_status": {"extension": [{"url": "http://x", "valueUrl": URN}]},
        "content": [{"attachment": {"url": URN, "title": URN}}],
        "implicitRules": URN,
    }

    full_urls.replace(resource, None)

    assert resource["text"]["div"] == f"<div><a href=\"Patient/p1\">x</a><img src='Device/d1'/> {URN}</div>"
    assert resource["identifier"][0]["value"] == URN
    assert [one.get("valueUri") for one in resource["extension"]] == ["Patient/p1", None]
    assert resource["extension"][1]["valueString"] == URN
    assert resource["_status"]["extension"][0]["valueUrl"] == "Patient/p1"
    assert resource["content"] == [{"attachment": {"url": "Patient/p1", "title": URN}}]
    assert resource["implicitRules"] == "Patient/p1"


def test_lists_of_uris_are_replaced_too(full_urls: FullUrls) -> None:
    resource: dict[str, Any] = {"resourceType": "PlanDefinition", "instantiatesUri": [URN], "library": [URN]}
    resource = {"resourceType": "CarePlan", "instantiatesUri": ["http://a", URN], "instantiatesCanonical": [URN]}

    full_urls.replace(resource, None)

    assert resource["instantiatesUri"] == ["http://a", "Patient/p1"]
    assert resource["instantiatesCanonical"] == [URN]


def test_conditional_references_are_found_and_resolved(full_urls: FullUrls) -> None:
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "subject": {"reference": "Patient?identifier=http://x|1"},
        "focus": [{"reference": f"{BASE}/Patient?active=true"}, {"reference": "http://other.org/Patient?active=true"}],
    }

    links = full_urls.replace(resource, None)
    for found, _ in links.conditional:
        links.resolve(found, Key("Patient", "9"))

    assert [parsed.search for _, parsed in links.conditional] == ["identifier=http://x|1", "active=true"]
    assert resource["subject"]["reference"] == "Patient/9"
    assert links.keys == {Key("Patient", "9")}


def test_everything_can_be_put_back(full_urls: FullUrls) -> None:
    resource: dict[str, Any] = {
        "resourceType": "CarePlan",
        "text": {"status": "generated", "div": f'<div><a href="{URN}">x</a></div>'},
        "subject": {"reference": URN},
        "author": {"reference": "Practitioner?identifier=1"},
        "instantiatesUri": [URN],
    }
    before = deepcopy(resource)
    links = full_urls.replace(resource, None)
    links.resolve(links.conditional[0][0], Key("Practitioner", "1"))

    links.undo()

    assert resource == before


def test_the_entries_of_a_bundle_within_are_left_alone(full_urls: FullUrls) -> None:
    document: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "document",
        "entry": [{"fullUrl": URN, "resource": {"resourceType": "Patient", "link": [{"other": {"reference": URN}}]}}],
    }

    full_urls.replace(document, None)

    assert document["entry"][0]["fullUrl"] == URN
    assert document["entry"][0]["resource"]["link"][0]["other"]["reference"] == URN
