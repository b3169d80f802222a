"""A conditional delete of several, where the server is set so: https://hl7.org/fhir/R4/http.html#cdelete"""

from typing import Any

import httpx
import pytest

from tests.conftest import StartServer

SYSTEM = "http://example.jp/several"


@pytest.fixture
def several(start_server: StartServer) -> Any:
    server = start_server(conditional_delete="multiple", max_delete=3)
    with httpx.Client(base_url=f"{server.base}/", timeout=30) as client:
        yield client


def put(client: httpx.Client, value: str, *ids: str) -> None:
    for id_ in ids:
        body = {"resourceType": "Patient", "id": id_, "identifier": [{"system": SYSTEM, "value": value}]}
        assert client.put(f"Patient/{id_}", json=body).status_code == 201


def there(client: httpx.Client, *ids: str) -> list[str]:
    return [id_ for id_ in ids if client.get(f"Patient/{id_}").status_code == 200]


def test_all_that_is_found_is_deleted_and_told(several: httpx.Client) -> None:
    put(several, "x", "a", "b", "c")
    put(several, "y", "d")

    answer = several.delete("Patient", params={"identifier": f"{SYSTEM}|x"})

    assert answer.status_code == 200
    assert "3 are deleted: Patient/a, Patient/b, Patient/c" in answer.json()["issue"][0]["details"]["text"]
    assert there(several, "a", "b", "c", "d") == ["d"]
    assert several.delete("Patient", params={"identifier": f"{SYSTEM}|x"}).status_code == 204


def test_more_than_the_limit_deletes_nothing(several: httpx.Client) -> None:
    put(several, "x", "a", "b", "c", "d")

    answer = several.delete("Patient", params={"identifier": f"{SYSTEM}|x"})

    assert answer.status_code == 412
    assert there(several, "a", "b", "c", "d") == ["a", "b", "c", "d"]


def test_one_that_is_referred_to_keeps_all(several: httpx.Client) -> None:
    put(several, "x", "a", "b")
    body = {
        "resourceType": "Group",
        "id": "g",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": "Patient/b"}}],
    }
    assert several.put("Group/g", json=body).status_code == 201

    answer = several.delete("Patient", params={"identifier": f"{SYSTEM}|x"})

    assert answer.status_code == 409
    assert "Group/g" in answer.text
    assert there(several, "a", "b") == ["a", "b"]


@pytest.mark.parametrize("url", ["Patient", "Patient?_format=json", "", "?name=x", "Patient?nonsense=1"])
def test_nothing_is_deleted_without_criteria_nor_on_the_system(several: httpx.Client, url: str) -> None:
    put(several, "x", "a")

    assert several.delete(url).status_code in (400, 405)
    assert there(several, "a") == ["a"]


def test_the_capabilities_say_which_it_is(several: httpx.Client, api: httpx.Client) -> None:
    said = [client.get("metadata").json()["rest"][0]["resource"][0]["conditionalDelete"] for client in (several, api)]

    assert said == ["multiple", "single"]


def test_it_can_be_answered_later(several: httpx.Client) -> None:
    put(several, "x", "a", "b")

    answer = several.delete("Patient", params={"identifier": f"{SYSTEM}|x"}, headers={"Prefer": "respond-async"})
    address = answer.headers["Content-Location"]
    while (done := several.get(address)).status_code == 202:
        pass

    assert answer.status_code == 202
    assert "2 are deleted" in done.json()["issue"][0]["details"]["text"]
    assert there(several, "a", "b") == []
