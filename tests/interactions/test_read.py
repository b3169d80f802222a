"""https://hl7.org/fhir/R4/http.html#read"""

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

PATIENT = {"resourceType": "Patient", "name": [{"family": "鈴木"}], "active": True, "birthDate": "1970-01-02"}


@pytest.fixture
def patient(api: httpx.Client) -> str:
    return f"Patient/{api.post('Patient', json=PATIENT).json()['id']}"


def test_a_read_answers_what_was_stored_with_its_version(api: httpx.Client, patient: str) -> None:
    answer = api.get(patient)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert answer.headers["ETag"] == 'W/"1"'
    assert parsedate_to_datetime(answer.headers["Last-Modified"])
    assert answer.json()["name"] == PATIENT["name"]


def test_the_short_way_and_the_long_way_give_the_same_answer(api: httpx.Client, patient: str) -> None:
    short = api.get(patient, headers={"Accept-Encoding": "identity"})
    long = api.get(patient, params={"_format": "application/fhir+json"}, headers={"Accept-Encoding": "identity"})

    assert short.content == long.content
    assert {**short.headers, "date": ""} == {**long.headers, "date": ""}


def test_what_never_was_is_404(api: httpx.Client) -> None:
    answer = api.get("Patient/never-was")

    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-found"


def test_what_was_deleted_is_410(api: httpx.Client, patient: str) -> None:
    api.delete(patient)

    answer = api.get(patient)

    assert answer.status_code == 410
    assert answer.json()["issue"][0]["code"] == "deleted"


@pytest.mark.parametrize("id_", ["x" * 65, "a_b", "a%20b", "%E5%B1%B1", "a+b", "_foo"])
def test_what_cannot_be_an_id_is_400(api: httpx.Client, id_: str) -> None:
    assert api.get(f"Patient/{id_}").status_code == 400


def test_an_id_of_64_characters_can_be_read(api: httpx.Client) -> None:
    id_ = "A1-." * 16
    api.put(f"Patient/{id_}", json=PATIENT | {"id": id_})

    assert api.get(f"Patient/{id_}").json()["id"] == id_


@pytest.mark.parametrize("etag", ['W/"1"', '"1"', 'W/"9", W/"1"', "*", "1"])
def test_a_client_that_has_this_version_gets_304(api: httpx.Client, patient: str, etag: str) -> None:
    answer = api.get(patient, headers={"If-None-Match": etag})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == 'W/"1"'


def test_a_client_that_has_another_version_gets_this_one(api: httpx.Client, patient: str) -> None:
    assert api.get(patient, headers={"If-None-Match": 'W/"2"'}).status_code == 200


def test_if_modified_since_answers_304_until_it_is_modified(api: httpx.Client, patient: str) -> None:
    modified = parsedate_to_datetime(api.get(patient).headers["Last-Modified"])

    unmodified = api.get(patient, headers={"If-Modified-Since": format_datetime(modified, usegmt=True)})
    before = format_datetime(modified - timedelta(seconds=1), usegmt=True)

    assert unmodified.status_code == 304
    assert api.get(patient, headers={"If-Modified-Since": before}).status_code == 200
    assert (
        api.get(
            patient, headers={"If-None-Match": 'W/"2"', "If-Modified-Since": unmodified.headers["Date"]}
        ).status_code
        == 200
    )


@pytest.mark.parametrize("since", ["yesterday", "2026-11-22T08:00:00Z", "Mon, 99 Foo 2026 00:00:00 GMT", ""])
def test_an_if_modified_since_that_is_no_http_date_is_ignored(api: httpx.Client, patient: str, since: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc9110#section-13.1.3"""
    assert api.get(patient, headers={"If-Modified-Since": since}).status_code == 200


@pytest.mark.parametrize("headers", [{"If-None-Match": "W/1"}, {"If-None-Match": '"'}])
def test_a_condition_that_cannot_be_read_is_400(api: httpx.Client, patient: str, headers: dict[str, str]) -> None:
    assert api.get(patient, headers=headers).status_code == 400


def test_head_answers_as_get_does_without_the_body(api: httpx.Client, patient: str) -> None:
    get, head = api.get(patient), api.head(patient)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert head.headers["ETag"] == get.headers["ETag"]
    assert api.head("Patient/never-was").status_code == 404


def test_a_read_can_ask_for_some_elements_only(api: httpx.Client, patient: str) -> None:
    answer = api.get(patient, params={"_elements": "birthDate"}).json()

    assert answer["birthDate"] == "1970-01-02"
    assert "name" not in answer
    assert answer["meta"]["tag"][0]["code"] == "SUBSETTED"
