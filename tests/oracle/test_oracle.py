"""SQL search and search in memory find what the naive evaluator finds, over official examples and made-up people.

`SEARCH_ORACLE=full` asks many more questions than CI has time for.
"""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Resource, key_of
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.interactions.searches.contained import contained_page
from fhir_service.interactions.services import Services
from fhir_service.storage.memory import MemoryStore
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.store import Put, Store
from tests.oracle import forms, inside, people
from tests.oracle.evaluator import OfContained, Oracle, Pair
from tests.oracle.questions import Questions

BASE = "http://fhir.example/fhir"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
FULL = os.environ.get("SEARCH_ORACLE") == "full"
ASKED = 20_000 if FULL else 800
MADE = {"people": people.made, "forms": forms.made, "inside": inside.made}
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

    def services(self, store: Store) -> Services:
        """Return what a search needs of a server, upon one of the stores."""

        def unasked(*_: object) -> Any:
            raise AssertionError

        return Services(
            store, self.registry.definitions, self.indexer, unasked, unasked, lambda: NOW, str, b"", unasked, {}
        )

    async def disagreements(self, resource_type: str, pairs: Sequence[Pair]) -> Iterator[str]:
        """Return who answers otherwise than the oracle."""
        query = parse_search(resource_type, pairs, self.indexer, base=BASE, now=NOW).query
        expected = self.oracle.find(resource_type, pairs)
        wrong: list[str] = []
        for name, store in self.stores.items():
            page = await store.search(query, count=10_000, total=True)
            found = {version.key for version in page.matches}
            wrong += [
                f"{name}: {resource_type}?{pairs}: not in order"
                for code, text in pairs
                if code == "_sort" and not self.oracle.is_sorted([version.key for version in page.matches], text)
            ]
            if found != expected or page.total != len(expected):
                more, less = [sorted(map(str, each))[:3] for each in (found - expected, expected - found)]
                wrong.append(f"{name}: {resource_type}?{pairs}: too many {more}, missed {less}, total {page.total}")
        return iter(wrong)


@pytest.fixture(params=["examples", "people", "forms", "inside"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param in MADE:
        resources = MADE[request.param](Random(7), 60)
    else:
        resources = list(_examples(request.getfixturevalue("r4_examples")))
    made = World(resources, tmp_path / "s.db")
    await made.fill()
    yield made
    for store in made.stores.values():
        await store.close()


@pytest.mark.parametrize("seed", range(10 if FULL else 1))
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


@pytest.mark.parametrize("seed", range(10 if FULL else 1))
async def test_contained_resources_are_found_as_a_naive_reader_finds_them(world: World, seed: int) -> None:
    oracle = OfContained(world.oracle)
    if not oracle.containers:
        pytest.skip("none of these contains any")
    questions = Questions(oracle, world.registry, Random(seed))
    wrong: list[str] = []
    found_any = refused = 0

    for _ in range(ASKED):
        resource_type, pairs = questions.ask()
        pairs = [(name, text) for name, text in pairs if name != "_sort" or "." not in text]  # that is refused
        asked = [*pairs, ("_contained", "true"), ("_containedType", "contained")]
        try:
            parsed = parse_search(resource_type, asked, world.indexer, base=BASE, now=NOW)
            expected = oracle.find_contained(resource_type, pairs)
            for name, store in world.stores.items():
                page = await contained_page(
                    parsed, world.services(store), count=1_000, after=None, before=None, total=True
                )
                found = {str(version.key) for version in page.matches}
                if found != expected:
                    wrong.append(f"{name}: {resource_type}?{pairs}: {sorted(found)[:3]}, not {sorted(expected)[:3]}")
            found_any += bool(expected)
        except FhirError as refusal:
            refused += 1
            assert refused < ASKED / 20, refusal.issues

    assert wrong == []
    assert found_any > ASKED / 5


async def test_every_composite_and_number_sorts_as_a_naive_reader_sorts(world: World) -> None:
    wrong: list[str] = []

    for resource_type in {each["resourceType"] for each in world.resources}:
        for code, parameter in world.registry.parameters(resource_type).items():
            if parameter.type in ("composite", "number", "quantity"):
                for down in ("", "-"):
                    wrong += await world.disagreements(resource_type, [("_sort", down + code)])

    assert wrong == []


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
