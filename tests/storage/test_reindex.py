"""The index of standing versions can be written anew; nothing else of them changes."""

import asyncio

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.index import DateEntry, ReferenceEntry, TokenEntry
from fhir_service.storage.store import Reindex, Store, Version

from .made import DAY, delete, entries, found, name, named, put, query, refers, token

A = Key("Patient", "a")
BY_IDENTIFIER = query("Patient", token("Patient", "identifier", "s|1"))


async def test_a_rewritten_index_finds_what_it_says_now_and_no_longer_what_it_said(store: Store) -> None:
    await store.commit([put("Patient", "a", name("old"), ReferenceEntry("link", "Patient/x"))])

    done = await store.reindex([Reindex(A, 1, entries(name("new"), TokenEntry("identifier", "s", "1")))])

    assert done == 1
    assert await found(store, query("Patient", named("old"))) == []
    assert await found(store, query("Patient", refers("Patient", "link", "Patient/x"))) == []
    assert await found(store, query("Patient", named("new"))) == ["a"]
    assert await found(store, BY_IDENTIFIER) == ["a"]
    assert await found(store, query("Patient", token("Patient", "identifier", "1"))) == ["a"]


async def test_a_rewritten_index_makes_no_version(store: Store) -> None:
    [committed] = await store.commit([put("Patient", "a", name("old"), active=True)])

    await store.reindex([Reindex(A, 1, entries(name("new")))])

    assert await store.read(A) == committed.version
    assert (await store.history("Patient", "a", count=10)).total == 1


async def test_the_order_follows_a_rewritten_primary_date(store: Store) -> None:
    for n, id_ in enumerate(("a", "b")):
        await store.commit([put("Observation", id_, DateEntry("date", n * DAY, n * DAY), date=n * DAY)])

    await store.reindex(
        [Reindex(Key("Observation", "a"), 1, entries(DateEntry("date", DAY * 5, DAY * 5), date=DAY * 5))]
    )

    assert await found(store, query("Observation")) == ["b", "a"]


async def test_what_was_written_or_deleted_since_keeps_the_entries_of_its_own(store: Store) -> None:
    await store.commit([put("Patient", "a", name("first")), put("Patient", "b", name("first"))])
    await store.commit([put("Patient", "a", name("second")), delete("Patient", "b")])

    done = await store.reindex([Reindex(Key("Patient", id_), 1, entries(name("anew"))) for id_ in ("a", "b", "none")])

    assert done == 0
    assert await found(store, query("Patient", named("anew"))) == []
    assert await found(store, query("Patient", named("second"))) == ["a"]


async def test_a_later_update_takes_the_place_of_a_rewritten_index(store: Store) -> None:
    await store.commit([put("Patient", "a", name("old"))])
    await store.reindex([Reindex(A, 1, entries(name("new"), TokenEntry("identifier", "s", "1")))])

    await store.commit([put("Patient", "a", name("last"))])

    assert await found(store, BY_IDENTIFIER) == []
    assert await found(store, query("Patient", named("new"))) == []
    assert await found(store, query("Patient", named("last"))) == ["a"]


async def test_what_stands_is_given_by_id_and_counted(store: Store) -> None:
    await store.commit([put("Patient", id_) for id_ in ("c", "a", "d", "b")])
    await store.commit([delete("Patient", "b"), put("Observation", "a")])

    first = await store.standing("Patient", after="", count=2)
    rest = await store.standing("Patient", after="c", count=2)

    assert [version.key.id for version in (*first, *rest)] == ["a", "c", "d"]
    assert await store.count("Patient") == 3
    assert await store.count("Encounter") == 0


async def test_whoever_watches_a_type_hears_of_each_of_its_versions_before_the_writer(store: Store) -> None:
    told: list[tuple[Key, int, bool]] = []
    heard_before: list[int] = []
    store.watch("Patient", lambda version: told.append((version.key, version.version, version.deleted)))

    await store.commit([put("Patient", "a"), put("Observation", "o")])
    heard_before.append(len(told))
    await store.commit([delete("Patient", "a")])

    assert heard_before == [1]
    assert told == [(A, 1, False), (A, 2, True)]


async def test_a_commit_whose_caller_gave_up_is_told_all_the_same(store: Store) -> None:
    told: list[Version] = []
    store.watch("Patient", told.append)

    writing = asyncio.ensure_future(store.commit([put("Patient", "a")]))
    await asyncio.sleep(0)
    writing.cancel()
    while await store.read(A) is None:
        await asyncio.sleep(0.001)
    await store.commit([put("Observation", "o")])

    assert [version.key for version in told] == [A]
