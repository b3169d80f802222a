"""Long requests that are answered later: https://hl7.org/fhir/R4/async.html"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import StartServer

from .conftest import Client, patients

ASYNC = {"Prefer": "respond-async"}


def done(api: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """Return the answer at the status address once there is one."""
    assert answer.status_code == 202, answer.text
    while (status := api.get(answer.headers["Content-Location"])).status_code == 202:
        pass
    return status


@pytest.fixture(scope="module")
def anyone(server: Any) -> str:
    patient = {"resourceType": "Patient", "identifier": [{"system": "http://example.jp/later", "value": "1"}]}
    return str(httpx.post(f"{server.base}/Patient", json=patient).json()["id"])


LONG = ["Patient", "", "Patient/_history", "_history", "Patient?_summary=count", "Patient/{id}/$everything",
        "Patient/{id}/Observation", "Patient/{id}/*"]  # fmt: skip


@pytest.mark.parametrize("path", LONG)
def test_a_long_read_is_answered_at_the_status_address_as_it_would_have_been(
    api: httpx.Client, anyone: str, path: str
) -> None:
    url = path.format(id=anyone)

    answer = api.get(url, headers=ASYNC)
    later = done(api, answer)

    assert later.status_code == 200
    assert later.headers["expires"]
    now = api.get(url).json()
    assert {name: later.json().get(name) for name in ("resourceType", "type", "link")} == {
        name: now.get(name) for name in ("resourceType", "type", "link")
    }


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_bundle_is_processed_and_its_answer_fetched_later(api: httpx.Client, kind: str) -> None:
    entry = {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}}
    search = {"request": {"method": "GET", "url": "Patient?_count=1"}}

    later = done(
        api, api.post("", json={"resourceType": "Bundle", "type": kind, "entry": [entry, search]}, headers=ASYNC)
    )

    assert later.json()["type"] == f"{kind}-response"
    assert [each["response"]["status"][:3] for each in later.json()["entry"]] == ["201", "200"]


def test_while_it_works_the_status_says_how_long_and_when_to_ask_again(together: Client) -> None:
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"Patient/{each['id']}"}} for each in patients(2000)
    ]

    answer = together(
        "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries}, prefer="respond-async"
    )
    status = together("GET", answer.headers["Content-Location"])

    assert answer.status_code == status.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert 0 < len(status.headers["X-Progress"]) <= 100
    assert int(status.headers["Retry-After"]) > 0
    assert status.json()["resourceType"] == "OperationOutcome"
    assert len(together.done(answer.headers["Content-Location"]).json()["entry"]) == 2000


def test_what_is_refused_at_once_is_refused_at_once(api: httpx.Client) -> None:
    assert api.get("Patient?nonsense=1", headers=ASYNC).status_code == 400


def test_an_error_that_comes_later_is_the_answer(api: httpx.Client) -> None:
    entry = {"resource": {"resourceType": "Patient", "nonsense": 1}, "request": {"method": "POST", "url": "Patient"}}

    answer = api.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]}, headers=ASYNC)
    later = answer if answer.status_code == 400 else done(api, answer)

    assert later.status_code == 400
    assert later.json()["resourceType"] == "OperationOutcome"


def test_a_delete_of_the_status_ends_it(api: httpx.Client) -> None:
    address = api.get("Patient", headers=ASYNC).headers["Content-Location"]

    assert api.delete(address).status_code == 202
    assert api.get(address).status_code == 404
    assert api.delete(address).status_code == 404


@pytest.mark.parametrize("path", ["_async", "_async/1", "_async/1/2", "_async/" + "a" * 32])
def test_nobody_guesses_a_status_address(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 404


def test_each_status_address_is_another_and_long(api: httpx.Client) -> None:
    addresses = {api.get("Patient?_count=1", headers=ASYNC).headers["Content-Location"] for _ in range(3)}

    assert len(addresses) == 3
    assert all(len(each.rsplit("/", 1)[1]) == 32 for each in addresses)


def test_what_is_short_is_answered_at_once(api: httpx.Client, anyone: str) -> None:
    assert api.get(f"Patient/{anyone}", headers=ASYNC).status_code == 200
    assert api.post("Patient", json={"resourceType": "Patient"}, headers=ASYNC).status_code == 201
    assert api.get("metadata", headers=ASYNC).status_code == 200


def test_other_preferences_still_hold(api: httpx.Client) -> None:
    later = done(api, api.get("Patient?nonsense=1", headers={"Prefer": "respond-async, handling=lenient"}))

    assert later.json()["type"] == "searchset"


@pytest.fixture(scope="module")
def killed(_servers: StartServer) -> Iterator[tuple[Client, dict[str, list[str]]]]:
    """A server that was killed and started again, and the status addresses that it had given before."""
    client = Client(_servers(), _servers, {})
    client.put(*patients(10))
    finished = client("GET", "Patient", prefer="respond-async").headers["Content-Location"]
    assert len(client.done(finished).json()["entry"]) == 10
    reads = [client("GET", "Patient?_count=1", prefer="respond-async").headers["Content-Location"] for _ in range(5)]
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"Basic/{each['id']}"}}
        for each in ({"resourceType": "Basic", "id": f"b{n}", "code": {"text": "x"}} for n in range(3000))
    ]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    write = client("POST", "", body, prefer="respond-async").headers["Content-Location"]
    client.restart(kill=True)
    yield client, {"finished": [finished], "reads": reads, "write": [write]}
    client.server.stop()


Killed = tuple[Client, dict[str, list[str]]]


def test_a_result_outlives_a_kill(killed: Killed) -> None:
    client, addresses = killed

    assert [len(client.done(each).json()["entry"]) for each in addresses["finished"]] == [10]


def test_a_read_goes_on_after_a_kill(killed: Killed) -> None:
    client, addresses = killed

    assert [len(client.done(each).json()["entry"]) for each in addresses["reads"]] == [1] * 5


def test_a_write_that_a_kill_broke_off_has_failed_and_says_so(killed: Killed) -> None:
    client, addresses = killed

    answer = client.done(addresses["write"][0])

    assert answer.status_code == 500
    assert answer.json()["issue"][0]["code"] == "incomplete"
    assert client.total("Basic") in (0, 3000)
