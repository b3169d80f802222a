"""Large bodies do not hold up others, and have limits of their own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest

MILLIONS = {
    "arrays": (b'{"resourceType":"Patient","x":[', b"[],", b"1]}", 17_000_000),
    "objects": (b'{"resourceType":"Patient","name":[', b"{},", b"{}]}", 17_000_000),
    "numbers": (b'{"resourceType":"Patient","x":[', b"1,", b"1]}", 24_000_000),
    "names": (b'{"resourceType":"Patient","name":[{"given":[', b'"a",', b'"a"]}]}', 600_000),
    "xml": (b'<Patient xmlns="http://hl7.org/fhir">', b"<name/>", b"</Patient>", 7_000_000),
}


@contextmanager
def readers(base: str) -> Iterator[list[float]]:
    """Read all the while; give how long each read took."""
    took: list[float] = []
    ended = threading.Event()

    def read() -> None:
        with httpx.Client(timeout=60) as client:
            while not ended.is_set():
                started = time.perf_counter()
                client.get(f"{base}/Patient/none")
                took.append(time.perf_counter() - started)

    thread = threading.Thread(target=read)
    thread.start()
    yield took
    ended.set()
    thread.join()


@pytest.mark.parametrize("kind", MILLIONS)
def test_millions_of_small_elements_are_refused_and_hold_up_nobody(server: Any, kind: str) -> None:
    head, element, tail, count = MILLIONS[kind]
    body = (head + element * count)[:49_900_000].rsplit(element[-1:], 1)[0] + element[-1:] + tail
    media = "application/fhir+xml" if kind == "xml" else "application/fhir+json"

    with readers(server.base) as took:
        answer = httpx.post(f"{server.base}/Patient", content=body, headers={"Content-Type": media}, timeout=60)

    assert answer.status_code == 413, answer.text[:300]
    assert max(took) < 2.0


def test_a_large_body_of_few_elements_is_stored(server: Any) -> None:
    data = "QUJD" * 2_000_000

    answer = httpx.post(
        f"{server.base}/Binary", json={"resourceType": "Binary", "contentType": "a/b", "data": data}, timeout=60
    )

    assert answer.status_code == 201
    assert answer.json()["data"] == data


def test_a_large_body_that_cannot_be_read_says_where(server: Any) -> None:
    body = b'{"resourceType":"Binary","contentType":"a/b","data":"' + b"QUJD" * 200_000 + b'", nonsense'

    answer = httpx.post(
        f"{server.base}/Binary", content=body, headers={"Content-Type": "application/fhir+json"}, timeout=60
    )

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["location"]


def test_reads_go_on_during_a_transaction_of_ten_thousand_entries(server: Any) -> None:
    entries = [{"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}}] * 10_000

    with readers(server.base) as took:
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = httpx.post(server.base, json=bundle, timeout=120)

    assert answer.status_code == 200
    assert len(answer.json()["entry"]) == 10_000
    assert (
        sorted(took)[int(len(took) * 0.9)] < 0.5
    )  # the figures stand in docs/performance.md; here the machine is busy


def test_a_resource_of_a_hundred_thousand_elements_is_stored_while_others_read(server: Any) -> None:
    names = [{"family": f"F{n}", "given": ["a"]} for n in range(40_000)]

    with readers(server.base) as took:
        answer = httpx.post(f"{server.base}/Patient", json={"resourceType": "Patient", "name": names}, timeout=60)

    assert answer.status_code == 201
    assert len(answer.json()["name"]) == 40_000
    assert max(took) < 2.0


def test_a_list_of_sixty_thousand_dangling_references_is_refused_while_others_read(server: Any) -> None:
    entries = [{"item": {"reference": f"Patient/not-here-{n}"}} for n in range(60_000)]
    many = {"resourceType": "List", "status": "current", "mode": "working", "entry": entries}

    with readers(server.base) as took:
        answer = httpx.post(f"{server.base}/List", json=many, timeout=60)

    assert answer.status_code == 409
    assert "59,901" in answer.json()["issue"][-1]["details"]["text"]
    assert sorted(took)[int(len(took) * 0.9)] < 1.0


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_bundle_of_too_many_entries_is_413(server: Any, kind: str) -> None:
    answer = httpx.post(server.base, json={"resourceType": "Bundle", "type": kind, "entry": [{}] * 20_001}, timeout=60)

    assert answer.status_code == 413
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry"]


def test_the_limits_are_settings(start_server: Any) -> None:
    server = start_server(max_elements=40_000, max_resource_elements=20_000, max_entries=2, database="memory://")
    headers = {"Content-Type": "application/fhir+json"}

    def answered(count: int) -> int:
        body = b'{"resourceType":"Patient","name":[{"given":[' + b'"aaaaaaaaaaaaaaaaaaaa",' * count + b'"a"]}]}'
        return httpx.post(f"{server.base}/Patient", content=body, headers=headers, timeout=60).status_code

    assert [answered(15_000), answered(25_000), answered(45_000)] == [201, 413, 413]
    entry = {"request": {"method": "GET", "url": "Patient/none"}}
    counts = [2, 3]
    bundles = [{"resourceType": "Bundle", "type": "batch", "entry": [entry] * count} for count in counts]
    assert [httpx.post(server.base, json=each).status_code for each in bundles] == [200, 413]


def test_the_entries_of_a_batch_take_turns_with_what_others_ask(server: Any) -> None:
    dear = "(1|2|3|4|5|6|7|8|9)" + ".select(1|2|3|4|5|6|7|8|9)" * 3
    entries = [{"request": {"method": "GET", "url": f"$fhirpath?expression={dear}"}}] * 60

    with readers(server.base) as took:
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        answer = httpx.post(server.base, json=bundle, timeout=120)

    assert answer.status_code == 200
    assert max(took) < 2.0


def test_the_expressions_of_a_batch_share_their_time(server: Any) -> None:
    dear = "(1|2|3|4|5|6|7|8|9)" + ".select(1|2|3|4|5|6|7|8|9)" * 5
    expressions = [dear] * 60 + ["1 + 1"] * 20
    entries = [{"request": {"method": "GET", "url": f"$fhirpath?expression={quote(each)}"}} for each in expressions]

    answer = httpx.post(server.base, json={"resourceType": "Bundle", "type": "batch", "entry": entries}, timeout=120)

    statuses = [entry["response"]["status"] for entry in answer.json()["entry"]]
    assert {each[:3] for each in statuses[:60]} == {"422"}
    assert {each[:3] for each in statuses[60:]} == {"200"}
    assert answer.elapsed.total_seconds() < 3  # each by itself would be given 0.7 seconds


def test_a_large_resource_is_patched_and_shown_in_xml_while_others_read(server: Any) -> None:
    names = [{"family": f"F{n}", "given": ["a"]} for n in range(20_000)]
    url = (
        httpx.post(f"{server.base}/Patient", json={"resourceType": "Patient", "name": names}, timeout=60)
        .headers["Location"]
        .partition("/_history")[0]
    )
    entry = {"request": {"method": "PUT", "url": f"Patient/{url.rpartition('/')[2]}"}}
    patient = {"resourceType": "Patient", "id": url.rpartition("/")[2], "name": names}
    operations = [{"op": "add", "path": "/name/0", "value": {"family": "B"}}] * 2_000

    with readers(server.base) as took:
        patched = httpx.patch(url, json=operations, headers={"Content-Type": "application/json-patch+json"}, timeout=60)
        shown = httpx.get(f"{url}?_format=xml", timeout=60)
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry | {"resource": patient}]}
        stored = httpx.post(server.base, json=bundle, timeout=60)

    assert [patched.status_code, shown.status_code, stored.status_code] == [200, 200, 200]
    assert shown.content.count(b"<name>") == 22_000
    assert sorted(took)[int(len(took) * 0.9)] < 1.0
