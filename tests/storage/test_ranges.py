"""What planning concludes about a range that is open to one side from others."""

from decimal import Decimal
from random import Random
from typing import get_args

import pytest

from fhir_service.fhir.search.index import DateEntry, NumberEntry
from fhir_service.fhir.search.query import DateValue, NumberValue, Prefix
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.sqlite.planning.ranges import Ranges, dates, numbers, within
from fhir_service.storage.sqlite.sql import Side, Sql, count_up_to

from .made import DAY, put

OPEN = {"gt", "lt", "ge", "le", "sa", "eb"}


def date(prefix: Prefix, day: int) -> Ranges:
    return dates("Observation", "date", (DateValue(prefix, day * DAY, (day + 1) * DAY - 1),))


def number(prefix: Prefix, value: int) -> Ranges:
    return numbers("Observation", "n", (NumberValue(prefix, Decimal(value), value - 0.5, value + 0.5),))


async def fill(store: SqliteStore, random: Random) -> None:
    for n in range(80):
        first, low = random.randrange(20) * DAY, random.randrange(20)
        last, high = first + random.choice((0, 3 * DAY)), low + random.choice((0, 0, 2))
        await store.commit([put("Observation", f"o{n}", DateEntry("date", first, last), NumberEntry("n", low, high))])


@pytest.mark.parametrize("prefix", get_args(Prefix))
async def test_the_greater_bound_of_a_side_finds_no_more(prefix: Prefix, sqlite_store: SqliteStore) -> None:
    await fill(sqlite_store, Random(3))
    for make in (date, number):
        found: list[tuple[Side, int]] = []
        for value in range(-1, 22):
            made = make(prefix, value)
            spans = [span] if make is date and (span := within([made])) else []
            assert (made.side is not None) is (prefix in OPEN)
            found += [(each.side, rows(sqlite_store, each.rids())) for each in (made, *spans) if each.side]
        for one, its_rows in found:
            for other, other_rows in found:
                assert one.kind != other.kind or one.bound <= other.bound or its_rows <= other_rows


def rows(store: SqliteStore, select: Sql) -> int:
    return count_up_to(store._connection, select, 1000)


async def test_what_lies_within_many_is_many_without_counting(sqlite_store: SqliteStore) -> None:
    await fill(sqlite_store, Random(3))
    reader, everything, never = sqlite_store._reader, Sql("SELECT rid FROM dt"), Sql("no SQL")

    assert reader.rows_of(everything, 50, Side("from", 7)) == 50

    assert reader.rows_of(never, 50, Side("from", 7)) == 50
    assert reader.rows_of(never, 20, Side("from", -3)) == 20
    assert reader.rows_of(Sql("SELECT rid FROM dt WHERE 0"), 50, Side("from", 8)) == 0
    assert reader.rows_of(Sql("SELECT rid FROM dt WHERE 1"), 60, Side("from", 6)) == 60
    assert reader.rows_of(Sql("SELECT rid FROM dt WHERE 2"), 5, Side("until", 0)) == 5
