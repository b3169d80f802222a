"""JSON and XML over HTTP: https://hl7.org/fhir/R4/http.html#mime-type"""

import gzip
import json
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

FHIR = "{http://hl7.org/fhir}"
PATIENT = {"resourceType": "Patient", "name": [{"family": "髙橋", "given": ["一郎"]}], "active": True}
PATIENT_XML = '<Patient xmlns="http://hl7.org/fhir"><active value="true"/><name><family value="髙橋"/></name></Patient>'
OBSERVATION = (
    '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s,"unit":"kg"}}'
)


def family(answer: httpx.Response) -> str:
    found = ElementTree.fromstring(answer.content).find(f"{FHIR}name/{FHIR}family")
    assert found is not None
    return found.attrib["value"]


def test_what_comes_as_json_goes_out_as_xml_and_back(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]

    as_xml = api.get(f"Patient/{id_}", headers={"Accept": "application/fhir+xml"})
    returned = api.put(f"Patient/{id_}", content=as_xml.content, headers={"Content-Type": "application/fhir+xml"})

    assert as_xml.headers["Content-Type"] == "application/fhir+xml; charset=utf-8"
    assert family(as_xml) == "髙橋"
    assert {name: returned.json()[name] for name in PATIENT} == PATIENT


@pytest.mark.parametrize("media_type", ["application/fhir+xml", "application/xml", "text/xml"])
def test_each_media_type_of_xml_is_read_and_written(api: httpx.Client, media_type: str) -> None:
    answer = api.post(
        "Patient", content=PATIENT_XML.encode(), headers={"Content-Type": media_type, "Accept": media_type}
    )

    assert answer.status_code == 201
    assert answer.headers["Content-Type"].startswith(media_type)
    assert family(answer) == "髙橋"


@pytest.mark.parametrize("media_type", ["application/fhir+json", "application/json", "text/json"])
def test_each_media_type_of_json_is_read_and_written(api: httpx.Client, media_type: str) -> None:
    answer = api.post(
        "Patient",
        content=json.dumps(PATIENT, ensure_ascii=False).encode(),
        headers={"Content-Type": f"{media_type};charset=UTF-8", "Accept": media_type},
    )

    assert answer.status_code == 201
    assert answer.headers["Content-Type"].startswith(media_type)
    assert answer.json()["name"] == PATIENT["name"]


@pytest.mark.parametrize("charset", ["shift_jis", "windows-31j", "euc-jp", "iso-2022-jp", "utf-16"])
def test_a_body_may_be_in_a_japanese_charset(api: httpx.Client, charset: str) -> None:
    codec = "cp932" if charset in ("shift_jis", "windows-31j") else charset
    patient = {"resourceType": "Patient", "name": [{"family": "渡辺"}]}
    declared = f'<?xml version="1.0" encoding="UTF-8"?>{PATIENT_XML.replace("髙橋", "渡辺")}'

    as_json = api.post(
        "Patient",
        content=json.dumps(patient, ensure_ascii=False).encode(codec),
        headers={"Content-Type": f"application/fhir+json; charset={charset}"},
    )
    as_xml = api.post(
        "Patient",
        content=declared.encode(codec),
        headers={"Content-Type": f"application/fhir+xml; charset={charset}"},
    )

    assert [answer.status_code for answer in (as_json, as_xml)] == [201, 201]
    assert [answer.json()["name"][0]["family"] for answer in (as_json, as_xml)] == ["渡辺", "渡辺"]


def test_a_body_that_is_not_in_its_charset_is_refused(api: httpx.Client) -> None:
    answer = api.post(
        "Patient",
        content=b'{"resourceType":"Patient","name":[{"family":"\x81"}]}',
        headers={"Content-Type": "application/fhir+json; charset=shift_jis"},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize("encoding", ["Shift_JIS", "EUC-JP", "UTF-16", "utf-8", "ISO-2022-JP"])
def test_an_xml_document_may_name_its_own_encoding(api: httpx.Client, encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?>{PATIENT_XML.replace("髙橋", "渡辺")}'

    answer = api.post("Patient", content=document.encode(encoding), headers={"Content-Type": "application/fhir+xml"})

    assert answer.json()["name"][0]["family"] == "渡辺"


def test_bundles_and_outcomes_are_written_as_xml_too(api: httpx.Client) -> None:
    for path in ("Patient?_count=1", "metadata", "Patient/never-was", "Basic/_history?_count=1"):
        answer = api.get(path, headers={"Accept": "application/fhir+xml"})
        assert ElementTree.fromstring(answer.content).tag.startswith(FHIR)


def test_pretty_is_for_people(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]

    as_json = api.get(f"Patient/{id_}?_pretty=true")
    as_xml = api.get(f"Patient/{id_}?_pretty=true&_format=xml")

    assert as_json.text.count("\n") > 5
    assert as_xml.text.count("\n") > 5
    assert as_json.json() == api.get(f"Patient/{id_}").json()


def test_a_form_may_say_the_format(api: httpx.Client) -> None:
    answer = api.post("Patient/_search", data={"_id": "never-was", "_format": "xml"})
    unknown = api.post("Patient/_search", data={"_id": "never-was", "_format": "text/turtle"})

    assert ElementTree.fromstring(answer.content).tag == f"{FHIR}Bundle"
    assert unknown.status_code == 406


@pytest.mark.parametrize("number", ["1.00", "0.10", "100", "1E2", "123456789012345678.123456789", "-0.0"])
def test_a_decimal_keeps_its_digits(api: httpx.Client, number: str) -> None:
    created = api.post("Observation", content=OBSERVATION % number, headers={"Content-Type": "application/fhir+json"})
    read = api.get(f"Observation/{created.json()['id']}")

    assert f'"value":{number},' in created.text.replace("E-3", "e-3").replace("E+2", "E2")
    assert read.text == created.text


def test_a_long_answer_is_packed_for_who_can_unpack_it(api: httpx.Client) -> None:
    packed = api.get("metadata", headers={"Accept-Encoding": "gzip"})
    plain = api.get("metadata", headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["Content-Length"]) * 5 < int(plain.headers["Content-Length"])


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip;q=0", False), ("gzip; q=0.0, identity", False), ("identity;q=0.5, gzip;q=0.1", True), ("br", False)],
)
def test_an_answer_is_not_packed_for_who_rules_it_out(api: httpx.Client, accepted: str, packed: bool) -> None:
    answer = api.get("metadata", headers={"Accept-Encoding": accepted})

    assert ("Content-Encoding" in answer.headers) == packed


def test_a_short_answer_is_not_packed(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]

    assert "Content-Encoding" not in api.get(f"Patient/{id_}", headers={"Accept-Encoding": "gzip"}).headers


def test_a_long_resource_is_packed_on_a_plain_read_too(api: httpx.Client) -> None:
    note = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{"長い経過。" * 500}</div>'}
    id_ = api.post("Patient", json=PATIENT | {"text": note}).json()["id"]

    answer = api.get(f"Patient/{id_}", headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json()["text"] == note


def test_a_packed_body_is_unpacked(api: httpx.Client) -> None:
    answer = api.post(
        "Patient",
        content=gzip.compress(json.dumps(PATIENT).encode()),
        headers={"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"},
    )

    assert answer.status_code == 201


def test_no_cache_keeps_what_is_patients_data(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]

    for path in (f"Patient/{id_}", "Patient?_count=1"):
        assert api.get(path).headers["Cache-Control"] == "private, no-cache"


def test_answers_do_not_say_what_server_they_come_from(server: Any, api: httpx.Client) -> None:
    assert "Server" not in api.get("metadata").headers
    assert "Server" not in httpx.get(f"{server.root}/").headers
