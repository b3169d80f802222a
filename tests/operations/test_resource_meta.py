"""$meta, $meta-add and $meta-delete over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

SYSTEM = "https://example.jp/labels"
Meta = dict[str, Any]


def tag(code: str, **more: str) -> dict[str, str]:
    return {"system": SYSTEM, "code": code, **more}


def parameters(meta: Meta) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


def labels(answer: httpx.Response) -> Meta:
    """Return the Meta of an answer, less version and time."""
    assert answer.status_code == 200, answer.text
    [parameter] = answer.json()["parameter"]
    assert parameter["name"] == "return"
    return {
        name: value
        for name, value in parameter.get("valueMeta", {}).items()
        if name not in ("versionId", "lastUpdated")
    }


@pytest.fixture
def flag(api: httpx.Client, new_id: str) -> str:
    """A Basic with one tag; its path."""
    body = {"resourceType": "Basic", "id": new_id, "meta": {"tag": [tag("old")]}, "code": {"text": "x"}}
    assert api.put(f"Basic/{new_id}", json=body).status_code == 201
    return f"Basic/{new_id}"


def test_meta_of_an_instance_is_its_own(api: httpx.Client, flag: str) -> None:
    answer = api.get(f"{flag}/$meta")

    assert labels(answer) == {"tag": [tag("old")]}
    assert answer.json()["parameter"][0]["valueMeta"]["versionId"] == "1"


def test_adding_keeps_what_is_there_and_makes_no_duplicates(api: httpx.Client, flag: str) -> None:
    asked = {"tag": [tag("old", display="again"), tag("new")], "profile": ["http://example.jp/p"]}

    answer = api.post(f"{flag}/$meta-add", json=parameters(asked))

    assert labels(answer) == {"tag": [tag("old"), tag("new")], "profile": ["http://example.jp/p"]}
    assert api.get(flag).json()["meta"]["versionId"] == "2"
    assert api.get(f"{flag}/_history/1").json()["meta"]["tag"] == [tag("old")]


def test_what_was_added_is_found_by_it(api: httpx.Client, flag: str, new_id: str) -> None:
    api.post(f"{flag}/$meta-add", json=parameters({"security": [tag(new_id)]}))

    found = api.get("Basic", params={"_security": f"{SYSTEM}|{new_id}"}).json()
    assert [f"Basic/{entry['resource']['id']}" for entry in found["entry"]] == [flag]


def test_deleting_goes_by_system_and_code(api: httpx.Client, flag: str) -> None:
    api.post(f"{flag}/$meta-add", json=parameters({"tag": [tag("new")]}))

    answer = api.post(f"{flag}/$meta-delete", json=parameters({"tag": [tag("old", display="any"), tag("absent")]}))

    assert labels(answer) == {"tag": [tag("new")]}


def test_nothing_to_change_makes_no_new_version(api: httpx.Client, flag: str) -> None:
    for operation, asked in (("$meta-add", tag("old")), ("$meta-delete", tag("absent"))):
        assert labels(api.post(f"{flag}/{operation}", json=parameters({"tag": [asked]}))) == {"tag": [tag("old")]}

    assert api.get(flag).json()["meta"]["versionId"] == "1"


def test_if_match_is_kept(api: httpx.Client, flag: str) -> None:
    asked = parameters({"tag": [tag("new")]})

    assert api.post(f"{flag}/$meta-add", json=asked, headers={"If-Match": 'W/"7"'}).status_code == 412
    answer = api.post(f"{flag}/$meta-add", json=asked, headers={"If-Match": 'W/"1"'})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == 'W/"2"'


def test_labels_that_are_added_at_once_all_stay(api: httpx.Client, flag: str) -> None:
    codes = [f"c{n}" for n in range(4)]

    with ThreadPoolExecutor(4) as pool:
        [*pool.map(lambda code: api.post(f"{flag}/$meta-add", json=parameters({"tag": [tag(code)]})), codes)]

    assert {each["code"] for each in api.get(flag).json()["meta"]["tag"]} == {"old", *codes}


def test_meta_of_a_type_and_of_the_system_tells_all_labels_in_use(api: httpx.Client, flag: str, new_id: str) -> None:
    api.post(f"{flag}/$meta-add", json=parameters({"tag": [tag(new_id)]}))

    assert tag(new_id) in labels(api.get("Basic/$meta"))["tag"]
    assert tag(new_id) in labels(api.get("$meta"))["tag"]
    assert tag(new_id) not in labels(api.get("Linkage/$meta")).get("tag", [])


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": "x"}}]},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [None]}}]},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"colour": "red"}}]},
        {"resourceType": "Parameters", "parameter": [{"name": "colour", "valueString": "red"}]},
        {"resourceType": "Parameters", "parameter": ["x"]},
        {"resourceType": "Basic"},
    ],
)
def test_what_is_no_meta_is_refused(api: httpx.Client, flag: str, body: Any) -> None:
    answer = api.post(f"{flag}/$meta-add", json=body)

    assert answer.status_code == 400, answer.text
    assert api.get(flag).json()["meta"]["versionId"] == "1"


def test_there_is_no_meta_of_what_is_not_there(api: httpx.Client, new_id: str) -> None:
    assert api.get(f"Basic/{new_id}/$meta").status_code == 404
    assert api.post(f"Basic/{new_id}/$meta-add", json=parameters({"tag": [tag("x")]})).status_code == 404
    assert api.get(f"Basic/{new_id}/$meta-add").status_code == 405


def test_meta_of_a_version_is_what_it_was(api: httpx.Client, flag: str) -> None:
    tag = {"system": "http://example.jp/tags", "code": "later"}
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [tag]}}]}
    assert api.post(f"{flag}/$meta-add", json=body).status_code == 200

    first, second = (
        api.get(f"{flag}/_history/{vid}/$meta").json()["parameter"][0]["valueMeta"].get("tag", []) for vid in (1, 2)
    )

    assert tag not in first and tag in second
    for path in ("_history/9/$meta", "_history/x/$meta", "_history/1/$meta-add", "_history/1/$everything"):
        assert api.post(f"{flag}/{path}").status_code == 404, path
