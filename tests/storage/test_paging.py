"""The order of results, and pages that show each match once.

https://hl7.org/fhir/R4/http.html#paging and https://hl7.org/fhir/R4/search.html#sort
"""

from itertools import pairwise

import pytest

from fhir_service.fhir.search.index import DateEntry, NumberEntry, QuantityEntry, TokenEntry
from fhir_service.fhir.search.query import Match, QuantityValue
from fhir_service.storage.store import Store

from .made import DAY, HandClock, delete, found, ids, name, number, parameter, put, query, token, walk

BASE = 1_795_000_000_000_000


def observation(id_: str, day: int | None, *more: object) -> object:
    if day is None:
        return put("Observation", id_, TokenEntry("status", None, "final"), *more)
    low = BASE + day * DAY
    entry = DateEntry("date", low, low)
    return put("Observation", id_, TokenEntry("status", None, "final"), entry, *more, date=low)


async def fill(store: Store) -> None:
    days = {"a": 3, "b": 1, "c": 2, "d": 1, "e": None, "f": 5, "g": 4}
    for id_, day in days.items():
        await store.commit([observation(id_, day)])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", "ebdcagf"),
        ("date", "ebdcagf"),
        ("-date", "fgacdbe"),
        ("_id", "abcdefg"),
        ("-_id", "gfedcba"),
        ("_lastUpdated", "abcdefg"),
        ("-_lastUpdated", "gfedcba"),
        ("status,-date", "fgacdbe"),
        ("status", "abcdefg"),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
async def test_pages_follow_the_order(store: Store, clock: HandClock, sort: str, expected: str, count: int) -> None:
    days = {"a": 3, "b": 1, "c": 2, "d": 1, "e": None, "f": 5, "g": 4}
    for id_, day in days.items():
        await store.commit([observation(id_, day)])  # type: ignore[list-item]
        clock.tick()

    for asked in (
        query("Observation", sort=sort),
        query("Observation", token("Observation", "status", "final"), sort=sort),
    ):
        pages = await walk(store, asked, count)
        assert "".join(id_ for page in pages for id_ in page) == expected
        assert all(len(page) == count for page in pages[:-1])


async def test_of_several_values_the_least_sorts_up_and_the_greatest_down(store: Store) -> None:
    await store.commit(
        [
            put("Patient", "a", name("b"), name("y")),
            put("Patient", "b", name("a"), name("x")),
            put("Patient", "c"),
            put("Patient", "d", name("c")),
        ]
    )

    assert await found(store, query("Patient", sort="name")) == ["c", "b", "a", "d"]
    assert await found(store, query("Patient", sort="-name")) == ["a", "b", "d", "c"]


async def test_numbers_and_tokens_sort_by_their_value(store: Store) -> None:
    lengths = {"a": 10.0, "b": 9.0, "c": -1.0, "d": 1e300, "e": 0.5}
    codes = {"a": "x", "b": "X", "c": "診", "d": "", "e": "y"}
    for id_ in lengths:
        await store.commit(
            [
                put(
                    "Encounter",
                    id_,
                    NumberEntry("length", lengths[id_], lengths[id_]),
                    TokenEntry("status", "s", codes[id_]),
                )
            ]
        )

    assert await found(store, query("Encounter", sort="length")) == ["c", "e", "b", "a", "d"]
    assert await found(store, query("Encounter", sort="-length")) == ["d", "a", "b", "e", "c"]
    assert await found(store, query("Encounter", sort="status")) == ["d", "b", "a", "e", "c"]


@pytest.mark.parametrize("sort", ["", "-date", "_id", "-_lastUpdated", "status", "-status,date"])
async def test_a_walk_back_shows_the_same_pages(store: Store, sort: str) -> None:
    await fill(store)
    asked = query("Observation", sort=sort)

    pages = [await store.search(asked, count=2)]
    assert pages[0].previous is None
    while pages[-1].next:
        pages.append(await store.search(asked, count=2, after=pages[-1].next))
    assert len(pages) == 4
    for earlier, later in reversed(list(pairwise(pages))):
        back = await store.search(asked, count=2, before=later.previous)
        assert ids(back) == ids(earlier)
        assert back.next is not None
        again = await store.search(asked, count=2, after=back.next)
        assert ids(again) == ids(later)
    first = await store.search(asked, count=2, before=pages[1].previous)
    assert first.previous is None


@pytest.mark.parametrize("sort", ["", "-date", "_id", "_lastUpdated", "-_lastUpdated", "code", "-code,date"])
async def test_what_stays_unchanged_is_shown_once_while_others_write(store: Store, clock: HandClock, sort: str) -> None:
    for n in range(30):
        entry = TokenEntry("code", "s", "xyz"[n % 3])
        await store.commit([observation(f"stay{n:02}", n % 4 or None, entry)])  # type: ignore[list-item]
        await store.commit([observation(f"go{n:02}", n % 5, entry)])  # type: ignore[list-item]
        clock.tick()
    turn = iter(range(1000))

    async def write() -> None:
        n = next(turn)
        clock.tick()
        changes = [
            observation(f"new{n}", n % 6),
            observation(f"go{(n * 7) % 30:02}", n % 3),
            delete("Observation", f"go{n:02}"),
        ]
        await store.commit(changes)  # type: ignore[arg-type]

    pages = await walk(store, query("Observation", sort=sort), 4, write)

    shown = [id_ for page in pages for id_ in page if id_.startswith("stay")]
    assert sorted(shown) == [f"stay{n:02}" for n in range(30)]


async def test_the_total_counts_all_matches_on_every_page(store: Store) -> None:
    await fill(store)
    first = await store.search(query("Observation"), count=2, total=True)
    second = await store.search(query("Observation"), count=2, total=True, after=first.next)

    assert first.total == second.total == 7
    assert (await store.search(query("Observation"), count=2)).total is None


async def test_a_count_of_none_is_only_a_total(store: Store) -> None:
    await fill(store)

    page = await store.search(query("Observation"), count=0, total=True)

    assert (page.matches, page.total, page.next, page.previous) == ((), 7, None, None)


async def test_a_page_of_exactly_all_has_no_next(store: Store) -> None:
    await fill(store)

    assert (await store.search(query("Observation"), count=7)).next is None
    assert (await store.search(query("Observation"), count=6)).next is not None


async def test_the_same_date_and_time_for_all_still_gives_an_order(store: Store) -> None:
    await store.commit([observation(f"o{n:03}", 1) for n in range(50)])  # type: ignore[misc]

    for sort in ("", "-date", "_lastUpdated", "status"):
        shown = [id_ for page in await walk(store, query("Observation", sort=sort), 7) for id_ in page]
        assert sorted(shown) == [f"o{n:03}" for n in range(50)]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
async def test_what_has_many_of_the_values_asked_for_is_shown_once(store: Store, count: int) -> None:
    values = [QuantityEntry("value-quantity", value, value, None, None, None) for value in range(10, 20)]
    for day, id_ in enumerate("abcd"):
        await store.commit([observation(id_, day, *values)])  # type: ignore[list-item]
    above = QuantityValue(number("ge", "5"), None, None)
    asked = query("Observation", Match(parameter("Observation", "value-quantity"), (above,)))

    pages = await walk(store, asked, count)
    last = await store.search(asked, count=3, after=(await store.search(asked, count=3)).next)
    back = await store.search(asked, count=count, before=last.previous, total=True)

    assert "".join(id_ for page in pages for id_ in page) == "abcd"
    assert all(len(page) == count for page in pages[:-1])
    assert ("".join(ids(back)), back.total) == ("abc"[-count:], 4)
