"""https://hl7.org/fhir/R4/binary.html#rest"""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452")


@pytest.fixture
def api(server: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.base}/", timeout=30) as client:
        yield client


def test_what_is_sent_as_it_is_becomes_a_binary_and_is_given_back_as_it_was(api: httpx.Client) -> None:
    created = api.post("Binary", content=PIXEL, headers={"Content-Type": "image/png"})
    id_ = created.json()["id"]

    as_resource = api.get(f"Binary/{id_}", headers={"Accept": "application/fhir+json"}).json()
    as_it_was = api.get(f"Binary/{id_}", headers={"Accept": "image/*"})

    assert created.status_code == 201
    assert (as_resource["contentType"], as_resource["data"]) == ("image/png", "iVBORw0KGgoAAAANSUhEUg==")
    assert (as_it_was.status_code, as_it_was.content) == (200, PIXEL)
    assert as_it_was.headers["Content-Type"] == "image/png"
    assert as_it_was.headers["ETag"] == 'W/"1"'


def test_a_binary_is_replaced_in_its_own_form(api: httpx.Client) -> None:
    id_ = uuid.uuid4().hex
    first = api.put(f"Binary/{id_}", content=b"<p>x</p>", headers={"Content-Type": "text/html; charset=utf-8"})
    second = api.put(f"Binary/{id_}", content=b"<p>y</p>", headers={"Content-Type": "text/html; charset=utf-8"})

    now, before = (
        api.get(f"Binary/{id_}{version}", headers={"Accept": "text/html"}) for version in ("", "/_history/1")
    )
    assert (first.status_code, second.status_code) == (201, 200)
    assert (now.content, before.content) == (b"<p>y</p>", b"<p>x</p>")


def test_content_is_never_run_in_the_name_of_this_server(api: httpx.Client) -> None:
    page = {"resourceType": "Binary", "contentType": "text/html", "data": "PHNjcmlwdD4="}
    id_ = api.post("Binary", json=page).json()["id"]

    answer = api.get(f"Binary/{id_}", headers={"Accept": "text/html"})

    assert answer.content == b"<script>"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_who_names_a_type_of_fhir_gets_the_resource(api: httpx.Client) -> None:
    id_ = api.post("Binary", content=PIXEL, headers={"Content-Type": "image/png"}).json()["id"]

    for accept in ("application/fhir+json", "application/fhir+xml", "image/png;q=0.5, application/fhir+json, */*"):
        answer = api.get(f"Binary/{id_}", headers={"Accept": accept})
        assert answer.headers["Content-Type"].startswith("application/fhir+"), accept
    assert api.get(f"Binary/{id_}?_format=json").json()["resourceType"] == "Binary"


@pytest.mark.parametrize(
    ("query", "accept"), [("?_format=nonsense", "*/*"), ("", "application/fhir+json; fhirVersion=3.0")]
)
def test_a_form_of_the_resource_that_is_not_offered_is_406(api: httpx.Client, query: str, accept: str) -> None:
    page = {"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERg=="}
    id_ = api.post("Binary", json=page).json()["id"]

    assert api.get(f"Binary/{id_}{query}", headers={"Accept": accept}).status_code == 406


@pytest.mark.parametrize("accept", ["*/*", "", "image/webp, */*;q=0.8"])
def test_who_names_none_gets_the_content(api: httpx.Client, accept: str) -> None:
    id_ = api.post("Binary", content=PIXEL, headers={"Content-Type": "image/png"}).json()["id"]

    for path in (f"Binary/{id_}", f"Binary/{id_}/_history/1"):
        answer = api.get(path, headers={"Accept": accept})
        assert (answer.headers["Content-Type"], answer.content) == ("image/png", PIXEL)
    assert api.get("Binary/nobody", headers={"Accept": accept}).json()["resourceType"] == "OperationOutcome"
    assert api.get(f"Binary/{id_}/_history", headers={"Accept": accept}).json()["type"] == "history"


@pytest.mark.parametrize("accept", ["image/jpeg", "text/plain", "image/png;q=0"])
def test_content_of_another_type_than_is_accepted_is_406(api: httpx.Client, accept: str) -> None:
    id_ = api.post("Binary", content=PIXEL, headers={"Content-Type": "image/png"}).json()["id"]

    answer = api.get(f"Binary/{id_}", headers={"Accept": accept})

    assert answer.status_code == 406
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_only_a_binary_is_taken_or_given_in_its_own_form(api: httpx.Client) -> None:
    assert api.post("Patient", content=PIXEL, headers={"Content-Type": "image/png"}).status_code == 415
    assert api.get("Binary", headers={"Accept": "image/png"}).status_code == 406
    assert api.get("Binary/nobody", headers={"Accept": "image/png"}).status_code == 404
    refused = api.post("Binary", content=PIXEL, headers={"Content-Type": "image/png", "Accept": "image/png"})
    assert refused.status_code == 406


def test_the_security_context_is_kept(api: httpx.Client) -> None:
    patient = api.post("Patient", json={"resourceType": "Patient"}).json()["id"]
    headers = {"Content-Type": "image/png", "X-Security-Context": f"Patient/{patient}"}

    stored = api.post("Binary", content=PIXEL, headers=headers).json()

    assert stored["securityContext"] == {"reference": f"Patient/{patient}"}


def test_the_id_of_a_request_comes_back(api: httpx.Client) -> None:
    for path in ("Patient?_count=0", "metadata", "Patient/nobody"):
        assert api.get(path, headers={"X-Request-Id": "case-7"}).headers["X-Request-Id"] == "case-7"
    assert "X-Request-Id" not in api.get("Patient?_count=0").headers
