from datetime import UTC, datetime, timedelta

import pytest

from fhir_service.fhir.search.dates import EARLIEST, LATEST, bounds, period


def instant(text: str) -> int:
    """Microseconds of an ISO time, worked out independently."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01T00:00:00+09:00", "2026-12-31T23:59:59.999999+09:00"),
        ("2026-02", "2026-02-01T00:00:00+09:00", "2026-02-28T23:59:59.999999+09:00"),
        ("2024-02", "2024-02-01T00:00:00+09:00", "2024-02-29T23:59:59.999999+09:00"),
        ("2026-12", "2026-12-01T00:00:00+09:00", "2026-12-31T23:59:59.999999+09:00"),
        ("2026-11-22", "2026-11-22T00:00:00+09:00", "2026-11-22T23:59:59.999999+09:00"),
        ("2026-11-22T09:30", "2026-11-22T09:30:00+09:00", "2026-11-22T09:30:59.999999+09:00"),
        ("2026-11-22T09:30Z", "2026-11-22T09:30:00+00:00", "2026-11-22T09:30:59.999999+00:00"),
        ("2026-11-22T09:30:15", "2026-11-22T09:30:15+09:00", "2026-11-22T09:30:15.999999+09:00"),
        ("2026-11-22T09:30:15-05:00", "2026-11-22T09:30:15-05:00", "2026-11-22T09:30:15.999999-05:00"),
        ("2026-11-22T09:30:15.5Z", "2026-11-22T09:30:15.500000+00:00", "2026-11-22T09:30:15.599999+00:00"),
        ("2026-11-22T09:30:15.123Z", "2026-11-22T09:30:15.123000+00:00", "2026-11-22T09:30:15.123999+00:00"),
        ("2026-11-22T09:30:15.123456789Z", "2026-11-22T09:30:15.123456+00:00", "2026-11-22T09:30:15.123456+00:00"),
        ("1900-01-01", "1900-01-01T00:00:00+09:00", "1900-01-01T23:59:59.999999+09:00"),
    ],
)
def test_a_date_covers_what_its_precision_says_in_japan(text: str, first: str, last: str) -> None:
    assert bounds(text) == (instant(first), instant(last))


def test_a_leap_second_belongs_to_its_year() -> None:
    year, leap = bounds("2016"), bounds("2016-12-31T23:59:60+09:00")

    assert year and leap
    assert leap[1] <= year[1]


@pytest.mark.parametrize("text", ["0001", "0001-01-01", "9999", "9999-12-31T23:59:59-14:00"])
def test_every_year_of_fhir_lies_within_open_bounds(text: str) -> None:
    found = bounds(text)

    assert found
    assert EARLIEST < found[0] <= found[1] < LATEST


@pytest.mark.parametrize(
    "text",
    [
        "", "0000", "20261122", "2026-13", "2026-00", "2026-02-30", "2026-1-1", "2026-11-22T9:30", "2026-11-22T24:00",
        "2026-11-22T10:60", "2026-11-22T10", "2026-11-22T10:00:61", "2026-11-22T10:00:00+15:00", "2026-11-22 10:00",
        "２０２６", "2026-11-22\n", "2026-11-22T10:00:00.Z", "令和8年", "-2026",
    ],
)  # fmt: skip
def test_this_is_no_date(text: str) -> None:
    assert bounds(text) is None


def test_a_period_is_open_where_it_has_no_bound() -> None:
    start, end = instant("2026-04-01T00:00:00+09:00"), instant("2027-03-31T23:59:59.999999+09:00")

    assert period("2026-04-01", "2027-03-31") == (start, end)
    assert period("2026-04-01", None) == (start, LATEST)
    assert period(None, "2027-03-31") == (EARLIEST, end)
    assert period(None, None) is None
