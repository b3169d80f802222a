"""Whatever is written while a search parameter is indexed, and whenever the server is killed: it finds all there is."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from .conftest import Client, patients, search_parameter

IDS = 400


def person(n: int, nickname: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": f"p{n:05}", "name": [{"use": "nickname", "given": [nickname]}]}


def put(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "PUT", "url": f"Patient/{resource['id']}"}}


@contextmanager
def writers(own: Client) -> Iterator[None]:
    """Create, update and delete all the while, one by one and many at once, also while the server is away."""
    ended = threading.Event()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(timeout=20) as client:
            while not ended.is_set():
                n, base = chance.randrange(IDS), own.server.base
                try:
                    if chance.random() < 0.1:
                        entries = [put(person((n + k) % IDS, "hana")) for k in range(60)]
                        client.post(base, json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
                    elif chance.random() < 0.2:
                        client.delete(f"{base}/Patient/p{n:05}")
                    else:
                        client.put(f"{base}/Patient/p{n:05}", json=person(n, "hana"))
                except httpx.HTTPError:
                    time.sleep(0.01)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_a_search_parameter_that_came_amid_writes_and_a_kill_finds_all(own: Client) -> None:
    own.put(*patients(IDS))

    with writers(own):
        time.sleep(0.2)
        assert own("PUT", "SearchParameter/nickname", search_parameter()).status_code == 201
        time.sleep(0.2)
        own("PUT", "SearchParameter/nickname", search_parameter(expression="Patient.name.family"))
        own("PUT", "SearchParameter/nickname", search_parameter())
        time.sleep(0.1)
        own.restart(kill=True)
    own.indexed()

    assert own.total("Patient?nickname=hana") == own.total("Patient") > 0
    assert own.total("Patient?nickname:missing=true") == 0
