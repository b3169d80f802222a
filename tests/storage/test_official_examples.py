"""The official R4 examples, indexed as they really are: each can be found by what it says, in every backend alike."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import islice, zip_longest
from pathlib import Path
from random import Random

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Key, Resource, key_of
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.index import (
    CompositeEntry,
    DateEntry,
    Entry,
    IndexEntries,
    NumberEntry,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
    UriEntry,
)
from fhir_service.fhir.search.match import LISTS
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.storage.memory import MemoryStore
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.store import Put, Store

from .made import HandClock

BASE = "http://fhir.example/fhir"
OF_A_KIND = 30  # of SearchParameter, ValueSet and such there are thousands, much alike
VALUES_ASKED = 2  # of each parameter of each type


class Examples:
    """The examples and their entries, and both stores with all of them."""

    def __init__(self, folder: Path, sqlite_file: Path) -> None:
        registry = SearchRegistry(Definitions.load())
        self.indexer = Indexer(registry.definitions, registry, BASE)
        self.resources = list({key_of(resource): resource for resource in _examples(folder)}.values())
        self.entries = {key_of(resource): self.indexer.index(resource) for resource in self.resources}
        self.memory = MemoryStore(HandClock(), registry)
        self.sqlite = SqliteStore.open(sqlite_file, HandClock(), registry)

    async def store(self) -> None:
        puts = iter([Put(resource, self.entries[key_of(resource)]) for resource in self.resources])
        while some := list(islice(puts, 100)):
            assert await self.sqlite.commit(some) == await self.memory.commit(some)

    async def found(self, store: Store, resource_type: str, text: str, value: str) -> tuple[list[Key], int | None]:
        now = datetime(2026, 11, 22, tzinfo=UTC)
        parsed = parse_search(resource_type, [(text, value)], self.indexer, base=BASE, now=now, lenient=False)
        page = await store.search(parsed.query, count=200, total=True)
        return [version.key for version in page.matches], page.total


@pytest.fixture
async def examples(r4_examples: Path, tmp_path: Path) -> AsyncIterator[Examples]:
    made = Examples(r4_examples, tmp_path / "s.db")
    await made.store()
    yield made
    await made.sqlite.close()


async def test_every_example_is_found_by_what_it_says(examples: Examples) -> None:
    asked = list(_searches(examples.entries))
    assert len(asked) > 1500

    for key, text, value, certain in asked:
        try:
            expected = await examples.found(examples.memory, key.type, text, value)
        except FhirError as refused:  # only by what the parser refuses, such as a period's date of the year 0001
            assert refused.issues[0].code in ("value", "invalid", "not-supported"), (key, text, value, refused)
            continue
        assert await examples.found(examples.sqlite, key.type, text, value) == expected, (key, text, value)
        assert key in expected[0] or not certain or expected[1] != len(expected[0]), (key, text, value)


async def test_every_example_comes_back_as_it_was_but_for_its_stamp(examples: Examples) -> None:
    for resource in examples.resources:
        version = await examples.sqlite.read(key_of(resource))
        assert version is not None
        stored = json.decode_resource(version.body)
        meta = {**resource.get("meta", {}), "versionId": "1", "lastUpdated": stored["meta"]["lastUpdated"]}
        assert stored == {**resource, "meta": meta}


def _examples(folder: Path) -> Iterator[Resource]:
    seen: dict[str, int] = {}
    for file in sorted(folder.glob("*.json")):
        if file.name.startswith(("package", ".")):
            continue
        resource = json.decode_resource(file.read_bytes())
        seen[resource["resourceType"]] = seen.get(resource["resourceType"], 0) + 1
        if "id" in resource and seen[resource["resourceType"]] <= OF_A_KIND:
            yield resource


def _searches(entries: dict[Key, IndexEntries]) -> Iterator[tuple[Key, str, str, bool]]:
    """Yield for each parameter of each type some values that a resource has, as they are written in a URL.

    Last comes whether the resource itself is certainly found: ranges and negations may leave it out.
    """
    random, asked = Random(4), dict[tuple[str, str], int]()
    for key in random.sample(list(entries), len(entries)):
        for name in LISTS.values():
            for entry in getattr(entries[key], name):
                place = (key.type, entry.code)
                if asked.get(place, 0) < VALUES_ASKED:
                    asked[place] = asked.get(place, 0) + 1
                    exact = isinstance(entry, TokenEntry | StringEntry | ReferenceEntry | UriEntry)
                    for modifier, value in _written(entry):
                        certain = exact and modifier not in (":missing", ":not")
                        yield key, entry.code + modifier, value, certain


def _written(entry: Entry) -> Iterator[tuple[str, str]]:
    yield ":missing", "true"
    match entry:
        case TokenEntry(_, system, str(value)):
            yield "", _escaped(value)
            yield "", f"{_escaped(system or '')}|{_escaped(value)}"
            yield ":not", _escaped(value)
        case StringEntry(_, text) if text.strip():
            yield "", _escaped(text[:5])
            yield ":exact", _escaped(text)
            yield ":contains", _escaped(text[1:4] or text)
        case ReferenceEntry(_, str(target), version):
            yield "", _escaped(target + (f"|{version}" if version and ":" in target else ""))
        case DateEntry(_, low, high):
            for prefix in ("eq", "ge", "lt", "sa"):
                yield "", prefix + _date(low if prefix != "lt" else high)
        case NumberEntry(_, low):
            yield "", str(low)
            yield "", f"gt{low - 1}"
        case QuantityEntry(_, low, _, system, code, unit):
            yield "", f"{low}"
            yield "", f"le{low}|{_escaped(system or '')}|{_escaped(code or unit or '')}"
        case UriEntry(_, uri):
            yield "", _escaped(uri)
        case CompositeEntry(_, parts):
            first = [[value for modifier, value in _written(part[0]) if not modifier] for part in parts]
            yield from (("", "$".join(values)) for values in zip_longest(*first, fillvalue="0"))


def _escaped(text: str) -> str:
    """Return a text with what separates values escaped (https://hl7.org/fhir/R4/search.html#escaping)."""
    for character in "\\$,|":
        text = text.replace(character, "\\" + character)
    return text


def _date(microseconds: int) -> str:
    if abs(microseconds) >= 2**61:
        return "2000"
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
