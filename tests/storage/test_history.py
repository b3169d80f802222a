"""History, newest first.

https://hl7.org/fhir/R4/http.html#history
"""

import pytest

from fhir_service.fhir.resource import Key
from fhir_service.storage.store import Cursor, HistoryPage, Store

from .made import HandClock, delete, put


def shown(page: HistoryPage) -> list[str]:
    return [f"{version.key}/{version.version}" for version in page.versions]


async def test_the_history_of_a_resource_has_its_versions_and_its_deletion(store: Store, clock: HandClock) -> None:
    for change in (put("Patient", "a"), put("Patient", "b"), put("Patient", "a"), delete("Patient", "a")):
        await store.commit([change])
        clock.tick()

    page = await store.history("Patient", "a", count=10)

    assert shown(page) == ["Patient/a/3", "Patient/a/2", "Patient/a/1"]
    assert (page.total, page.next) == (3, None)
    assert page.versions[0].deleted


async def test_what_never_was_has_no_history(store: Store) -> None:
    assert await store.history("Patient", "a", count=10) == HistoryPage((), 0, None)


async def test_the_history_of_a_type_and_of_all(store: Store, clock: HandClock) -> None:
    for change in (put("Patient", "a"), put("Encounter", "e"), put("Patient", "a"), put("Patient", "b")):
        await store.commit([change])
        clock.tick()

    assert shown(await store.history("Patient", None, count=10)) == ["Patient/b/1", "Patient/a/2", "Patient/a/1"]
    everything = await store.history(None, None, count=10)
    assert shown(everything) == ["Patient/b/1", "Patient/a/2", "Encounter/e/1", "Patient/a/1"]
    assert everything.total == 4


async def test_a_walk_shows_each_version_once_though_many_have_the_same_time(store: Store) -> None:
    for _ in range(3):
        await store.commit([put("Patient", id_) for id_ in "abcde"])

    seen: list[str] = []
    page = await store.history("Patient", None, count=4)
    seen += shown(page)
    while page.next:
        await store.commit([put("Patient", "new")])
        page = await store.history("Patient", None, count=4, after=page.next)
        seen += shown(page)

    assert len(seen) == len(set(seen))
    assert {f"Patient/{id_}/{n}" for id_ in "abcde" for n in (1, 2, 3)} <= set(seen)


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_a_walk_in_either_order_shows_the_same_versions(
    store: Store, clock: HandClock, oldest_first: bool
) -> None:
    for _ in range(3):
        await store.commit([put("Patient", id_) for id_ in "abc"])
        clock.tick()
    await store.commit([delete("Patient", "b")])

    whole = await store.history("Patient", None, count=100)
    seen: list[str] = []
    after: Cursor | None = None
    while True:
        page = await store.history("Patient", None, count=3, oldest_first=oldest_first, after=after)
        seen += shown(page)
        if (after := page.next) is None:
            break

    assert seen == (shown(whole)[::-1] if oldest_first else shown(whole))
    assert page.total == len(seen) == 10


async def test_only_what_is_referred_to_is_shown(store: Store, clock: HandClock) -> None:
    for _ in range(3):
        await store.commit([put("Patient", id_) for id_ in "abc"] + [put("Encounter", "a")])
        clock.tick()
    await store.commit([delete("Patient", "b")])
    only = [
        (Key("Patient", "a"), 2),
        (Key("Patient", "b"), None),
        (Key("Encounter", "a"), 3),
        (Key("Patient", "x"), None),
    ]

    everything = await store.history(None, None, count=100, only=only)
    patients = await store.history("Patient", None, count=2, only=only, oldest_first=True)
    nothing = await store.history(None, None, count=100, only=[])

    assert sorted(shown(everything)) == [
        "Encounter/a/3",
        *(f"Patient/{each}" for each in ("a/2", "b/1", "b/2", "b/3", "b/4")),
    ]
    assert (everything.total, patients.total) == (6, 5)
    assert shown(patients) == [
        "Patient/b/1",
        *[each for each in shown(everything) if each in ("Patient/a/2", "Patient/b/2")][-1:],
    ]
    assert nothing == HistoryPage((), 0, None)


async def test_since_is_when_a_version_was_made(store: Store, clock: HandClock) -> None:
    await store.commit([put("Patient", "a")])
    clock.tick()
    await store.commit([put("Patient", "a")])
    second = await store.vread((await store.history("Patient", "a", count=1)).versions[0].key, 2)
    assert second is not None

    page = await store.history("Patient", "a", count=10, since=second.updated)

    assert (shown(page), page.total) == (["Patient/a/2"], 1)
    assert (await store.history("Patient", None, count=10, since=second.updated + 1)).total == 0


async def test_at_is_while_a_version_stood(store: Store, clock: HandClock) -> None:
    times = []
    for change in (put("Patient", "a"), put("Patient", "a"), delete("Patient", "a")):
        times.append((await store.commit([change]))[0].version.updated)
        clock.tick(seconds=10)

    async def at(low: int, high: int) -> list[str]:
        return shown(await store.history("Patient", "a", count=10, at=(low, high)))

    assert await at(times[0] - 9, times[0] - 1) == []
    assert await at(times[0], times[0]) == ["Patient/a/1"]
    assert await at(times[1] - 1, times[1] - 1) == ["Patient/a/1"]
    assert await at(times[1], times[1]) == ["Patient/a/2"]
    assert await at(times[0] + 5, times[2]) == ["Patient/a/3", "Patient/a/2", "Patient/a/1"]
    assert await at(times[2] + 10**9, times[2] + 10**9) == ["Patient/a/3"]


async def test_a_count_of_none_tells_the_total(store: Store) -> None:
    await store.commit([put("Patient", "a")])

    assert await store.history("Patient", None, count=0) == HistoryPage((), 1, None)
