"""Commits are all or none, and only while what they depend on is so.

https://hl7.org/fhir/R4/http.html#concurrency and https://hl7.org/fhir/R4/http.html#ccreate
"""

import asyncio
from collections.abc import Sequence

import pytest

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.index import ReferenceEntry, TokenEntry
from fhir_service.fhir.search.query import Chain, IdMatch
from fhir_service.storage.store import (
    Change,
    Committed,
    Condition,
    ConditionFailed,
    Exists,
    Finds,
    Put,
    Store,
    Unreferenced,
)

from .made import delete, entries, found, name, named, parameter, put, query, token

A, B = Key("Patient", "a"), Key("Patient", "b")


def expecting(version: int, id_: str = "a") -> Put:
    return Put({"resourceType": "Patient", "id": id_}, entries(), expected=version)


def subject(target: str) -> ReferenceEntry:
    return ReferenceEntry("subject", target)


async def failure(store: Store, changes: Sequence[Change], *conditions: Condition) -> ConditionFailed:
    with pytest.raises(ConditionFailed) as caught:
        await store.commit(changes, conditions)
    return caught.value


async def test_an_expected_version_must_be_the_one_that_stands(store: Store) -> None:
    await store.commit([expecting(0)])
    await store.commit([expecting(1)])

    stale = expecting(1)
    failed = await failure(store, [stale])

    assert (failed.change, failed.actual, failed.condition) == (stale, 2, None)
    assert (await failure(store, [delete("Patient", "a", expected=1)])).actual == 2
    await store.commit([delete("Patient", "a", expected=2)])


async def test_a_deleted_resource_counts_as_none(store: Store) -> None:
    await store.commit([expecting(0)])
    await store.commit([delete("Patient", "a")])

    assert (await failure(store, [expecting(2)])).actual == 0
    [again] = await store.commit([expecting(0)])
    assert again.version.version == 3


async def test_one_failing_change_leaves_nothing_of_its_commit(store: Store) -> None:
    await failure(store, [put("Patient", "b", name("Ando")), put("Encounter", "e"), expecting(4)])

    assert await store.read(B) is None
    assert (await store.history(None, None, count=10)).total == 0
    assert await found(store, query("Patient", named("ando"))) == []


async def test_references_must_exist_before_the_commit_or_by_it(store: Store) -> None:
    condition = Exists(frozenset({A, B}))
    encounter = put("Encounter", "e", subject("Patient/a"))

    assert (await failure(store, [encounter], condition)).keys == {A, B}
    await store.commit([put("Patient", "a")])
    assert (await failure(store, [encounter], condition)).keys == {B}
    await store.commit([encounter, put("Patient", "b")], [condition])
    await store.commit([delete("Patient", "b")])
    assert (await failure(store, [encounter], condition)).keys == {B}


async def test_what_is_referred_to_cannot_go(store: Store) -> None:
    await store.commit([put("Patient", "a"), put("Encounter", "e", subject("Patient/a"))])
    condition = Unreferenced(frozenset({A}))

    assert (await failure(store, [delete("Patient", "a")], condition)).keys == {Key("Encounter", "e")}
    newly = put("Encounter", "f", subject("Patient/a"))
    failed = await failure(store, [newly, delete("Encounter", "e"), delete("Patient", "a")], condition)
    assert failed.keys == {Key("Encounter", "f")}


async def test_what_refers_to_it_may_go_with_it_or_let_it_go(store: Store) -> None:
    await store.commit([put("Patient", "a"), put("Patient", "b")])
    await store.commit([put("Encounter", "e", subject("Patient/a")), put("Encounter", "f", subject("Patient/b"))])

    await store.commit([delete("Encounter", "e"), delete("Patient", "a")], [Unreferenced(frozenset({A}))])
    await store.commit([put("Encounter", "f"), delete("Patient", "b")], [Unreferenced(frozenset({B}))])

    assert await found(store, query("Patient")) == []


async def test_a_search_must_still_find_the_same(store: Store) -> None:
    nobody, ando = frozenset[Key](), query("Patient", named("ando"))
    await store.commit([put("Patient", "a", name("Ando"))], [Finds(ando, nobody)])

    failed = await failure(store, [put("Patient", "b", name("Ando"))], Finds(ando, nobody))

    assert failed.keys == {A}
    await store.commit([put("Patient", "b", name("Ando"))], [Finds(ando, frozenset({A}))])
    assert (await failure(store, [], Finds(ando, frozenset({A})))).keys == {A, B}


@pytest.mark.parametrize("clients", [50])
async def test_a_conditional_create_makes_one_resource_however_many_ask_at_once(store: Store, clients: int) -> None:
    mine = query("Patient", token("Patient", "identifier", "s|1"))

    async def create(n: int) -> bool:
        change = put("Patient", f"p{n}", TokenEntry("identifier", "s", "1"))
        try:
            await store.commit([change], [Finds(mine, frozenset())])
        except ConditionFailed as failed:
            assert len(failed.keys) == 1
            return False
        return True

    assert sum(await asyncio.gather(*map(create, range(clients)))) == 1
    assert len(await found(store, mine)) == 1


async def test_a_conditional_create_by_chain_cannot_race_either(store: Store) -> None:
    ando = Chain(parameter("Encounter", "subject"), (("Patient", named("ando")),))
    mine = query("Encounter", ando, IdMatch(tuple(f"e{n}" for n in range(20))))
    await store.commit([put("Patient", "a", name("Ando"))])

    async def create(n: int) -> object:
        change = put("Encounter", f"e{n}", subject("Patient/a"))
        try:
            return await store.commit([change], [Finds(mine, frozenset())])
        except ConditionFailed:
            return None

    made = await asyncio.gather(*map(create, range(20)))

    assert sum(one is not None for one in made) == 1


async def test_of_many_updates_of_one_version_one_wins(store: Store) -> None:
    await store.commit([expecting(0)])

    outcomes = await asyncio.gather(*(store.commit([expecting(1)]) for _ in range(30)), return_exceptions=True)

    assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ConditionFailed) and outcome.actual == 2 for outcome in outcomes) == 29


async def test_commits_at_once_are_each_whole_and_none_is_lost(store: Store) -> None:
    async def add(n: int) -> list[Committed]:
        return await store.commit([put("Patient", f"p{n}"), put("Encounter", f"e{n}", subject(f"Patient/p{n}"))])

    outcomes = await asyncio.gather(*map(add, range(100)))

    assert all(committed.created for outcome in outcomes for committed in outcome)
    assert len(await found(store, query("Encounter"), count=200)) == 100
    assert (await store.history(None, None, count=1)).total == 200


async def test_updates_at_once_are_numbered_without_a_gap(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.commit([put("Patient", "a", n=n)]) for n in range(60)))

    assert sorted(outcome[0].version.version for outcome in outcomes) == list(range(1, 61))
    assert (await store.history("Patient", "a", count=5)).total == 60


async def test_a_commit_whose_caller_has_gone_is_still_made_whole(store: Store) -> None:
    task = asyncio.ensure_future(store.commit([put("Patient", "a")]))
    await asyncio.sleep(0)
    task.cancel()
    await store.commit([put("Patient", "b")])

    assert sorted(await found(store, query("Patient"))) == ["a", "b"]
