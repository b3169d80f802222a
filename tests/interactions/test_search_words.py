"""https://hl7.org/fhir/R4/search.html#content, over HTTP: full text in Japanese and English."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

TAGS = "http://example.jp/words"
NARRATIVES = {
    "a": "退院後は訪問看護を週に二回。服薬は安定している。",
    "b": "Metastases in bone and liver; 訪問 was refused.",
    "c": "渡邉さんはデイケアに通う。",
}


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def made(server: Any, tag: str) -> Iterator[None]:
    with httpx.Client(base_url=f"{server.base}/") as client:
        for name, text in NARRATIVES.items():
            condition = {
                "resourceType": "Condition",
                "id": f"{tag}-{name}",
                "meta": {"tag": [{"system": TAGS, "code": tag}]},
                "text": {
                    "status": "generated",
                    "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>',
                },
                "code": {"text": f"統合失調症 {name * 3}"},
                "subject": {"display": "だれか"},
                "note": [{"text": "訪問看護、訪問看護、訪問看護"}] if name == "b" else [{"text": "特になし"}],
            }
            assert client.put(f"Condition/{condition['id']}", json=condition).status_code == 201
    yield


def found(api: httpx.Client, tag: str, **asked: str) -> list[str]:
    answer = api.get("Condition", params={"_tag": tag, **asked})
    assert answer.status_code == 200, answer.text
    entries = [entry for entry in answer.json().get("entry", []) if entry["search"]["mode"] == "match"]
    return [entry["resource"]["id"].removeprefix(f"{tag}-") for entry in entries]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"_text": "退院"}, ["a"]),
        ({"_text": "訪問"}, ["a", "b"]),
        ({"_text": "訪問看護"}, ["a"]),
        ({"_content": "訪問看護"}, ["a", "b"]),
        ({"_text": "統合失調症"}, []),
        ({"_content": "統合失調"}, ["a", "b", "c"]),
        ({"_text": "渡辺"}, ["c"]),
        ({"_text": "ﾃﾞｲｹｱ"}, ["c"]),
        ({"_text": "(bone OR 退院) AND 訪問"}, ["a", "b"]),
        ({"_text": '"bone and liver"'}, ["b"]),
        ({"_text": '"liver bone"'}, []),
        ({"_text": "metas*"}, ["b"]),
        ({"_text": "訪問 NOT bone"}, ["a"]),
        ({"_text": "NOT 訪問"}, ["c"]),
        ({"_text": "退院,デイケア"}, ["a", "c"]),
        ({"_content": "bbb", "_text": "訪問"}, ["b"]),
        ({"_content": "訪問看護", "_sort": "_score"}, ["b", "a"]),
        ({"_content": "訪問看護", "_sort": "-_score"}, ["a", "b"]),
    ],
)
def test_words_are_found(api: httpx.Client, tag: str, asked: dict[str, str], ids: list[str]) -> None:
    order = {} if "_sort" in asked else {"_sort": "_id"}

    assert found(api, tag, **asked, **order) == ids


def test_the_score_of_each_match_is_told_where_it_is_sorted_by(api: httpx.Client, tag: str) -> None:
    asked = {"_tag": tag, "_content": "統合失調症 OR 訪問看護", "_sort": "_score"}

    scored, unscored = (api.get("Condition", params=each).json()["entry"] for each in (asked, asked | {"_sort": "_id"}))

    scores = [entry["search"]["score"] for entry in scored]
    assert len(scores) == 3
    assert 1 >= scores[0] > scores[-1] > 0
    assert scores == sorted(scores, reverse=True)
    assert all(entry["search"] == {"mode": "match"} for entry in unscored)


def test_pages_by_score_go_on(api: httpx.Client, tag: str) -> None:
    asked = {"_tag": tag, "_content": "統合失調症 OR 訪問看護", "_sort": "_score", "_count": "1"}
    page = api.get("Condition", params=asked).json()
    ids = [page["entry"][0]["resource"]["id"]]
    while url := next((link["url"] for link in page["link"] if link["relation"] == "next"), None):
        page = api.get(url).json()
        ids.append(page["entry"][0]["resource"]["id"])

    assert len(set(ids)) == 3
    assert ids[0] == f"{tag}-b"


def test_what_was_just_written_changed_or_deleted_is_found_as_it_is(api: httpx.Client, tag: str) -> None:
    word, id_ = f"x{uuid4().hex}", str(uuid4())
    basic = {"resourceType": "Basic", "code": {"text": f"{word} 一番"}}
    for number in range(60):  # more than a search reads by itself
        assert api.put(f"Basic/{id_}-{number}", json={**basic, "id": f"{id_}-{number}"}).status_code == 201

    def total(text: str) -> int:
        return int(api.get("Basic", params={"_content": text, "_summary": "count"}).json()["total"])

    assert total(word) == 60
    assert total(f'"{word} 一番"') == 60
    api.put(f"Basic/{id_}-0", json={**basic, "id": f"{id_}-0", "code": {"text": "二番"}})
    api.delete(f"Basic/{id_}-1")
    assert total(word) == 58
    assert total(f"{word} 二番") == 0
    api.put(f"Basic/{id_}-1", json={**basic, "id": f"{id_}-1"})
    assert total(word) == 59


def test_words_are_explained_without_being_told(api: httpx.Client, tag: str) -> None:
    params = {"_tag": tag, "_content": "訪問看護", "_sort": "_score", "_explain": "true"}
    answer = api.get("Condition", params=params)

    outcome = answer.json()["entry"][-1]["resource"]
    assert outcome["resourceType"] == "OperationOutcome"
    assert "_content" in str(outcome)
    assert "ft" in str(outcome)
    assert "訪問" not in str(outcome)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("Condition", {"_text": "("}),
        ("Condition", {"_text:contains": "a"}),
        ("Condition", {"_sort": "_score"}),
        ("Binary", {"_text": "a"}),
        ("Condition", {"_content": "。"}),
    ],
)
def test_what_cannot_be_asked_is_refused(api: httpx.Client, path: str, asked: dict[str, str]) -> None:
    assert api.get(path, params=asked).status_code == 400


@pytest.mark.parametrize(
    "bomb", ['"' * 2000, "(" * 2000, "a*" * 2000, "NOT " * 500 + "a", "' OR 1=1 --", '" OR ft MATCH "x']
)
def test_bombs_and_sql_are_words_or_refused(api: httpx.Client, bomb: str) -> None:
    answer = api.get("Condition", params={"_content": bomb})

    assert answer.status_code in (200, 400)
    assert answer.elapsed.total_seconds() < 1


def test_words_are_found_in_all_types_at_once(api: httpx.Client) -> None:
    word = f"y{uuid4().hex}"
    for resource_type in ("Basic", "Patient"):
        resource = {"resourceType": resource_type, "id": word, "language": "ja"}
        text = {"text": word} if resource_type == "Basic" else [{"text": word}]
        resource["code" if resource_type == "Basic" else "name"] = text  # type: ignore[assignment]
        assert api.put(f"{resource_type}/{resource['id']}", json=resource).status_code == 201

    answer = api.get("", params={"_content": f"{word} ja"})

    assert answer.json()["total"] == 2
    assert {entry["resource"]["resourceType"] for entry in answer.json()["entry"]} == {"Basic", "Patient"}
    assert answer.elapsed.total_seconds() < 1
    assert api.get("", params={"_content": "patient", "_type": "Patient", "_tag": word}).json()["total"] == 0
