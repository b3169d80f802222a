"""https://hl7.org/fhir/R4/bundle.html"""

import base64
import json
from typing import Any

import pytest

from fhir_service.fhir.bundle import EntryAnswer, answer_bundle, entries_of, located, read_entry
from fhir_service.fhir.outcome import FhirError, Issue

BASE = "http://example.org/fhir"


def entry(method: str, url: Any, **rest: Any) -> dict[str, Any]:
    return {"request": {"method": method, "url": url, **rest.pop("request", {})}, **rest}


@pytest.mark.parametrize(
    ("url", "path", "query"),
    [
        ("Patient/1", ("Patient", "1"), ()),
        ("/Patient/1", ("Patient", "1"), ()),
        (f"{BASE}/Patient/1/_history/2", ("Patient", "1", "_history", "2"), ()),
        ("Patient?name=%E5%B1%B1&active=", ("Patient",), (("name", "山"), ("active", ""))),
        (
            "Observation?code=http://loinc.org|1&_count=1",
            ("Observation",),
            (("code", "http://loinc.org|1"), ("_count", "1")),
        ),
        ("?_type=Patient", (), (("_type", "Patient"),)),
        ("", (), ()),
        ("/", (), ()),
        ("Patient/$everything", ("Patient", "$everything"), ()),
    ],
)
def test_the_url_of_an_entry_is_relative_to_the_base_or_absolute_under_it(url: str, path: Any, query: Any) -> None:
    read = read_entry(entry("GET", url), 0, BASE)

    assert (read.path, read.query) == (path, query)


def test_the_properties_of_a_request_are_headers() -> None:
    conditions = {
        "ifMatch": 'W/"3"',
        "ifNoneMatch": "*",
        "ifNoneExist": "identifier=x",
        "ifModifiedSince": "2026-11-22T23:38:21.123+09:00",
    }

    read = read_entry(entry("GET", "Patient/1", request=conditions), 0, BASE)

    assert read.headers == {
        "if-match": 'W/"3"',
        "if-none-match": "*",
        "if-none-exist": "identifier=x",
        "if-modified-since": "Sun, 22 Nov 2026 14:38:21 GMT",
    }


def test_a_binary_carries_a_json_patch() -> None:
    operations = [{"op": "replace", "path": "/active", "value": True}]
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json; charset=utf-8",
        "data": base64.b64encode(json.dumps(operations).encode()).decode(),
    }

    read = read_entry(entry("PATCH", "Patient/1", resource=binary), 0, BASE)

    assert (read.body, read.media_type) == (operations, "application/json-patch+json")


BINARY = {"resourceType": "Binary", "contentType": "application/json-patch+json"}


@pytest.mark.parametrize(
    ("raw", "expression"),
    [
        (None, "Bundle.entry[7]"),
        ([], "Bundle.entry[7]"),
        ({}, "Bundle.entry[7].request"),
        ({"request": 1}, "Bundle.entry[7].request"),
        ({"request": {"url": "Patient"}}, "Bundle.entry[7].request.method"),
        (entry("get", "Patient/1"), "Bundle.entry[7].request.method"),
        (entry("OPTIONS", "Patient/1"), "Bundle.entry[7].request.method"),
        (entry(["GET"], "Patient/1"), "Bundle.entry[7].request.method"),  # type: ignore[arg-type]
        (entry("GET", None), "Bundle.entry[7].request.url"),
        (entry("GET", "http://elsewhere.org/fhir/Patient/1"), "Bundle.entry[7].request.url"),
        (entry("GET", "Patient?name=%FF"), "Bundle.entry[7].request.url"),
        (entry("GET", "Patient/%FF"), "Bundle.entry[7].request.url"),
        (entry("GET", "Patient?identifier=a%00b"), "Bundle.entry[7].request.url"),
        (entry("GET", "Patient?name=%zz"), "Bundle.entry[7].request.url"),
        (entry("GET", "Patient/1", fullUrl=3), "Bundle.entry[7].fullUrl"),
        (entry("PUT", "Patient/1"), "Bundle.entry[7].resource"),
        (entry("PATCH", "Patient/1", resource=[]), "Bundle.entry[7].resource"),
        (entry("GET", "Patient/1", request={"ifMatch": 3}), "Bundle.entry[7].request.ifMatch"),
        (entry("GET", "Patient/1", request={"ifModifiedSince": "soon"}), "Bundle.entry[7].request.ifModifiedSince"),
        (
            entry("GET", "Patient/1", request={"ifModifiedSince": "2026-01-01"}),
            "Bundle.entry[7].request.ifModifiedSince",
        ),
        (entry("PATCH", "Patient/1", resource=BINARY | {"data": "%"}), "Bundle.entry[7].resource.data"),
        (entry("PATCH", "Patient/1", resource=BINARY | {"data": "W3s="}), "Bundle.entry[7].resource.data"),
    ],
)
def test_a_malformed_entry_is_400_and_says_where(raw: Any, expression: str) -> None:
    with pytest.raises(FhirError) as raised:
        read_entry(raw, 7, BASE)

    assert (raised.value.status, raised.value.issues[0].expression) == (400, (expression,))


def test_entries_are_a_list() -> None:
    assert entries_of({"resourceType": "Bundle"}, 1) == []
    with pytest.raises(FhirError):
        entries_of({"resourceType": "Bundle", "entry": {}}, 1)


def test_no_more_entries_are_read_than_is_said() -> None:
    assert entries_of({"resourceType": "Bundle", "entry": [{}]}, 1) == [{}]
    with pytest.raises(FhirError) as raised:
        entries_of({"resourceType": "Bundle", "entry": [{}, {}]}, 1)

    assert raised.value.status == 413


def test_the_error_of_an_entry_leads_through_it() -> None:
    def expressions(*given: str) -> tuple[str, ...]:
        return located(FhirError(Issue("value", "ja", "en", given)), 3).issues[0].expression

    assert expressions("Patient.name[0]", "Patient") == ("Bundle.entry[3].resource.name[0]", "Bundle.entry[3].resource")
    assert expressions("Bundle.entry[3].request.url") == ("Bundle.entry[3].request.url",)
    assert expressions("http.name") == ("Bundle.entry[3].request",)
    assert expressions() == ("Bundle.entry[3]",)


def test_answers_stand_as_they_were_stored() -> None:
    answers = [
        EntryAnswer(
            "201 Created", b'{"resourceType":"Patient","id":"1"}', "u/Patient/1", "u/Patient/1/_history/1", 'W/"1"'
        ),
        EntryAnswer("204 No Content"),
    ]

    assert json.loads(answer_bundle("batch-response", answers)) == {
        "resourceType": "Bundle",
        "type": "batch-response",
        "entry": [
            {
                "fullUrl": "u/Patient/1",
                "resource": {"resourceType": "Patient", "id": "1"},
                "response": {"status": "201 Created", "location": "u/Patient/1/_history/1", "etag": 'W/"1"'},
            },
            {"response": {"status": "204 No Content"}},
        ],
    }
    assert json.loads(answer_bundle("batch-response", [])) == {"resourceType": "Bundle", "type": "batch-response"}
