"""A server of the test's own, and a client that waits for jobs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import Server, StartServer

WAIT = 30.0  # seconds; a busy machine works slowly


@dataclass(slots=True)
class Client:
    """Talks FHIR JSON to a server of its own, which can be killed and started again on the same data."""

    server: Server
    start: StartServer
    flags: dict[str, Any]

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        url = path if path.startswith("http") else f"{self.server.base}/{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("content-type", "application/fhir+json")
        return httpx.request(method, url, json=body, headers=named, timeout=60)

    def restart(self, *, kill: bool = True) -> None:
        if kill:
            self.server.kill()
        else:
            self.server.stop()
        self.server = self.start(data_dir=self.server.data_dir, **self.flags)

    def put(self, *resources: dict[str, Any]) -> None:
        """Store resources that have ids, in one transaction."""
        entries = [
            {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
            for each in resources
        ]
        answer = self("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert answer.status_code == 200, answer.text

    def total(self, search: str) -> int:
        answer = self("GET", f"{search}{'&' if '?' in search else '?'}_total=accurate&_count=0")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["total"])

    def done(self, address: str) -> httpx.Response:
        """Return the answer at a status address once there is one."""
        path = address.split("/fhir/")[1]  # the port is another after a restart
        deadline = time.monotonic() + WAIT
        while (answer := self("GET", path)).status_code == 202 and time.monotonic() < deadline:
            time.sleep(0.02)
        return answer

    def indexed(self) -> None:
        """Wait until every search parameter can be searched by."""
        deadline = time.monotonic() + WAIT
        while not self("GET", "$index-status").json()["parameter"][0]["valueBoolean"]:
            assert time.monotonic() < deadline, self("GET", "$index-status").text
            time.sleep(0.02)


@pytest.fixture(scope="module")
def together(_servers: StartServer) -> Iterator[Client]:
    """One server for the tests of a module that do not stop it; what they store is each its own."""
    server = _servers(no_referential_integrity=True)
    yield Client(server, _servers, {})
    server.stop()


@pytest.fixture
def own(start_server: StartServer) -> Iterator[Client]:
    flags = {"no_referential_integrity": True, "conditional_delete": "multiple"}
    yield Client(start_server(**flags), start_server, flags)


def search_parameter(code: str = "nickname", **changes: Any) -> dict[str, Any]:
    """Return one in force, on Patient."""
    return {
        "resourceType": "SearchParameter",
        "id": code,
        "url": f"http://example.org/SearchParameter/{code}",
        "name": "Example",
        "status": "active",
        "description": "Made for a test.",
        "code": code,
        "base": ["Patient"],
        "type": "string",
        "expression": "Patient.name.where(use = 'nickname').given",
        **changes,
    }


def patients(count: int, nickname: str = "hana") -> list[dict[str, Any]]:
    return [
        {"resourceType": "Patient", "id": f"p{n:05}", "name": [{"use": "nickname", "given": [f"{nickname}{n}"]}]}
        for n in range(count)
    ]


@pytest.fixture
def api(server: Server) -> Iterator[httpx.Client]:
    """Talks FHIR JSON to the session's server; paths are under the base."""
    headers = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}
    with httpx.Client(base_url=f"{server.base}/", headers=headers, timeout=30) as client:
        yield client
