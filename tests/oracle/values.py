"""What a search value means, and whether a value of a resource fulfils it: R4's rules, naively, one value at a time.

Nothing here is shared with the server's search. https://hl7.org/fhir/R4/search.html
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

JAPAN = timezone(timedelta(hours=9))
MOMENT = timedelta(microseconds=1)
FOREVER = datetime(9999, 12, 31, 23, 59, 59, 999999, JAPAN)
NEVER = datetime(1, 1, 2, tzinfo=JAPAN)
INFINITE = Decimal("Infinity")


def split(text: str, separator: str) -> list[str]:
    """Split where no backslash stands before the separator."""
    parts, escaped = [""], False
    for character in text:
        if character == separator and not escaped:
            parts.append("")
            continue
        parts[-1] += character
        escaped = character == "\\" and not escaped
    return parts


def plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


# --- strings


def folded(text: str) -> str:
    """Return the text without case, width, accents, punctuation and spaces, hiragana as katakana."""
    normal = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = [each for each in normal if unicodedata.category(each)[0] not in "PZC" and not 0x300 <= ord(each) < 0x370]
    kana = [chr(ord(each) + 0x60) if 0x3041 <= ord(each) <= 0x3096 else each for each in kept]
    return unicodedata.normalize("NFC", "".join(kana)) or text.strip().casefold()


def texts(kind: str, value: Any) -> Iterator[str]:
    """Give the strings of a data type that a string parameter searches."""
    match kind:
        case "HumanName":
            for name in ("text", "family", "given", "prefix", "suffix"):
                yield from _list(value.get(name))
            if "text" not in value and not value.get("family", "").isascii():
                yield " ".join([value["family"], *_list(value.get("given"))])
        case "Address":
            for name in ("text", "line", "city", "district", "state", "country", "postalCode"):
                yield from _list(value.get(name))
            if "text" not in value and not value.get("state", "").isascii():
                yield "".join([value["state"], *_list(value.get("city")), *_list(value.get("line"))])
        case _:
            if isinstance(value, str):
                yield value


def string(modifier: str, kind: str, value: Any, asked: str) -> bool:
    wanted = plain(asked)
    if modifier == "exact":
        return wanted in texts(kind, value)
    if modifier == "contains":
        return any(folded(wanted) in folded(text) for text in texts(kind, value))
    return any(folded(text).startswith(folded(wanted)) for text in begins(kind, value))


def begins(kind: str, value: Any) -> Iterator[str]:
    """Give the texts, and each end of a name that begins with a word."""
    for text in texts(kind, value):
        yield text
        if kind in ("HumanName", "family", "given"):
            yield from (text[found.end() :] for found in re.finditer(r"[\s\-・･=＝]+", text) if found.end() < len(text))


def _list(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


# --- dates


def span(text: str) -> tuple[datetime, datetime]:
    """Return the first and last moment of a date of any precision."""
    found = re.fullmatch(
        r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?", text
    )
    assert found, text
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    tz = JAPAN
    if zone:
        tz = UTC if zone == "Z" else datetime.strptime(zone, "%z").tzinfo or JAPAN  # type: ignore[assignment]
    start = datetime(
        int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=tz
    )
    if fraction:
        digits = fraction[1:7]
        start += timedelta(microseconds=int(digits.ljust(6, "0")))
        return start, start + timedelta(microseconds=10 ** (6 - len(digits)) - 1)
    if second:
        return start, start + timedelta(seconds=1) - MOMENT
    if minute:
        return start, start + timedelta(minutes=1) - MOMENT
    if day:
        return start, start + timedelta(days=1) - MOMENT
    if year == "9999":
        return start, FOREVER
    after = datetime(
        int(year) + (month is None or month == "12"), int(month or 0) % 12 + 1 if month else 1, 1, tzinfo=tz
    )
    return start, after - MOMENT


def dates(kind: str, value: Any) -> tuple[datetime, datetime] | None:
    if kind in ("date", "dateTime", "instant"):
        return span(value)
    if kind == "Period" and ("start" in value or "end" in value):
        return (span(value["start"])[0] if "start" in value else NEVER), (
            span(value["end"])[1] if "end" in value else FOREVER
        )
    if kind == "Timing":
        spans = [span(event) for event in value.get("event", ())]
        bounds = value.get("repeat", {}).get("boundsPeriod", {})
        spans += filter(None, [dates("Period", bounds)])
        return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None
    return None


DATE: dict[str, Callable[[datetime, datetime, datetime, datetime], bool]] = {
    # target's first and last moment, the search value's first and last
    "eq": lambda low, high, first, last: first <= low and high <= last,
    "ne": lambda low, high, first, last: not (first <= low and high <= last),
    "gt": lambda low, high, first, last: high > last,
    "lt": lambda low, high, first, last: low < first,
    "ge": lambda low, high, first, last: high >= first,
    "le": lambda low, high, first, last: low <= last,
    "sa": lambda low, high, first, last: low > last,
    "eb": lambda low, high, first, last: high < first,
}


RANGED = ("date", "number", "quantity")


def prefixed(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2] in (*DATE, "ap") else ("eq", text)


def date(modifier: str, kind: str, value: Any, asked: str) -> bool:
    prefix, text = prefixed(asked)
    held = dates(kind, value)
    return held is not None and DATE[prefix](*held, *span(text))


# --- numbers and quantities


def precision(text: str) -> tuple[Decimal, Decimal, Decimal]:
    """Return the number, and the range that it means: half a unit of its last digit to both sides."""
    value = Decimal(text)
    exponent = int(value.as_tuple().exponent)
    if exponent > 0 and len(value.as_tuple().digits) == 1:
        exponent -= 1
    half = Decimal(5).scaleb(exponent - 1)
    return value, value - half, value + half


@dataclass(frozen=True)
class Interval:
    """What a number can be: closed, but for an end that is infinite or excluded by a comparator."""

    low: Decimal
    high: Decimal
    without_low: bool = False
    without_high: bool = False


def amounts(kind: str, value: Any) -> Interval | None:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Interval(Decimal(value), Decimal(value))
    if not isinstance(value, dict):
        return None
    if "low" in value or "high" in value:
        low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
        if low is None and high is None:
            return None
        return Interval(-INFINITE if low is None else Decimal(low), INFINITE if high is None else Decimal(high))
    if "value" not in value:
        return None
    number = Decimal(value["value"])
    match value.get("comparator"):
        case "<":
            return Interval(-INFINITE, number, without_high=True)
        case "<=":
            return Interval(-INFINITE, number)
        case ">=":
            return Interval(number, INFINITE)
        case ">":
            return Interval(number, INFINITE, without_low=True)
    return Interval(number, number)


def compare(held: Interval, asked: str) -> bool:
    prefix, text = prefixed(asked)
    value, low, high = precision(text)
    within = low <= held.low and held.high < high
    match prefix:
        case "eq":
            return within
        case "ne":
            return not within
        case "gt":
            return held.high > value
        case "lt":
            return held.low < value
        case "ge":
            return held.high > value or (held.high == value and not held.without_high)
        case "le":
            return held.low < value or (held.low == value and not held.without_low)
        case "sa":
            return held.low > value or (held.low == value and held.without_low)
        case "eb":
            return held.high < value or (held.high == value and held.without_high)
    about = abs(value) / 10
    below_high = held.low < high or held.low <= value + about
    return below_high and held.high >= min(low, value - about)


UCUM = "http://unitsofmeasure.org"
GRAMS = {"mg": Decimal("0.001"), "g": Decimal(1), "kg": Decimal(1000)}
CENTIMETRES = {"cm": Decimal(1), "m": Decimal(100), "[in_i]": Decimal("2.54")}


def number(modifier: str, kind: str, value: Any, asked: str) -> bool:
    held = amounts(kind, value)
    return held is not None and compare(held, asked)


def quantity(modifier: str, kind: str, value: Any, asked: str) -> bool:
    text, *rest = split(asked, "|")
    held = amounts(kind, value)
    if held is None:
        return False
    if kind == "Range":
        value = value["low"] if "low" in value else value["high"]
    if kind == "Money":
        value = {"system": "urn:iso:std:iso:4217", "code": value.get("currency")}
    system, unit = (plain(each) for each in (rest or ["", ""]))
    if not unit:
        return compare(held, text)
    if not system:
        return unit in (value.get("code"), value.get("unit")) and compare(held, text)
    if value.get("system") != system:
        return False
    has, wants = value.get("code"), unit
    for unit in (GRAMS, CENTIMETRES) if system == UCUM and has != wants else ():
        if has in unit and wants in unit:
            ratio = unit[has] / unit[wants]
            return compare(replace(held, low=held.low * ratio, high=held.high * ratio), text)
    return has == wants and compare(held, text)


# --- tokens


def codings(kind: str, value: Any) -> Iterator[tuple[str | None, str | None]]:
    """Give system and code of each token."""
    match kind:
        case "Coding":
            yield value.get("system"), value.get("code")
        case "CodeableConcept":
            yield from ((each.get("system"), each.get("code")) for each in value.get("coding", ()))
        case "Identifier":
            yield value.get("system"), value.get("value")
        case "ContactPoint":
            yield None, contact(value["value"]) if "value" in value else None
        case "boolean" | "System.Boolean":
            yield None, "true" if value else "false"
        case "string" | "System.String":
            yield None, value.casefold()
        case _:
            if isinstance(value, str):  # R4 has expressions that end in a type which says nothing to a token
                yield None, value


def contact(text: str) -> str:
    """Return what a contact is known by: a number without punctuation, +81 as 0."""
    bare = unicodedata.normalize("NFKC", text).strip().casefold().removeprefix("tel:").removeprefix("mailto:")
    if not re.fullmatch(r"[+(]?[0-9][0-9+().\- ]*", bare):
        return bare
    digits = re.sub(r"[^0-9+]", "", bare)
    return re.sub(r"^\+810?", "0", digits)


def token(modifier: str, kind: str, value: Any, asked: str) -> bool:
    if modifier == "text":
        return any(folded(label).startswith(folded(plain(asked))) for label in labels(kind, value))
    if modifier == "code-text":
        return any(code.casefold().startswith(plain(asked).casefold()) for _, code in codings(kind, value) if code)
    if modifier == "of-type":
        system, code, number = map(plain, split(asked, "|"))
        types = value.get("type", {}).get("coding", ()) if kind == "Identifier" else ()
        return value.get("value") == number and any((c.get("system"), c.get("code")) == (system, code) for c in types)
    parts = [plain(part) for part in split(asked, "|")]
    for system, code in codings(kind, value):
        wanted = parts[-1]
        if kind == "ContactPoint":
            wanted = contact(wanted)
        elif kind in ("string", "System.String"):
            wanted = wanted.casefold()
        if len(parts) == 1 and code is not None and code == wanted:
            return True
        if len(parts) == 2 and (system or "") == parts[0] and (code == wanted or (not parts[1] and parts[0])):
            return True
    return False


def labels(kind: str, value: Any) -> Iterator[str]:
    match kind:
        case "Coding":
            yield from _list(value.get("display"))
        case "CodeableConcept":
            yield from _list(value.get("text"))
            yield from (each["display"] for each in value.get("coding", ()) if "display" in each)
        case "Identifier":
            yield from _list(value.get("type", {}).get("text"))


# --- the order of a sort


def sort_values(search_type: str, kind: str, value: Any) -> list[Any]:
    """Return what a value sorts by: a date by its first moment, a number by its least, all else by its text."""
    if search_type == "date":
        held = dates(kind, value)
        return [held[0]] if held else []
    if search_type == "string":
        return [folded(text) for text in texts(kind, value)]
    if search_type == "token":
        return [code for _, code in codings(kind, value) if code is not None]
    if search_type in ("number", "quantity"):
        amount = amounts(kind, value)
        return [float(amount.low)] if amount else []
    if search_type == "reference":
        return []  # of what is no literal reference
    return [value]


# --- uris and references


def uri(modifier: str, kind: str, value: Any, asked: str) -> bool:
    wanted = plain(asked)
    forms = {value, value.partition("|")[0]} if kind == "canonical" else {value}
    if modifier == "below" and "|" in wanted:
        return any(is_below(form, wanted) for form in forms)
    if modifier == "below":
        return any(form.startswith(wanted) for form in forms)
    if modifier == "above":
        return any(wanted.startswith(form) for form in forms)
    return wanted in forms


def reference(modifier: str, kind: str, value: Any, asked: str, base: str, targets: Sequence[str] = ()) -> bool:
    if modifier == "identifier":
        return "identifier" in value and token("", "Identifier", value["identifier"], asked)
    if kind == "Reference":
        text = value.get("reference")
    else:
        text = value
    if text is None or text.startswith("#"):
        return False
    asked = plain(asked)
    if kind != "Reference":
        (text, _, part), (asked, _, wanted_part) = text.partition("#"), asked.partition("#")
        if wanted_part and part != wanted_part:
            return False
    held, version = _parts(text, base)
    wanted, wanted_version = _parts(asked, base)
    if modifier == "below":
        return held == wanted and (wanted_version is None or is_below(version or "", wanted_version))
    if wanted_version not in (None, version):
        return False
    if modifier:  # a type
        return held.startswith(f"{modifier}/") and held in (wanted, f"{modifier}/{wanted}")
    if re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", wanted):
        type_, _, id_ = held.partition("/")
        return held == wanted or (id_ == wanted and type_ in (targets or (type_,)))
    return held == wanted


def is_below(version: str, asked: str) -> bool:
    """Whether the first parts of a version are those that are asked for."""
    parts = asked.split(".")
    return version.split(".")[: len(parts)] == parts


def _parts(text: str, base: str) -> tuple[str, str | None]:
    """Return a reference without its version, relative to the base of the server, and the version."""
    text, _, version = text.partition("|")
    text, _, history = text.partition("/_history/")
    return text.removeprefix(f"{base}/"), version or history or None
