"""Dates, dateTimes and times of any precision: reading, writing, comparing, and adding durations.

https://hl7.org/fhirpath/N1/#datetime-equality
https://hl7.org/fhirpath/N1/#datetime-arithmetic
"""

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from fhir_service.fhir.fhirpath.error import failed, unreadable
from fhir_service.fhir.fhirpath.item import DATE, DATETIME, TIME, Item

NANO = 1_000_000_000


class Moment(NamedTuple):
    """A date or dateTime (year, month, day, hour, minute, nanoseconds) or a time (the last three).

    `fields` end at its precision, with the second and its fraction as one.
    `offset` is that of its zone in minutes and `zone` how it was written; `digits` are those of the second's fraction.
    """

    fields: tuple[int, ...]
    offset: int | None = None
    zone: str = ""
    digits: int = 0


_MOMENT = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
    r"(?:T(?:([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?"
)
_TIME = re.compile(r"()()()([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?()")


@lru_cache(maxsize=8192)
def parse(text: str, *, time: bool = False) -> Moment | None:
    """Return the moment that a text (without `@`) means, None if it means none."""
    match = (_TIME if time else _MOMENT).fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    fields = [int(part) for part in (year, month, day, hour, minute) if part]
    if second:
        fields.append(int(second) * NANO + int((fraction or "")[:9].ljust(9, "0")))
    moment = Moment(tuple(fields), _offset(zone), zone or "", len(fraction or ""))
    return moment if _exists(moment.fields, time) else None


def _offset(zone: str | None) -> int | None:
    if not zone:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _exists(fields: tuple[int, ...], time: bool) -> bool:
    if not time:
        if fields[0] < 1 or (len(fields) > 1 and not 1 <= fields[1] <= 12):
            return False
        if len(fields) > 2 and not 1 <= fields[2] <= monthrange(fields[0], fields[1])[1]:
            return False
        fields = fields[3:]
    # A second of 60 is a leap second: https://hl7.org/fhir/R4/datatypes.html#dateTime
    return all(field < limit for field, limit in zip(fields, (24, 60, 61 * NANO), strict=False))


def literal(kind: str, text: str, at: int) -> Item:
    """Return the value of a literal; raise FhirPathError for a day or time that does not exist."""
    text = text.removesuffix("T")
    if parse(text, time=kind == "time") is None:
        raise unreadable(f"「{text}」という日付・時刻は存在しません。", f"There is no such date or time as {text}.").at(
            at
        )
    return Item(text, {"date": DATE, "dateTime": DATETIME, "time": TIME}[kind])


def text_of(moment: Moment, *, time: bool = False) -> str:
    """Return the moment as text, in the precision that it has."""
    fields = moment.fields
    clock = fields if time else fields[3:]
    day = "" if time else "-".join(f"{field:0{4 if i == 0 else 2}d}" for i, field in enumerate(fields[:3]))
    if not clock:
        return day
    parts = [f"{field:02d}" for field in clock[:2]]
    if len(clock) > 2:
        seconds, nanos = divmod(clock[2], NANO)
        parts.append(f"{seconds:02d}" + (f".{nanos:09d}"[: moment.digits + 1] if moment.digits else ""))
    return (day + "T" if day else "") + ":".join(parts) + moment.zone


def compare(left: Moment, right: Moment) -> int | None:
    """Return -1, 0 or 1, or None if their precision or a missing zone leaves it open."""
    if (left.offset is None) != (right.offset is None) and len(left.fields) > 3 and len(right.fields) > 3:
        return _compare_zoned(left, right)
    if left.offset is not None and right.offset is not None and left.offset != right.offset:
        return _compare_fields(_utc(left, left.offset), _utc(right, right.offset))
    return _compare_fields(left.fields, right.fields)


def _compare_fields(left: tuple[int, ...], right: tuple[int, ...]) -> int | None:
    for a, b in zip(left, right, strict=False):
        if a != b:
            return -1 if a < b else 1
    return 0 if len(left) == len(right) else None


def _utc(moment: Moment, offset: int) -> tuple[int, ...]:
    """Return day number, hour, minute and nanoseconds in UTC, as far as the precision reaches."""
    year, month, day, hour, *rest = moment.fields
    minutes = date(year, month, day).toordinal() * 1440 + hour * 60 + (rest[0] if rest else 0) - offset
    days, minutes = divmod(minutes, 1440)
    return (days, minutes // 60, minutes % 60, *rest[1:])[: len(moment.fields) - 2]


def _compare_zoned(left: Moment, right: Moment) -> int | None:
    """Compare where one has no zone: it may be any from +14:00 to -12:00, so near moments stay open."""
    if left.offset is None:
        swapped = _compare_zoned(right, left)
        return None if swapped is None else -swapped
    here = _utc(left, left.offset)
    if _compare_fields(here, _utc(right, 14 * 60)) == -1:
        return -1
    if _compare_fields(here, _utc(right, -12 * 60)) == 1:
        return 1
    return None


# How many of the finer unit the next coarser has, for durations finer than the precision they are added to.
# https://hl7.org/fhirpath/N1/#datetime-arithmetic
_LADDER = ["year", "month", "day", "hour", "minute", "second", "millisecond"]
_PER_COARSER = {"month": 12, "day": 30, "hour": 24, "minute": 60, "second": 60, "millisecond": 1000}
_NANOS = {"hour": 3600 * NANO, "minute": 60 * NANO, "second": NANO, "millisecond": NANO // 1000}


def add(moment: Moment, amount: Decimal, unit: str, *, time: bool = False) -> Moment | None:
    """Return the moment some calendar units later (earlier if negative), None if that is outside the years 1 to 9999.

    A fraction of a unit is dropped, and what is finer than the moment's precision is first counted in that precision.
    """
    if time and unit not in _NANOS:
        raise failed("時刻に日以上の単位は加減算できません。", "Only hours and finer can be added to a time.")
    whole, unit = (int(amount) * 7, "day") if unit == "week" else (int(amount), unit)
    finest = len(moment.fields) - 1 + (3 if time else 0)
    while _LADDER.index(unit) > finest and unit != "millisecond":
        if unit == "day" and finest == 0:
            whole, unit = int(whole / 365), "year"
        else:
            whole, unit = int(whole / _PER_COARSER[unit]), _LADDER[_LADDER.index(unit) - 1]
    if unit == "millisecond" and finest < 5:
        return add(moment, Decimal(int(whole / 1000)), "second", time=time)
    if unit in ("year", "month"):
        return _add_months(moment, whole * 12 if unit == "year" else whole)
    return _add_time(moment, whole, unit, time)


def _add_months(moment: Moment, months: int) -> Moment | None:
    year, month, *rest = (*moment.fields, 1) if len(moment.fields) == 1 else moment.fields
    year, month = divmod(year * 12 + month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    if rest:
        rest[0] = min(rest[0], monthrange(year, month + 1)[1])
    return moment._replace(fields=(year, month + 1, *rest)[: len(moment.fields)])


def _add_time(moment: Moment, whole: int, unit: str, time: bool) -> Moment | None:
    day = 0 if time else date(*moment.fields[:3]).toordinal()
    hour, minute, nanos = ((*moment.fields, 0, 0, 0) if time else (*moment.fields[3:], 0, 0, 0))[:3]
    total = (hour * 60 + minute) * 60 * NANO + nanos
    if unit == "day":
        day += whole
    else:
        total += whole * _NANOS[unit]
    days, total = divmod(total, 86400 * NANO)
    clock = (total // (3600 * NANO), total // (60 * NANO) % 60, total % (60 * NANO))
    digits = max(moment.digits, 3) if unit == "millisecond" else moment.digits
    if time:
        return Moment(clock[: len(moment.fields)], digits=digits)
    if not 1 <= day + days <= date.max.toordinal():
        return None
    then = date.fromordinal(day + days)
    fields = (then.year, then.month, then.day, *clock)[: len(moment.fields)]
    return moment._replace(fields=fields, digits=digits)


def key(moment: Moment) -> tuple[object, ...]:
    """Return what equal moments, and only they, have in common."""
    if moment.offset is None:
        return moment.fields
    return ("UTC", *_utc(moment, moment.offset))
