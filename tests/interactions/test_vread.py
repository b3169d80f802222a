"""https://hl7.org/fhir/R4/http.html#vread"""

import httpx
import pytest

PATIENT = {"resourceType": "Patient", "active": True}


@pytest.fixture
def patient(api: httpx.Client) -> str:
    """A patient with three versions: created, updated, deleted."""
    id_ = api.post("Patient", json=PATIENT).json()["id"]
    api.put(f"Patient/{id_}", json=PATIENT | {"id": id_, "active": False})
    api.delete(f"Patient/{id_}")
    return f"Patient/{id_}"


def test_each_version_can_be_read(api: httpx.Client, patient: str) -> None:
    first, second = api.get(f"{patient}/_history/1"), api.get(f"{patient}/_history/2")

    assert (first.json()["active"], second.json()["active"]) == (True, False)
    assert (first.headers["ETag"], second.headers["ETag"]) == ('W/"1"', 'W/"2"')


def test_the_version_that_deletes_is_410(api: httpx.Client, patient: str) -> None:
    assert api.get(f"{patient}/_history/3").status_code == 410


@pytest.mark.parametrize("vid", ["4", "0", "x", "1x", "9" * 30, "x" * 65, "%D9%A1"])
def test_a_version_that_never_was_is_404(api: httpx.Client, patient: str, vid: str) -> None:
    assert api.get(f"{patient}/_history/{vid}").status_code == 404


def test_a_version_that_the_client_has_is_304(api: httpx.Client, patient: str) -> None:
    assert api.get(f"{patient}/_history/1", headers={"If-None-Match": 'W/"1"'}).status_code == 304
