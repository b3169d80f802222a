"""JSON comes back as it was, and a text that could not be given back to all is refused with its place."""

import json as stdlib_json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, Issue

PATIENT = '{"resourceType":"Patient",'


def refusal(data: bytes | str) -> Issue:
    """Return the issue with which this text is refused."""
    with pytest.raises(FhirError) as caught:
        json.decode_resource(data.encode() if isinstance(data, str) else data)
    assert caught.value.status == 400
    return caught.value.issues[0]


def as_text(data: bytes) -> Any:
    """Return the value of a JSON text with its numbers as they are written."""
    return stdlib_json.loads(data, parse_float=str, parse_int=str)


def test_every_official_example_is_written_as_it_was_read(r4_examples: Path) -> None:
    files = [file for file in r4_examples.glob("*.json") if not file.name.startswith(".")]

    changed = [
        file.name for file in files if as_text(data := file.read_bytes()) != as_text(json.encode(json.decode(data)))
    ]

    assert len(files) >= 5306
    assert changed == []


def test_decimals_keep_their_digits() -> None:
    value = json.decode(b'{"a":1.00,"b":10,"c":-0.0,"d":0.000000000000000001,"e":123456789012345678901234567890}')

    assert value["a"] == Decimal("1.00")
    assert type(value["b"]) is int
    assert json.encode(value) == b'{"a":1.00,"b":10,"c":-0.0,"d":1E-18,"e":123456789012345678901234567890}'


def test_text_outside_ascii_is_kept_however_it_was_spelled() -> None:
    assert json.decode('{"a":"山田","b":"\\u5c71\\u7530","c":"😀","d":"\\ud83d\\ude00"}'.encode()) == {
        "a": "山田", "b": "山田", "c": "😀", "d": "😀",
    }  # fmt: skip


def test_a_byte_order_mark_is_allowed() -> None:
    assert json.decode(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_pretty_json_is_indented_and_the_same() -> None:
    value = {"resourceType": "Patient", "name": [{"family": "山田"}]}

    text = json.pretty(value)

    assert text.decode().startswith('{\n  "resourceType": "Patient"')
    assert json.decode(text) == value


@pytest.mark.parametrize(
    ("text", "en", "line", "column"),
    [
        ("", "empty", 1, 1),
        (" \n ", "empty", 1, 1),
        ('{"resourceType":"Patient"', "ends in the middle", 1, 26),
        ('{"resourceType":"Pat', "ends in the middle", 1, 21),
        ("{} x", "after the end", 1, 4),
        (PATIENT + '"a":1,\n}', "comma after the last", 2, 1),
        (PATIENT + '\n  "a":01}', "number is malformed", 2, 8),
        (PATIENT + '"山田":1 2}', "comma or a closing bracket", 1, 34),
        (PATIENT + '"a" 1}', "colon is missing", 1, 31),
        ("{'a':1}", "double quotes", 1, 2),
        (PATIENT + '"a":NaN}', "not valid JSON here", 1, 31),
        (PATIENT + '"a":-Infinity}', "not valid JSON here", 1, 32),
        (PATIENT + '"a":"\\x"}', "escape", 1, 34),
        (PATIENT + '"a":"\x01"}', "not valid JSON here", 1, 32),
        (PATIENT + '"a":"a\nb"}', "not valid JSON here", 1, 33),
        ("[]", "must be a JSON object", 1, 1),
        ('"Patient"', "must be a JSON object", 1, 1),
        ("{}", "resourceType is missing", 1, 1),
        ('{"resourceType":5}', "resourceType is missing", 1, 1),
        ('{"resourceType":""}', "resourceType is missing", 1, 1),
    ],
)
def test_broken_json_is_refused_with_its_place(text: str, en: str, line: int, column: int) -> None:
    issue = refusal(text)

    assert en in issue.en
    assert issue.ja
    assert abs((issue.column or 0) - column) <= 1  # the parser names the byte before or at the fault
    assert issue.line == line


@pytest.mark.parametrize("escape", ["\\u0000", "\\u0001", "\\u001F", "\\b", "\\f", "\\uffff", "\\uFFfe", "\uffff"])
def test_control_characters_are_refused(escape: str) -> None:
    issue = refusal(f'{PATIENT}\n"a":"x{escape}"}}')

    assert issue.en == "A string must not hold control characters."
    assert (issue.line, issue.column) == (2, 7)


@pytest.mark.parametrize("text", ["\\\\u0000", "\\\\b", "\\t\\n\\r", "\\uff11", "\\u007f", "\\\\\\\\f"])
def test_what_only_looks_like_a_control_character_is_kept(text: str) -> None:
    value = json.decode(f'{{"a":"{text}"}}'.encode())

    assert value["a"] == stdlib_json.loads(f'"{text}"')


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800x", "\\uD83D\\uD83D"])
def test_a_lone_surrogate_is_refused(text: str) -> None:
    issue = refusal(f'{PATIENT}"a":"{text}"}}')

    assert issue.en == "A surrogate has no partner."
    assert (issue.line, issue.column) == (1, 32)


@pytest.mark.parametrize(
    ("data", "column"),
    [
        ('{"a":"山"}'.encode("cp932"), 7),
        ('{"a":1}'.encode("utf-16"), 1),
        ('{"a":1}'.encode("utf-16-le"), 1),
        ('{"a":1}'.encode("utf-32"), 1),
        (b'{"a":"\xed\xa0\x80"}', 7),
        (b'{"a":"\xc0\x80"}', 7),
        (b'{"\xff":1}', 3),
    ],
)
def test_another_encoding_than_utf8_is_refused(data: bytes, column: int) -> None:
    issue = refusal(data)

    assert issue.en == "The text is not UTF-8."
    assert (issue.line, issue.column) == (1, column)


@pytest.mark.parametrize(
    "text",
    [
        '"a":1,"a":2}',
        '"a" : 1, "b" :2,\n"a"\t:3}',
        '"a":1,"\\u0061":2}',
        '"b":[{"c":{"a":1,"x":"\\":","a":1}}]}',
        '"a":"x\\u003a","a":2}',
        '"a":"x\\\\u003a","b":"\\u003A","a":2}',
        '"a":{"b":{}},"c":"a:b","a":{}}',
    ],
)
def test_a_key_that_stands_twice_is_refused(text: str) -> None:
    issue = refusal(PATIENT + text)

    assert issue.en == "A key stands twice in the same object: a"
    assert issue.line is not None


def test_the_place_of_a_repeated_key_is_that_of_the_second() -> None:
    issue = refusal('{"resourceType":"Patient",\n "名":1,\n "b":{"名":2}, "名":3}')

    assert (issue.line, issue.column) == (3, 15)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":{"b":1},"c":[{"b":1},{"b":1}],"b":"a"}',
        '{"a":"\\u003a\\\\u003a\\\\\\u003A : \\":","b" : ":"}',
        '{"a" :1}',
        '{"":1," ":2}',
    ],
)
def test_what_only_looks_like_a_repeated_key_is_kept(text: str) -> None:
    assert json.decode(text.encode()) == stdlib_json.loads(text)


@pytest.mark.parametrize(
    ("number", "en"),
    [
        ("1" * 10**6, "too many digits"),
        ("1." + "1" * 10**6, "too many digits"),
        ("1" * 10**6 + ".5", "too many digits"),
        ("1e" + "9" * 10**6, "too many digits"),
        ("-" + "1" * 4000, "too large"),
        ("1" * 310, "too large"),
        ("1e309", "too large"),
        ("1e-999999999", "too small"),
        ("1E99999999999999999999", "too large"),
    ],
)
def test_absurd_numbers_are_refused_quickly(number: str, en: str) -> None:
    start = time.perf_counter()

    issue = refusal(f'{PATIENT}"b":"{"2" * 400}",\n"a":{number}}}')

    assert en in issue.en
    assert (issue.code, issue.line, issue.column) == ("value", 2, 5 + number.startswith("-"))
    assert len(issue.en) < 200
    assert time.perf_counter() - start < 1


def test_long_digits_in_a_string_are_not_a_number() -> None:
    assert json.decode(f'{{"a":"{"1" * 5000}","b":1e308}}'.encode())["b"] == Decimal("1e308")


def nested(depth: int) -> bytes:
    return b'{"resourceType":"Patient","a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_content_may_be_a_hundred_levels_deep_and_no_more() -> None:
    assert json.decode_resource(nested(100))

    issue = refusal(nested(101))

    assert "too deeply" in issue.en
    assert (issue.line, issue.column) == (1, 130)


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, nested(100_000), b"[" * 5_000_000])
def test_a_hundred_thousand_levels_are_refused_quickly(text: bytes) -> None:
    start = time.perf_counter()

    assert "too deeply" in refusal(text).en

    assert time.perf_counter() - start < 1


def test_the_canonical_json_is_cut_where_the_store_stamps_it() -> None:
    resource = {
        "name": [{"family": "山田"}],
        "id": "1",
        "resourceType": "Patient",
        "meta": {"versionId": "7", "lastUpdated": "2020-01-01", "profile": ["http://example.org/p"]},
    }

    head, tail = json.split_for_stamp(resource)

    stamped = json.decode(head + b'"versionId":"3","lastUpdated":"2026-11-22T23:38:21.123+09:00"' + tail)
    assert list(stamped) == ["resourceType", "id", "meta", "name"]
    assert stamped["meta"] == {
        "versionId": "3", "lastUpdated": "2026-11-22T23:38:21.123+09:00", "profile": ["http://example.org/p"],
    }  # fmt: skip
    assert stamped["name"] == resource["name"]


def test_a_resource_of_nothing_but_its_id_is_cut_too() -> None:
    head, tail = json.split_for_stamp({"resourceType": "Basic", "id": "1"})

    assert json.decode(head + b'"versionId":"1"' + tail) == {
        "resourceType": "Basic", "id": "1", "meta": {"versionId": "1"},
    }  # fmt: skip


@pytest.mark.parametrize("make", [dict, list])
def test_empty_containers_are_read(make: Callable[[], Any]) -> None:
    assert json.decode(json.encode(make())) == make()
