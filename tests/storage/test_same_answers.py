"""Every backend gives the answers of the one in memory, in the same order: random worlds, random questions."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from fhir_service.fhir.search.query import Query
from fhir_service.storage.memory import MemoryStore
from fhir_service.storage.sqlite import SqliteStore, words
from fhir_service.storage.sqlite.planning import plan, values
from fhir_service.storage.sqlite.writing import catch_up
from fhir_service.storage.store import Change, ConditionFailed, Finds, Page, Store

from . import world
from .made import Dates, HandClock, walk

CHANGES = 150
QUERIES = 150


@pytest.fixture(params=["usual", "low"])
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With low limits a small world takes the ways that only large ones take."""
    if request.param == "low":
        monkeypatch.setattr(plan, "FEW", 4)
        monkeypatch.setattr(plan, "MANY", 8)
        monkeypatch.setattr(plan, "WORTH_A_SPAN", 1)
        monkeypatch.setattr(values, "MOST_MERGED", 2)
        monkeypatch.setattr(plan, "MOST_MERGED", 2)
        monkeypatch.setattr(catch_up, "FEW", 3)
        monkeypatch.setattr(words, "AT_ONCE", 2)


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("seed", range(8))
async def test_sqlite_answers_as_memory_does(tmp_path: Path, seed: int) -> None:
    random, clock = Random(seed), HandClock()
    memory, sqlite = MemoryStore(clock, Dates()), SqliteStore.open(tmp_path / "s.db", clock, Dates())

    for _ in range(CHANGES):
        await _commit_both(memory, sqlite, [world.change(random) for _ in range(random.choice((1, 1, 3)))])
        if random.random() < 0.7:
            clock.tick()
    for _ in range(QUERIES):
        asked = world.query(random)
        await _compare(memory, sqlite, asked, random)

    for _ in range(20):
        await _compare_types(memory, sqlite, random)

    assert await _history(memory) == await _history(sqlite)
    await sqlite.close()


@pytest.mark.parametrize("seed", range(4))
async def test_conditions_hold_in_sqlite_when_they_hold_in_memory(tmp_path: Path, seed: int) -> None:
    random, clock = Random(seed), HandClock()
    memory, sqlite = MemoryStore(clock, Dates()), SqliteStore.open(tmp_path / "s.db", clock, Dates())

    for _ in range(60):
        clock.tick()
        commits = []
        for _ in range(random.choice((1, 4))):  # several at once become one batch
            asked = world.query(random)
            keys = frozenset(v.key for v in (await memory.search(asked, count=100)).matches)
            commits.append(([world.change(random)], [Finds(asked, keys)]))
        expected = [await _outcome(memory, *commit) for commit in commits]
        assert await asyncio.gather(*(_outcome(sqlite, *commit) for commit in commits)) == expected

    await sqlite.close()


async def _commit_both(memory: Store, sqlite: Store, changes: Sequence[Change]) -> None:
    assert await sqlite.commit(changes) == await memory.commit(changes)


async def _outcome(store: Store, changes: Sequence[Change], conditions: Sequence[Finds]) -> object:
    try:
        return await store.commit(changes, conditions)
    except ConditionFailed as failed:
        return failed.keys


async def _compare(memory: Store, sqlite: Store, asked: Query, random: Random) -> None:
    whole = [await store.search(asked, count=100, total=True) for store in (memory, sqlite)]
    assert _seen(whole[1]) == _seen(whole[0]), asked

    count = random.choice((1, 2, 5))
    assert await walk(sqlite, asked, count) == await walk(memory, asked, count), asked
    if whole[0].next is None and len(whole[0].matches) > count:
        assert await _back(sqlite, asked, count) == await _back(memory, asked, count), asked


async def _back(store: Store, asked: Query, count: int) -> list[object]:
    """Return the matches on each page, from the last to the first."""
    page = await store.search(asked, count=count)
    while page.next is not None:
        page = await store.search(asked, count=count, after=page.next)
    pages: list[object] = [page.matches]
    while page.previous is not None:
        page = await store.search(asked, count=count, before=page.previous)
        pages.append(page.matches)
    return pages


async def _compare_types(memory: Store, sqlite: Store, random: Random) -> None:
    first, *also = world.on_several_types(random)
    for arguments in ({"count": 100, "total": True}, {"count": 3}):
        one, other = [await store.search(first, also=also, **arguments) for store in (memory, sqlite)]
        assert _seen(other) == _seen(one), (first, also)
    while one.next is not None and other.next is not None:
        one = await memory.search(first, also=also, count=3, after=one.next)
        other = await sqlite.search(first, also=also, count=3, after=other.next)
        assert other.matches == one.matches, (first, also)
    assert one.next is None
    assert other.next is None
    while one.previous is not None and other.previous is not None:
        one = await memory.search(first, also=also, count=3, before=one.previous)
        other = await sqlite.search(first, also=also, count=3, before=other.previous)
        assert other.matches == one.matches, (first, also)


def _seen(page: Page) -> tuple[object, ...]:
    return page.matches, page.included, page.total


async def _history(store: Store) -> list[object]:
    pages: list[object] = []
    page = await store.history(None, None, count=20)
    while page.next:
        pages.append((page.versions, page.total))
        page = await store.history(None, None, count=20, after=page.next)
    return [*pages, page.versions]
