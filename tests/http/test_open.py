"""A server without sign-in: who may call it, and from where."""

import socket
from typing import Any

import httpx
import pytest


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1", "localhost.evil.example"])
def test_a_name_that_is_not_this_machine_is_refused(api: httpx.Client, host: str) -> None:
    id_ = api.post("Patient", json={"resourceType": "Patient"}).json()["id"]

    for path in ("metadata", f"Patient/{id_}", "Patient"):
        answer = api.get(path, headers={"Host": host})
        assert answer.status_code == 403
        assert answer.json()["issue"][0]["code"] == "forbidden"


def test_the_names_of_this_machine_are_answered_with_their_own_address(server: Any, api: httpx.Client) -> None:
    for host in (f"localhost:{server.port}", f"127.0.0.1:{server.port}", f"[::1]:{server.port}"):
        bundle = api.get("Patient?_count=0", headers={"Host": host}).json()
        assert bundle["link"][0]["url"].startswith(f"http://{host}/fhir/Patient")


def test_pages_of_this_machine_may_call_and_others_may_not(api: httpx.Client) -> None:
    own, foreign = "http://localhost:3000", "https://evil.example"

    allowed = api.get("Patient?_count=0", headers={"Origin": own})
    refused = api.get("Patient?_count=0", headers={"Origin": foreign})

    assert allowed.headers["Access-Control-Allow-Origin"] == own
    assert "ETag" in allowed.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert "Origin" in refused.headers["Vary"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_browser_that_asks_first_is_told(api: httpx.Client, method: str) -> None:
    asked = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type, if-match, prefer",
    }

    allowed = api.options("Patient/1", headers={"Origin": "http://127.0.0.1:5173", **asked})
    refused = api.options("Patient/1", headers={"Origin": "https://evil.example", **asked})

    assert allowed.status_code == 200
    assert method in allowed.headers["Access-Control-Allow-Methods"]
    assert "if-match" in allowed.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_errors_can_be_read_by_pages_too(api: httpx.Client) -> None:
    answer = api.get("Patient/never-was", headers={"Origin": "http://localhost:3000"})

    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"


def test_origins_can_be_set(start_server: Any) -> None:
    some = start_server(cors_origins="https://a.example,https://b.example")
    every = start_server(cors_origins="*", database="memory://")

    for server, origin, expected in (
        (some, "https://b.example", "https://b.example"),
        (some, "http://localhost:3000", None),
        (every, "https://c.example", "*"),
    ):
        answer = httpx.get(f"{server.base}/Patient?_count=0", headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == expected


@pytest.mark.parametrize("body_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_what_a_browser_sends_without_asking_first_writes_nothing(api: httpx.Client, body_type: str | None) -> None:
    """https://fetch.spec.whatwg.org/#cors-safelisted-request-header: these need no preflight."""
    headers = {"Origin": "https://evil.example"} | ({"Content-Type": body_type} if body_type else {})

    answer = api.post("Patient", content=b'{"resourceType":"Patient"}', headers=headers)

    assert answer.status_code == 415


def test_it_listens_on_this_machine_only(server: Any) -> None:
    """Every address of this machine but loopback refuses the connection."""
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1", "127.0.1.1"}:
        with pytest.raises(OSError, match=r"refused|unreachable"):
            socket.create_connection((address, server.port), timeout=2)


def test_a_reference_by_any_name_of_this_machine_is_one_to_this_server(server: Any, api: httpx.Client) -> None:
    patient = api.post("Patient", json={"resourceType": "Patient"}).json()["id"]
    for host in (f"localhost:{server.port}", f"127.0.0.1:{server.port}", f"[::1]:{server.port}"):
        encounter = {
            "resourceType": "Encounter",
            "status": "planned",
            "class": {"code": "HH"},
            "subject": {"reference": f"http://{host}/fhir/Patient/{patient}"},
        }
        assert api.post("Encounter", json=encounter, headers={"Host": host}).status_code == 201

    assert api.get("Encounter", params={"subject": f"Patient/{patient}"}).json()["total"] == 3
