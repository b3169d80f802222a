"""What was written as Japan writes dates is told as FHIR writes it, and nothing else is."""

import pytest

from fhir_service.validation.date_hint import date_hint


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("昭和36年5月3日", "1961-05-03"),
        ("S36.5.3", "1961-05-03"),
        ("昭36/5/3", "1961-05-03"),
        ("令和元年5月", "2019-05"),
        ("R8", "2026"),
        ("平成 12年 1月 2日", "2000-01-02"),
        ("1961/5/3", "1961-05-03"),
        ("1961年5月3日", "1961-05-03"),
        ("19610503", "1961-05-03"),
        ("１９６１－０５－０３", "1961-05-03"),
        ("1961-5-3", "1961-05-03"),
    ],
)
def test_a_day_as_japan_writes_it_is_told_as_fhir_writes_it(value: str, meant: str) -> None:
    hint = date_hint(value, "date")

    assert hint is not None
    assert meant in hint[0]
    assert meant in hint[1]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("2026-10-01T10:00:00", "2026-10-01T10:00:00+09:00"),
        ("2026/10/01 10:00", "2026-10-01T10:00:00+09:00"),
        ("2026-10-01T10:00:00+0900", "2026-10-01T10:00:00+09:00"),
        ("2026-10-01T10:00Z", "2026-10-01T10:00:00Z"),
        ("令和8年10月1日", "2026-10-01"),
    ],
)
def test_a_time_without_zone_or_seconds_is_told_whole(value: str, meant: str) -> None:
    hint = date_hint(value, "dateTime")

    assert hint is not None
    assert f"{meant} " in hint[0]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("昭和36年13月3日", "date"),
        ("昭和65年1月1日", "date"),
        ("明治0年", "date"),
        ("1961-02-29", "date"),
        ("不明", "date"),
        ("H" * 99, "date"),
        ("R8.10.1 10:00", "date"),
        ("2026-10-01", "instant"),
        ("2026/10/01 25:00", "dateTime"),
        ("2026-10-01T25:00:00+09:00", "dateTime"),
    ],
)
def test_what_nobody_can_tell_has_no_hint(value: str, code: str) -> None:
    assert date_hint(value, code) is None
