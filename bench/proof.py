"""Before anything is timed: the server finds what is there, and nothing that is not."""

import json
import urllib.request
from typing import Any

from bench.data import CATEGORY, CODES, HITS, NUMBERS, patients_of
from bench.processes import Running


def prove(server: Running, size: int) -> None:
    """End the run if an answer is wrong."""
    people = patients_of(size)
    last = people - 1
    _expect(get(server, f"/Patient/p{last}")["id"], f"p{last}", "a read")
    for impossible in (
        f"/Observation?code={CODES}|never",
        "/Observation?code=http://nowhere.example|c0",
        "/Observation?subject=Patient/never",
        f"/Observation?category={CATEGORY}|never",
    ):
        _expect(found(server, impossible), set(), impossible)
    _expect(found(server, f"/Patient?identifier={NUMBERS}|{last}"), {f"p{last}"}, "a search by identifier")
    _expect(found(server, f"/Observation?code={CODES}|c0"), {f"o{n}" for n in range(HITS)}, "a search by token")
    expected = {f"o{last + people * turn}" for turn in range(HITS)}
    _expect(found(server, f"/Observation?subject=Patient/p{last}"), expected, "a search by reference")
    _expect(total(server, "Observation", f"category={CATEGORY}|survey"), people * HITS, "a count")


def found(server: Running, search: str) -> set[str]:
    """Return the ids on the first page."""
    return {entry["resource"]["id"] for entry in get(server, search).get("entry", [])}


def total(server: Running, resource_type: str, criteria: str = "") -> int:
    """Return how many there are."""
    return int(get(server, f"/{resource_type}?_summary=count&{criteria}".rstrip("&"))["total"])


def get(server: Running, path: str) -> dict[str, Any]:
    return send(server, "GET", path)[1]


def send(server: Running, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    """Return status and body of one request."""
    request = urllib.request.Request(
        (server.base + path).replace("|", "%7C"),
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = answer.read()
        return answer.status, json.loads(content) if content else {}


def _expect(actual: object, expected: object, what: str) -> None:
    if actual != expected:
        raise SystemExit(
            f"{what}: the server answers {str(actual)[:500]}, not {str(expected)[:500]}: nothing is timed."
        )
