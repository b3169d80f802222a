"""SQL search and search in memory find what the naive evaluator finds, over official examples and made-up people.

`SEARCH_ORACLE=full` asks many more questions than CI has time for.
"""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Resource, key_of
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.parse import parse_search
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.storage.memory import MemoryStore
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.store import Put, Store
from tests.oracle import people
from tests.oracle.evaluator import Oracle, Pair
from tests.oracle.questions import Questions

BASE = "http://fhir.example/fhir"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
FULL = os.environ.get("SEARCH_ORACLE") == "full"
ASKED = 2500
OF_A_KIND = 30 if FULL else 8


class World:
    """Resources in both stores, and the oracle over them."""

    def __init__(self, resources: Sequence[Resource], file: Path) -> None:
        self.registry = SearchRegistry(Definitions.load())
        self.indexer = Indexer(self.registry.definitions, self.registry, BASE)
        self.resources = list({key_of(each): each for each in resources}.values())
        self.oracle = Oracle(self.resources, self.registry, BASE)
        self.stores: dict[str, Store] = {
            "memory": MemoryStore(lambda: NOW, self.registry),
            "sqlite": SqliteStore.open(file, lambda: NOW, self.registry),
        }

    async def fill(self) -> None:
        puts = iter([Put(each, self.indexer.index(each)) for each in self.resources])
        while some := list(islice(puts, 200)):
            for store in self.stores.values():
                await store.commit(some)

    async def disagreements(self, resource_type: str, pairs: Sequence[Pair]) -> Iterator[str]:
        """Return who answers otherwise than the oracle."""
        query = parse_search(resource_type, pairs, self.indexer, base=BASE, now=NOW).query
        expected = self.oracle.find(resource_type, pairs)
        wrong: list[str] = []
        for name, store in self.stores.items():
            page = await store.search(query, count=10_000, total=True)
            found = {version.key for version in page.matches}
            if found != expected or page.total != len(expected):
                more, less = [sorted(map(str, each))[:3] for each in (found - expected, expected - found)]
                wrong.append(f"{name}: {resource_type}?{pairs}: too many {more}, missed {less}, total {page.total}")
        return iter(wrong)


@pytest.fixture(params=["examples", "people"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "people":
        resources = people.made(Random(7), 60)
    else:
        resources = list(_examples(request.getfixturevalue("r4_examples")))
    made = World(resources, tmp_path / "s.db")
    await made.fill()
    yield made
    for store in made.stores.values():
        await store.close()


@pytest.mark.parametrize("seed", range(41, 47))
async def test_every_backend_finds_what_a_naive_reader_of_the_specification_finds(world: World, seed: int) -> None:
    questions = Questions(world.oracle, world.registry, Random(seed))
    wrong: list[str] = []
    refused: list[str] = []
    sizes: list[int] = []

    for _ in range(ASKED):
        resource_type, pairs = questions.ask()
        try:
            wrong += await world.disagreements(resource_type, pairs)
            sizes.append(len(world.oracle.find(resource_type, pairs)))
        except FhirError as refusal:
            refused.append(f"{resource_type}?{pairs}: {refusal.issues[0].en[:100]}")

    assert wrong == []
    assert len(refused) < ASKED / 20, refused[:20]
    assert sum(size > 0 for size in sizes) > ASKED / 4


def _examples(folder: Path) -> Iterator[Resource]:
    seen: dict[str, int] = {}
    for file in sorted(folder.glob("*.json")):
        if file.name.startswith(("package", ".")) or file.stat().st_size > 200_000:
            continue
        resource = json.decode_resource(file.read_bytes())
        kind = resource["resourceType"]
        seen[kind] = seen.get(kind, 0) + 1
        if "id" in resource and seen[kind] <= OF_A_KIND:
            yield resource
