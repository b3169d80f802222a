"""Dates and times as ranges: the microseconds since 1970-01-01T00:00Z that a date of some precision covers.

https://hl7.org/fhir/R4/search.html#date and https://hl7.org/fhir/R4/datatypes.html#dateTime
A date without a zone is a day in Japan: Asia/Tokyo, which has had +09:00 and no summer time since 1951.
"""

import re
from datetime import date
from functools import lru_cache

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
TOKYO = 9 * HOUR

Bounds = tuple[int, int]
"""First and last microsecond, both inclusive."""

EARLIEST = -(2**62)
LATEST = 2**62
"""Bounds of a period that is open at one side; every date of the years 0001–9999 lies between."""

_EPOCH = date(1970, 1, 1).toordinal()
_DATE_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,32}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
).fullmatch


LONGEST = len("2026-11-22T10:00:00.") + 32 + len("+09:00")


def bounds(text: str) -> Bounds | None:
    """Return what a date, dateTime or instant of any precision covers; None if the text is none of them.

    A time may lack its seconds or its zone, as search allows ("the minutes SHALL be present if an hour is present").
    """
    return _bounds(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=1 << 15)
def _bounds(text: str) -> Bounds | None:
    found = _DATE_TIME(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1)).toordinal()
        if hour is None:
            return _days(first, _day_after(int(year), month, first, day))
    except ValueError:
        return None
    offset = _offset(zone)
    if offset is None or int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        return None

    low = (first - _EPOCH) * DAY + int(hour) * HOUR + int(minute) * MINUTE - offset
    if second is None:
        return low, low + MINUTE - 1
    low += min(int(second), 59) * SECOND  # a leap second, 23:59:60, still belongs to its minute, day and year
    if fraction is None:
        return low, low + SECOND - 1
    low += int(fraction[:6].ljust(6, "0"))
    return low, low + int(10 ** max(0, 6 - len(fraction))) - 1


def _day_after(year: int, month: str | None, first: int, day: str | None) -> int:
    """Return the ordinal of the day after a year, month or day."""
    if day is not None:
        return first + 1
    if month is not None and month != "12":
        return date(year, int(month) + 1, 1).toordinal()
    return date(year, 12, 31).toordinal() + 1


def _days(first: int, after: int) -> Bounds:
    return (first - _EPOCH) * DAY - TOKYO, (after - _EPOCH) * DAY - TOKYO - 1


def _offset(zone: str | None) -> int | None:
    """Return the offset of a zone, None if there is no such zone (https://hl7.org/fhir/R4/datatypes.html#dateTime)."""
    if zone is None:
        return TOKYO
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        return None
    offset = hours * HOUR + minutes * MINUTE
    return -offset if zone[0] == "-" else offset


def period(start: str | None, end: str | None) -> Bounds | None:
    """Return what a Period covers, open where it has no start or end; None if it has neither, or one that is no date.

    "If the start element is missing, the start of the period is not known or open" and the same for the end.
    https://hl7.org/fhir/R4/datatypes.html#Period
    """
    first = bounds(start) if start is not None else None
    last = bounds(end) if end is not None else None
    if first is None and last is None:
        return None
    return first[0] if first else EARLIEST, last[1] if last else LATEST
