"""Patient/$everything: everything about all patients, over HTTP, on a server of its own."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import Server, StartServer

Json = dict[str, Any]


@pytest.fixture(scope="module")
def own(_servers: StartServer) -> Iterator[Server]:
    """A server for these tests alone."""
    started = _servers()
    yield started
    started.stop()


@pytest.fixture
def api(own: Server) -> Iterator[httpx.Client]:
    """A client of it, without any patient there."""
    headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
    with httpx.Client(base_url=f"{own.base}/", headers=headers, timeout=30) as client:
        for resource_type in ("Observation", "Appointment", "Patient"):
            for entry in client.get(f"{resource_type}?_count=100").json().get("entry", []):
                client.delete(f"{resource_type}/{entry['resource']['id']}").raise_for_status()
        yield client


def put(api: httpx.Client, resource_type: str, id_: str, **content: Any) -> None:
    answer = api.put(f"{resource_type}/{id_}", json={"resourceType": resource_type, "id": id_} | content)
    assert answer.status_code in (200, 201), answer.text


def observe(api: httpx.Client, id_: str, patient: str, **content: Any) -> None:
    subject = {"subject": {"reference": f"Patient/{patient}"}, "performer": [{"reference": "Practitioner/doctor"}]}
    put(api, "Observation", id_, status="final", code={"text": "x"}, **subject, **content)


def pages(api: httpx.Client, query: str = "") -> Iterator[list[tuple[str, str]]]:
    """Yield of each page the keys and modes."""
    url = f"Patient/$everything{query}"
    while url:
        answer = api.get(url)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield [(f"{e['resource']['resourceType']}/{e['resource']['id']}", e["search"]["mode"]) for e in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")


def test_all_patients_and_what_is_about_them_are_given_once_page_by_page(api: httpx.Client) -> None:
    put(api, "Practitioner", "doctor")
    for patient in ("a", "b", "c"):
        put(api, "Patient", patient)
    for n in range(5):
        for patient in ("a", "b"):
            observe(api, f"{patient}-{n}", patient)
    shared = [{"actor": {"reference": f"Patient/{who}"}, "status": "accepted"} for who in ("a", "b")]
    put(api, "Appointment", "both", status="booked", participant=shared, start="2026-01-01T09:00:00Z",
        end="2026-01-01T10:00:00Z")  # fmt: skip
    put(api, "Organization", "alone", name="見本")

    for size in (1, 3, 100):
        found = [*pages(api, f"?_count={size}")]
        keys = [key for page in found for key, _ in page]
        assert sorted(keys) == sorted(
            ["Patient/a", "Patient/b", "Patient/c", "Practitioner/doctor", "Appointment/both"]
            + [f"Observation/{patient}-{n}" for patient in "ab" for n in range(5)]
        )
        assert all(found)
        assert keys.index("Patient/a") < keys.index("Observation/a-0") < keys.index("Patient/b")

    assert {key for page in pages(api, "?_type=Patient,Appointment&_count=1") for key, _ in page} == {
        "Patient/a", "Patient/b", "Patient/c", "Appointment/both"
    }  # fmt: skip


def test_there_may_be_no_patient_at_all(api: httpx.Client) -> None:
    answer = api.get("Patient/$everything")

    assert answer.status_code == 200
    assert "entry" not in answer.json()


def test_a_patient_who_comes_between_two_pages_repeats_nothing(api: httpx.Client) -> None:
    put(api, "Practitioner", "doctor")
    for patient in ("a", "c"):
        put(api, "Patient", patient)
        for n in range(3):
            observe(api, f"{patient}-{n}", patient)

    walk = pages(api, "?_count=2")
    keys = [key for key, _ in next(walk)]
    put(api, "Patient", "b")
    keys += [key for page in walk for key, _ in page]

    assert len(keys) == len(set(keys)) == 10
