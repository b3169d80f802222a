"""The index of words follows at rest and when it is asked for; what it cannot tell yet it refuses, and says when."""

import asyncio

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.query import WordsMatch
from fhir_service.fhir.search.words import phrase
from fhir_service.http.outcome import outcome
from fhir_service.storage.sqlite import SqliteStore, words
from fhir_service.storage.sqlite.writing import catch_up

from .made import found, put, query

TOLD = phrase("訪問")
assert TOLD is not None
ASKED = query("Patient", WordsMatch("content", TOLD))


@pytest.fixture
async def store(sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> SqliteStore:
    """A store with sixty resources that the index does not have."""
    monkeypatch.setattr(catch_up, "RESTED", 0.05)
    monkeypatch.setattr(words, "AT_ONCE", 1)
    await sqlite_store.commit([put("Patient", f"p{n}", text="訪問した") for n in range(60)])
    return sqlite_store


async def test_words_are_indexed_while_nobody_asks_for_anything(store: SqliteStore) -> None:
    store.start()

    async with asyncio.timeout(30):
        while words.behind(store._connection, 1):
            await asyncio.sleep(0.01)

    assert len(await found(store, ASKED)) == 60


async def test_indexing_stops_as_soon_as_something_is_asked(store: SqliteStore) -> None:
    store.start()
    async with asyncio.timeout(30):
        while words.behind(store._connection, 100) == 60:
            await asyncio.sleep(0.001)

    await store.read(Key("Patient", "p1"))
    await asyncio.sleep(0.02)  # the step that is under way ends
    left = words.behind(store._connection, 100)
    for _ in range(20):
        await store.read(Key("Patient", "p1"))
        await asyncio.sleep(0.01)

    assert 0 < left == words.behind(store._connection, 100)


async def test_a_search_that_cannot_wait_so_long_is_told_when_to_come_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "PATIENCE", 0.001)
    monkeypatch.setattr(catch_up, "SCANNED", 5)

    with pytest.raises(FhirError) as refused:
        await found(store, ASKED)

    answer = outcome(refused.value)
    assert answer.status == 503
    assert int(dict(answer.headers)["Retry-After"]) > 0
    monkeypatch.setattr(catch_up, "PATIENCE", 30)
    assert len(await found(store, ASKED)) == 60


async def test_words_of_versions_that_are_gone_are_not_found(store: SqliteStore) -> None:
    assert len(await found(store, ASKED)) == 60

    await store.commit([put("Patient", f"p{n}", text="電話した") for n in range(59)])

    async with asyncio.timeout(30):
        while words.behind(store._connection, 1):
            await asyncio.gather(store._catch_up._follow())
    assert await found(store, ASKED) == ["p59"]
