"""Bad input: an OperationOutcome in Japanese and English with the right status, never a 5xx, and the server goes on."""

import gzip
import json
import socket
from typing import Any

import httpx
import pytest

JSON = {"Content-Type": "application/fhir+json"}
XML = {"Content-Type": "application/fhir+xml"}
JAPANESE = range(0x3040, 0xA000)


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Return the first issue of an OperationOutcome that is told in both languages."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    for issue in body["issue"]:
        ja, _, en = issue["details"]["text"].partition(" / ")
        assert any(ord(character) in JAPANESE for character in ja)
        assert en.strip()
    first: dict[str, Any] = body["issue"][0]
    return first


BROKEN_JSON = {
    "empty object": b"{}",
    "cut off": b'{"resourceType":"Patient",\n "name":',
    "no JSON": b"<Patient/>",
    "trailing comma": b'{"resourceType":"Patient",}',
    "two documents": b'{"resourceType":"Patient"}{}',
    "NaN": b'{"resourceType":"Patient","x":NaN}',
    "a NUL byte": b'{"resourceType":"Patient","gender":"ma\x00le"}',
    "an escaped NUL": b'{"resourceType":"Patient","gender":"ma\\u0000le"}',
    "a control character": b'{"resourceType":"Patient","gender":"ma\\u0001le"}',
    "a lone surrogate": b'{"resourceType":"Patient","gender":"\\ud800"}',
    "a lone surrogate in bytes": b'{"resourceType":"Patient","gender":"\xed\xa0\x80"}',
    "no UTF-8": b'{"resourceType":"Patient","gender":"\xff"}',
    "a duplicate key": b'{"resourceType":"Patient","gender":"male","gender":"female"}',
    "a number of a million digits": b'{"resourceType":"Observation","valueQuantity":{"value":'
    + b"1" * 1_000_000
    + b"}}",
    "a decimal of a million digits": b'{"resourceType":"Observation","valueQuantity":{"value":1.'
    + b"1" * 1_000_000
    + b"}}",
    "a great exponent": b'{"resourceType":"Observation","valueQuantity":{"value":1e999999999}}',
    "depth of objects": b'{"resourceType":"Patient","extension":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "depth of arrays": b"[" * 100_000 + b"]" * 100_000,
    "depth unfinished": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("body", BROKEN_JSON.values(), ids=BROKEN_JSON.keys())
def test_json_that_is_not_sound_is_refused(api: httpx.Client, body: bytes) -> None:
    answer = api.post("Patient", content=body, headers=JSON)

    assert answer.status_code == 400
    problem(answer)
    assert len(answer.content) < 5_000
    assert api.get("Patient?_count=0").status_code == 200


def test_json_that_breaks_off_tells_line_and_column(api: httpx.Client) -> None:
    answer = api.post("Patient", content=b'{\n  "resourceType": "Patient",\n  "active": @\n}', headers=JSON)

    issue = problem(answer)
    assert issue["location"] == ["Line[3] Col[13]"]
    assert {extension["url"].rpartition("-")[2] for extension in issue["extension"]} == {"line", "col"}


PATIENT = b'<Patient xmlns="http://hl7.org/fhir">'
BROKEN_XML = {
    "cut off": b'<Patient xmlns="http://hl7.org/fhir">\n<active value="true"',
    "no XML": b'{"resourceType":"Patient"}',
    "no namespace": b"<Patient/>",
    "an unknown element": b'<Patient xmlns="http://hl7.org/fhir"><nonsense value="1"/></Patient>',
    "an unknown resource": b'<Patiens xmlns="http://hl7.org/fhir"/>',
    "text where none may be": b'<Patient xmlns="http://hl7.org/fhir">x<active value="true"/></Patient>',
    "a DOCTYPE": b'<!DOCTYPE Patient><Patient xmlns="http://hl7.org/fhir"/>',
    "an entity": b'<!DOCTYPE P [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    + PATIENT
    + b'<language value="&a;"/></Patient>',
    "an entity bomb": b'<!DOCTYPE P [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;">]>'
    + PATIENT
    + b'<language value="&b;"/></Patient>',
    "a NUL byte": b'<Patient xmlns="http://hl7.org/fhir"><language value="\x00"/></Patient>',
    "a control character": b'<Patient xmlns="http://hl7.org/fhir"><language value="&#1;"/></Patient>',
    "an unknown encoding": b'<?xml version="1.0" encoding="nonsense"?><Patient xmlns="http://hl7.org/fhir"/>',
    "depth": b'<Patient xmlns="http://hl7.org/fhir">' + b'<extension url="a">' * 100_000,
    "a repeated attribute": b'<Patient xmlns="http://hl7.org/fhir"><active value="true" value="false"/></Patient>',
}


@pytest.mark.parametrize("body", BROKEN_XML.values(), ids=BROKEN_XML.keys())
def test_xml_that_is_not_sound_is_refused(api: httpx.Client, body: bytes) -> None:
    answer = api.post("Patient", content=body, headers=XML)

    assert answer.status_code == 400
    problem(answer)
    assert b"root:" not in answer.content
    assert api.get("Patient?_count=0").status_code == 200


_MANY = b" ".join(b'a%d="1"' % n for n in range(40_000))
_DIV = b'<div xmlns="http://www.w3.org/1999/xhtml"><p %b>x</p></div>' % _MANY


@pytest.mark.parametrize(
    "body",
    [
        PATIENT[:-1] + b" " + _MANY + b"/>",
        PATIENT + b'<active value="true" ' + _MANY + b"/></Patient>",
        PATIENT + b'<text><status value="generated"/>' + _DIV + b"</text></Patient>",
        PATIENT[:-1] + b' xmlns:h="http://www.w3.org/1999/xhtml"><text><status value="generated"/>'
        b"<h:div><h:p " + _MANY + b">x</h:p></h:div></text></Patient>",
    ],
    ids=["of a resource", "of a primitive", "of a narrative", "of a narrative with a prefix"],
)
def test_very_many_attributes_are_refused_at_once(api: httpx.Client, body: bytes) -> None:
    answer = api.post("Patient", content=body, headers=XML)

    assert answer.status_code == 400
    assert "a0" in answer.text
    assert answer.elapsed.total_seconds() < 1


WRONG_RESOURCES = {
    "an unknown element": ({"nonsense": 1}, "Patient"),
    "a wrong type": ({"active": "yes"}, "Patient.active"),
    "an object for an array": ({"name": {"family": "山田"}}, "Patient.name"),
    "a malformed date": ({"birthDate": "1970-13-01"}, "Patient.birthDate"),
    "an empty string": ({"language": ""}, "Patient.language"),
    "a null": ({"active": None}, "Patient.active"),
    "an empty array": ({"name": []}, "Patient.name"),
    "an unknown contained resource": ({"contained": [{"resourceType": "Nonsense"}]}, "Patient.contained[0]"),
    "resources contained in each other": (
        {
            "contained": [
                {"resourceType": "Organization", "id": "a", "name": "a", "partOf": {"reference": "#b"}},
                {"resourceType": "Organization", "id": "b", "name": "b", "partOf": {"reference": "#a"}},
            ],
            "managingOrganization": {"reference": "#a"},
        },
        "Patient.contained",
    ),
}


@pytest.mark.parametrize(("wrong", "place"), WRONG_RESOURCES.values(), ids=WRONG_RESOURCES.keys())
def test_a_resource_that_is_not_r4_is_refused_with_the_place(
    api: httpx.Client, wrong: dict[str, Any], place: str
) -> None:
    answer = api.post("Patient", json={"resourceType": "Patient"} | wrong)

    assert answer.status_code == 400
    assert problem(answer)["expression"][0].startswith(place)


def test_a_missing_required_element_is_422(api: httpx.Client) -> None:
    answer = api.post("Observation", json={"resourceType": "Observation", "code": {"text": "x"}})

    assert answer.status_code == 422
    assert problem(answer)["expression"] == ["Observation.status"] or problem(answer)["expression"] == ["Observation"]


def test_of_very_many_issues_the_first_are_told(api: httpx.Client) -> None:
    members = [{"entity": {"reference": f"Patient/not-here-{number}"}} for number in range(1_000)]
    group = {"resourceType": "Group", "type": "person", "actual": True, "member": members}

    issues = api.post("Group", json=group).json()["issue"]

    assert len(issues) == 100
    assert "901" in issues[-1]["details"]["text"]


def test_a_body_of_50_megabytes_is_413(api: httpx.Client) -> None:
    answer = api.post("Patient", content=b'{"resourceType":"Patient","x":"' + b"x" * 50_000_000 + b'"}', headers=JSON)

    assert answer.status_code == 413
    assert problem(answer)["code"] == "too-long"
    assert api.get("Patient?_count=0").status_code == 200


def test_a_long_body_without_content_length_is_413(api: httpx.Client) -> None:
    answer = api.post("Patient", content=(b" " * 1_000_000 for _ in range(60)), headers=JSON)

    assert answer.status_code == 413


def test_a_gzip_bomb_is_413(api: httpx.Client) -> None:
    bomb = gzip.compress(b" " * 200_000_000, compresslevel=1)

    answer = api.post("Patient", content=bomb, headers=JSON | {"Content-Encoding": "gzip"})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"no gzip", gzip.compress(b'{"resourceType":"Patient"}')[:-6], b""],
    ids=["no gzip", "broken off", "empty"],  # the time of packing is in the bytes
)
def test_a_body_that_cannot_be_unpacked_is_400(api: httpx.Client, body: bytes) -> None:
    answer = api.post("Patient", content=body, headers=JSON | {"Content-Encoding": "gzip"})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/fhir+turtle"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/fhir+json; charset=nonsense"},
        {"Content-Type": "application/fhir+json; fhirVersion=3.0"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": ""},
        {"Content-Encoding": "br", **JSON},
    ],
)
def test_a_body_of_a_kind_that_is_not_read_is_415(api: httpx.Client, headers: dict[str, str]) -> None:
    answer = api.post("Patient", content=b'{"resourceType":"Patient"}', headers=headers)

    assert answer.status_code == 415
    assert "gzip" in problem(answer)["details"]["text"] or "application/fhir+json" in problem(answer)["details"]["text"]


@pytest.mark.parametrize("path", ["metadata", "Patient", "Patient/never-was", "nonsense"])
def test_an_accept_that_cannot_be_met_is_406(api: httpx.Client, path: str) -> None:
    answer = api.get(path, headers={"Accept": "text/turtle"})

    assert answer.status_code == 406
    assert answer.headers["Content-Type"].startswith("application/fhir+json")
    problem(answer)


def test_a_create_whose_answer_cannot_be_read_is_not_done(api: httpx.Client) -> None:
    before = api.get("Basic/_history?_count=0").json()["total"]

    answer = api.post("Basic", json={"resourceType": "Basic", "code": {"text": "x"}}, headers={"Accept": "image/png"})

    assert answer.status_code == 406
    assert api.get("Basic/_history?_count=0").json()["total"] == before


@pytest.mark.parametrize(
    "query",
    ["name=%", "name=%zz", "name=%ff", "name=%00", "na%0dme=x", "_format=nonsense%", "%ff=1", "_id=%f0%28%8c%28"],
)
def test_a_url_that_cannot_be_decoded_is_400(api: httpx.Client, query: str) -> None:
    assert status_of(api, f"GET /fhir/Patient?{query} HTTP/1.1") == 400
    assert status_of(api, f"GET /fhir/Patient/{query.partition('=')[2]} HTTP/1.1") in (400, 404)


def test_an_error_is_written_in_the_format_that_was_asked_for(api: httpx.Client) -> None:
    answer = api.get("Patient/never-was", headers={"Accept": "application/fhir+xml"})

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("application/fhir+xml")
    assert b"<OperationOutcome" in answer.content


def raw(api: httpx.Client, request: bytes) -> bytes:
    """Send bytes as they are, and return what comes back until the server closes."""
    with socket.create_connection((str(api.base_url.host), api.base_url.port or 80), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer


def status_of(api: httpx.Client, line: str, *headers: str) -> int:
    host = f"Host: {api.base_url.host}:{api.base_url.port}"
    answer = raw(api, "\r\n".join([line, host, "Connection: close", *headers, "", ""]).encode("latin-1"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert json.loads(body)["resourceType"] in ("OperationOutcome", "Bundle", "Patient")
    return int(head.split()[1])


def test_an_absurdly_long_url_is_414(api: httpx.Client) -> None:
    assert status_of(api, f"GET /fhir/Patient?name={'x' * 40_000} HTTP/1.1") == 414
    assert status_of(api, f"GET /fhir/Patient?name={'x' * 200_000} HTTP/1.1") == 414
    assert status_of(api, f"GET /fhir/Patient?name={'x' * 30_000} HTTP/1.1") == 200


def test_headers_without_end_are_431(api: httpx.Client) -> None:
    assert status_of(api, "GET /fhir/Patient HTTP/1.1", *(f"X-{n}: {'x' * 1000}" for n in range(100))) == 431


@pytest.mark.parametrize(
    "line",
    [
        "GET /fhir/Patient?name=\x00 HTTP/1.1",
        "GET /fhir/\x01 HTTP/1.1",
        "nonsense",
        "GET /fhir/Patient HTTP/9.9",
        "GET /fhir/\xe5 HTTP/1.1",
    ],
)
def test_what_is_no_http_is_400_with_an_operation_outcome(api: httpx.Client, line: str) -> None:
    assert status_of(api, line) == 400


def test_a_url_typed_in_japanese_means_what_it_says(api: httpx.Client) -> None:
    made = api.post("Patient", json={"resourceType": "Patient", "name": [{"family": "生駒山"}]}).json()
    host = f"Host: {api.base_url.host}:{api.base_url.port}"
    request = f"GET /fhir/Patient?name=生駒山 HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n"

    answer = raw(api, request.encode())

    assert answer.startswith(b"HTTP/1.1 200")
    assert made["id"].encode() in answer


def test_a_request_without_host_is_400(api: httpx.Client) -> None:
    answer = raw(api, b"GET /fhir/Patient/1 HTTP/1.0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400")


def test_a_client_that_goes_away_in_the_middle_does_no_harm(server: Any, api: httpx.Client) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )

    assert api.get("Patient?_count=0").status_code == 200
    assert "Traceback" not in server.log
