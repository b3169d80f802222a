"""A total that is tallied is what a count would be, whatever is written."""

from pathlib import Path
from random import Random

import apsw
import pytest

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.index import TokenEntry
from fhir_service.fhir.search.query import Query
from fhir_service.storage.sqlite import SqliteStore, tally
from fhir_service.storage.store import Change, ConditionFailed, Exists, Reindex

from .made import Dates, HandClock, delete, entries, put, query, token

ALL, FINAL = query("Observation"), query("Observation", token("Observation", "status", "|final"))


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "WORTH", 3)


def change(random: Random) -> Change:
    id_ = f"o{random.randrange(12)}"
    if random.random() < 0.3:
        return delete("Observation", id_)
    status = TokenEntry("status", None, random.choice(("final", "amended")))
    return put("Observation", id_, status, date=random.randrange(3))


async def total(store: SqliteStore, asked: Query) -> int | None:
    return (await store.search(asked, count=0, total=True)).total


def tallied(tmp_path: Path) -> list[int]:
    """Return the numbers that are tallied."""
    return [n for (n,) in apsw.Connection(str(tmp_path / "t.db")).execute("SELECT n FROM tally ORDER BY n")]


async def expect(store: SqliteStore, standing: dict[str, str]) -> None:
    assert await total(store, ALL) == len(standing)
    assert await total(store, FINAL) == list(standing.values()).count("final")


@pytest.mark.parametrize("seed", range(5))
async def test_a_tally_follows_every_commit(seed: int, tmp_path: Path, clock: HandClock) -> None:
    random, standing = Random(seed), dict[str, str]()
    store = SqliteStore.open(tmp_path / "t.db", clock, Dates())
    for turn in range(60):
        changes = {
            each.key.id if hasattr(each, "key") else each.resource["id"]: each for each in map(change, [random] * 4)
        }
        await store.commit(list(changes.values()))
        with pytest.raises(ConditionFailed):
            await store.commit([put("Observation", "never")], [Exists(frozenset({Key("Patient", "none")}))])
        for id_, each in changes.items():
            standing.pop(id_, None)
            if not hasattr(each, "key"):
                standing[id_] = next(entry.value or "" for entry in each.entries.tokens)
        await expect(store, standing)
        if turn == 30:
            assert tallied(tmp_path)
            await store.close()
            store = SqliteStore.open(tmp_path / "t.db", clock, Dates())
    await store.close()


async def test_a_rewritten_index_is_counted_anew(tmp_path: Path, clock: HandClock) -> None:
    store = SqliteStore.open(tmp_path / "t.db", clock, Dates())
    final = TokenEntry("status", None, "final")
    await store.commit([put("Observation", f"o{n}", final) for n in range(5)])
    assert await total(store, FINAL) == 5
    await store.commit([put("Patient", "p")])  # has its turn after what the count has asked for
    assert set(tallied(tmp_path)) == {5}

    await store.reindex([Reindex(Key("Observation", "o1"), 1, entries(TokenEntry("status", None, "amended")))])
    await store.commit([put("Observation", "o9", final)])

    assert await total(store, FINAL) == 5
    await store.close()


async def test_only_what_was_counted_and_is_much_is_tallied(tmp_path: Path, clock: HandClock) -> None:
    store = SqliteStore.open(tmp_path / "t.db", clock, Dates())
    await store.commit([put("Observation", f"o{n}") for n in range(4)] + [put("Patient", "p")])
    assert tallied(tmp_path) == []

    assert (await total(store, query("Patient")), await total(store, ALL)) == (1, 4)
    await store.commit([put("Observation", "o4")])

    assert set(tallied(tmp_path)) == {5}
    await store.close()
