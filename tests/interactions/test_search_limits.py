"""Searches that ask for too much: an answer or a refusal, within a second."""

import time
from collections.abc import Sequence

import httpx
import pytest

DATES = ",".join(f"{1000 + number}-01-01" for number in range(200))
NAMES = ",".join(f"n{number}" for number in range(200))
KANJI = "".join(chr(0x4E00 + number * 7) for number in range(1000))


def many(value: str, count: int) -> str:
    return ",".join(f"{value}{number}" for number in range(count))


def nested(*path: str) -> str:
    """Return a filter with a bracket in each step of the path."""
    text = "_id eq x"
    for step in reversed(path):
        text = f"{step}[{text}]._id eq x"
    return text


@pytest.mark.parametrize(
    ("resource_type", "criteria", "status"),
    [
        pytest.param("Observation", [("code", many("c", 10_000))], 200, id="10,000 codes"),
        pytest.param("Observation", [("code", many("c", 10_001))], 400, id="more than 10,000 codes"),
        pytest.param("Patient", [("_id", many("p", 10_000))], 200, id="10,000 ids"),
        pytest.param("Observation", [("subject", many("p", 1_000))], 200, id="1,000 references"),
        pytest.param("Basic", [("subject", many("p", 1_000))], 400, id="1,000 references to anything"),
        pytest.param("Observation", [("date", DATES)], 200, id="200 dates"),
        pytest.param("Observation", [("date", f"{DATES},2026")], 400, id="more than 200 dates"),
        pytest.param("Observation", [("value-quantity", many("gt", 10_000))], 400, id="10,000 quantities"),
        pytest.param("Observation", [("code-value-quantity", many("c$gt", 200))], 200, id="200 composites"),
        pytest.param("Observation", [("code:text", many("c", 200))], 200, id="200 texts of codes"),
        pytest.param("Patient", [("name:contains", many("n", 200))], 200, id="200 parts of names"),
        pytest.param("Patient", [("name:contains", KANJI)], 200, id="a long part of a name"),
        pytest.param("Patient", [("name", "%" * 100_000)], 200, id="a very long name"),
        pytest.param("Patient", [("name:contains", "(a+)+$" * 1000)], 200, id="what looks like a pattern"),
        pytest.param("Observation", [("date", DATES)] * 64, 400, id="200 dates 64 times"),
        pytest.param("Observation", [("subject.name", NAMES)] * 64, 400, id="200 chained names 64 times"),
        pytest.param("Patient", [("_has:Observation:patient:date", DATES)] * 64, 400, id="_has of dates 64 times"),
        pytest.param("Patient", [("name", "x")] * 64, 200, id="64 criteria"),
        pytest.param("Patient", [("_filter", " and ".join(["name eq x"] * 60))] * 2, 400, id="two long filters"),
        pytest.param("Patient", [("_filter", " or ".join(["name eq x"] * 64))] * 4, 200, id="four wide filters"),
        pytest.param("Patient", [("name", "x")] * 65, 400, id="65 criteria"),
        pytest.param("Patient", [("_sort", ",".join(["name"] * 1000))], 400, id="1,000 sort keys"),
        pytest.param("List", [("item._id", f"x{n}") for n in range(60)], 400, id="chains to anything 60 times"),
        pytest.param("List", [("item.item._id", "x")] * 60, 400, id="chains of two steps to anything 60 times"),
        pytest.param("List", [("item.item._id", "x")], 200, id="a chain of two steps to anything"),
        pytest.param("List", [("item.subject.name", "x")] * 60, 400, id="chains that lead nowhere on most types"),
        pytest.param("Provenance", [("_filter", nested("target", "subject", "subject"))], 400, id="nested brackets"),
        pytest.param("Provenance", [("_filter", nested("target", "subject"))], 200, id="brackets in brackets"),
        pytest.param("Patient", [("_filter", f"link[{'x ' * 10_000}].name eq x")], 400, id="many words in brackets"),
        pytest.param("Patient", [("name", "あ" * 30_000), ("_content", "あ" * 10_000)], 200, id="long Japanese texts"),
        pytest.param("Patient", [("name", ",".join(["あ" * 1_000] * 101))], 400, id="longer Japanese texts"),
        pytest.param("Patient", [("_content", "あ" * 10_001)], 400, id="a long text of words"),
        pytest.param("Patient", [("name:contains", many(KANJI, 30))], 400, id="parts of names that are long together"),
        pytest.param("Patient", [("a", "")] * 1_001, 400, id="1,001 parameters without a value"),
        pytest.param("ValueSet", [("url:above", "http://example.jp/" + "a" * 5000)], 200, id="above a long URL"),
    ],
)
def test_a_search_is_answered_or_refused_within_a_second(
    api: httpx.Client, resource_type: str, criteria: Sequence[tuple[str, str]], status: int
) -> None:
    body = "&".join(f"{name}={value}" for name, value in criteria).replace("+", "%2B").replace("%%", "%25%25")
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    started = time.perf_counter()
    answer = api.post(f"{resource_type}/_search", content=body, headers=form)

    assert answer.status_code == status, answer.text
    assert time.perf_counter() - started < 1
    assert answer.json()["resourceType"] == ("Bundle" if status == 200 else "OperationOutcome")


def test_a_form_of_megabytes_is_413(api: httpx.Client) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = api.post("Patient/_search", content="name=" + "%61" * 1_000_000, headers=form)

    assert answer.status_code == 413
    assert answer.elapsed.total_seconds() < 1
