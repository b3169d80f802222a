"""The values of primitive types: their JSON type, regular expression and range.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

import binascii
import re
from datetime import date
from decimal import Decimal
from typing import Any

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.narrative import narrative_fault
from fhir_service.validation.date_hint import date_hint
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.run import Check, Run

MAX_STRING = 1024 * 1024  # characters: https://hl7.org/fhir/R4/datatypes.html#string
SHOWN = 60

# What a value that does not match is told to be: Japanese, English.
SHAPES: dict[str, tuple[str, str]] = {
    "id": ("英数字・「-」・「.」の 1〜64 文字", "1 to 64 letters, digits, '-' and '.'"),
    "code": ("空白が途中の 1 つずつだけの文字列", "text without spaces but single ones inside"),
    "uri": ("空白のない URI", "a URI without spaces"),
    "url": ("空白のない URL", "a URL without spaces"),
    "canonical": ("空白のない URL", "a URL without spaces"),
    "oid": ("urn:oid:1.2.3 の形", "like urn:oid:1.2.3"),
    "uuid": ("urn:uuid: と小文字の UUID", "urn:uuid: and a UUID in lower case"),
    "date": ("YYYY、YYYY-MM、YYYY-MM-DD の形の実在する日付", "a real date as YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": (
        "YYYY、YYYY-MM、YYYY-MM-DD、または時刻と時差のある YYYY-MM-DDThh:mm:ss+09:00 の形の実在する日時",
        "a real date, and with a time also a zone, like YYYY-MM-DDThh:mm:ss+09:00",
    ),
    "instant": (
        "YYYY-MM-DDThh:mm:ss.sss+09:00 の形の実在する日時(時差が必要)",
        "a real time with its zone, like YYYY-MM-DDThh:mm:ss.sss+09:00",
    ),
    "time": ("hh:mm:ss の形の時刻", "a time like hh:mm:ss"),
}

# https://hl7.org/fhir/R4/datatypes.html#integer: 32 bits
RANGES: dict[str, tuple[int, int]] = {
    "integer": (-(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
}
DATES = frozenset({"date", "dateTime", "instant"})
TEXTS = frozenset({"string", "markdown"})
URIS = frozenset({"uri", "url", "canonical"})

# https://hl7.org/fhir/R4/datatypes.html#uri: "UUIDs and OIDs are represented as URNs"
_NAMED = ("urn:uuid:", "urn:oid:", "uuid:", "oid:")
_URN = re.compile(
    r"urn:uuid:([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(?:[|#?].*)?"
    r"|urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+(?:[|#?].*)?"
)


def primitive_check(code: str, definitions: Definitions) -> Check:
    """Return the check of the values of a primitive type; a check returns None for a good value."""
    if code in RANGES:
        return _integer_check(code, *RANGES[code])
    if code in TEXTS:
        return _text
    if code == "code":
        # https://hl7.org/fhir/R4/datatypes.html#code: "no whitespace other than single spaces in the contents"
        return _code_check(_pattern_check(code, r"\S+( \S+)*"))
    if code in SHAPES:
        check = _pattern_check(code, definitions.type(code).pattern or r"\S*")
        return _uri_check(check) if code in URIS else check
    return {"boolean": _boolean, "decimal": _decimal, "base64Binary": _base64, "xhtml": _xhtml}[code]


def _integer_check(code: str, low: int, high: int) -> Check:
    def check(value: Any, _run: Run) -> Faults:
        if value.__class__ is int and low <= value <= high:
            return None
        if value.__class__ is not int:
            return mistyped(value, f"{code}(整数)", f"an integer ({code})", int)
        return [Fault("", "value", f"{low} 以上 {high} 以下の整数が必要です。", f"Must be from {low} to {high}.")]

    return check


def _pattern_check(code: str, pattern: str) -> Check:
    # Java's \s and \S, which the specification means, are ASCII; no code begins or ends with any white space, though.
    # The groups of a pattern are for its alternatives; what they hold nobody asks for, and to note it takes time.
    matches = re.compile(_GROUP.sub("(?:", pattern), 0 if code == "code" else re.ASCII).fullmatch
    dated = code in DATES

    def check(value: Any, _run: Run) -> Faults:
        if value.__class__ is not str:
            return mistyped(value, f"文字列({code})", f"a string ({code})", str)
        if value and matches(value) and not (dated and value[8:10] > "28" and not _is_real(value)):
            return None
        return _misshapen(value, code) if value else _empty_text()

    return check


_GROUP = re.compile(r"(?<!\\)\((?!\?)")


def _misshapen(value: str, code: str) -> Faults:
    shown, (shape_ja, shape_en) = _shown(value), SHAPES[code]
    ja = f"「{shown}」は {code} として正しくありません。{shape_ja}でなければなりません。"
    en = f"'{shown}' is not a valid {code}: it must be {shape_en}."
    if code in DATES and (hint := date_hint(value, code)) is not None:
        ja, en = f"{ja}{hint[0]}。", f"{en[:-1]}; {hint[1]}."
    return [Fault("", "value", ja, en)]


def _code_check(check: Check) -> Check:
    """Return the check of a code, which most often has letters and digits only: then no pattern need be matched."""

    def checked(value: Any, run: Run) -> Faults:
        return None if value.__class__ is str and value.isalnum() else check(value, run)

    return checked


def _uri_check(check: Check) -> Check:
    """Return the check of a URI, which if it names a UUID or OID is a well-formed URN."""

    def checked(value: Any, run: Run) -> Faults:
        if value.__class__ is str and value.startswith("http") and value.split() == [value]:
            return None  # nearly all of them, told without a pattern
        faults = check(value, run)
        if faults is not None or not value.startswith(_NAMED):
            return faults
        named, shown = _URN.fullmatch(value), _shown(value)
        if named is not None:
            return None if named[1] is None or named[1] == named[1].lower() else [_capitals(shown)]
        ja = f"「{shown}」は UUID・OID の URI として正しくありません(urn:uuid:小文字の UUID、urn:oid:1.2.3)(規則 urn)"
        en = f"'{shown}' is no well-formed URN of a UUID or OID (urn:uuid:… or urn:oid:1.2.3) (rule urn)"
        return [Fault("", "value", ja, en, rule="urn")]

    return checked


def _capitals(shown: str) -> Fault:
    ja = f"「{shown}」の UUID は小文字で書きます(規則 urn-case)"
    return Fault("", "value", ja, f"The UUID in '{shown}' must be in lower case (rule urn-case)", rule="urn-case")


def _is_real(value: str) -> bool:
    """Whether the calendar has this day; the pattern lets pass 31 days in every month."""
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _text(value: Any, _run: Run) -> Faults:
    if value.__class__ is str and 0 < len(value) <= MAX_STRING:
        return None
    if value.__class__ is not str:
        return mistyped(value, "文字列", "a string", str)
    if not value:
        return _empty_text()
    return [
        Fault("", "value", f"文字列が {MAX_STRING:,} 文字を超えています。", f"Longer than {MAX_STRING:,} characters.")
    ]


def _boolean(value: Any, _run: Run) -> Faults:
    return None if value.__class__ is bool else mistyped(value, "true か false ", "true or false", bool)


def _decimal(value: Any, _run: Run) -> Faults:
    if value.__class__ is Decimal or value.__class__ is int:
        return None
    return mistyped(value, "数値", "a number", int)


def _base64(value: Any, _run: Run) -> Faults:
    if value.__class__ is not str:
        return mistyped(value, "文字列(base64Binary)", "a string (base64Binary)", str)
    if not value:
        return _empty_text()
    groups = value.split()  # white space may stand between groups of four characters, not inside one
    try:
        binascii.a2b_base64("".join(groups), strict_mode=True)
    except ValueError:
        return [NO_BASE64]
    return None if groups and not any(len(each) % 4 for each in groups) else [NO_BASE64]


def _xhtml(value: Any, _run: Run) -> Faults:
    if value.__class__ is not str:
        return mistyped(value, "XHTML の文字列", "a string of XHTML", str)
    fault = narrative_fault(value)
    if fault is None:
        return None
    return [Fault("", "invalid", f"叙述部: {fault.ja}", f"Narrative: {fault.en}", rule=fault.rule)]


def _empty_text() -> Faults:
    return [Fault("", "value", "空の文字列は使えません。", "A string must not be empty.")]


def mistyped(value: Any, ja: str, en: str, kind: type) -> list[Fault]:
    """Return the fault of a value that has another JSON type than the one told, which is of this `kind`."""
    found_ja, found_en = JSON_TYPES.get(type(value), ("不明な値", "something else"))
    how_ja, how_en = _mending(value, kind)
    said_ja, said_en = f"{ja}が必要ですが、{found_ja}です。{how_ja}", f"Must be {en}, but is {found_en}.{how_en}"
    return [Fault("", "structure", said_ja, said_en)]


def _mending(value: Any, kind: type) -> tuple[str, str]:
    """Return what makes the JSON right, if that can be told."""
    if kind is list:
        return "[ ] で囲んでください。", " Put it into [ ]."
    if isinstance(value, list):
        return "[ ] を外し、1つだけ書いてください。", " Leave out the [ ], and give one only."
    if kind is str and isinstance(value, (bool, int, Decimal)):
        return '" " で囲んでください。', ' Put it into " ".'
    if kind in (int, bool) and isinstance(value, str):
        return '" " を外してください。', ' Leave out the " ".'
    return "", ""


def _shown(value: str) -> str:
    return value if len(value) <= SHOWN else value[:SHOWN] + "…"


NO_BASE64 = Fault("", "value", "base64 として正しくありません。", "It is not valid base64.")

JSON_TYPES: dict[type, tuple[str, str]] = {
    dict: ("オブジェクト", "an object"),
    list: ("配列", "an array"),
    str: ("文字列", "a string"),
    bool: ("真偽値", "a boolean"),
    int: ("整数", "an integer"),
    Decimal: ("小数", "a decimal number"),
    float: ("浮動小数点数", "a floating-point number"),
    type(None): ("null", "null"),
}
