"""https://hl7.org/fhir/R4/http.html#history"""

from typing import Any

import httpx
import pytest

BASIC = {"resourceType": "Basic", "code": {"text": "history"}}


@pytest.fixture
def basic(api: httpx.Client) -> str:
    """A resource that was created, updated, deleted and brought back."""
    id_ = api.post("Basic", json=BASIC).json()["id"]
    api.put(f"Basic/{id_}", json=BASIC | {"id": id_, "created": "2026-01-01"})
    api.delete(f"Basic/{id_}")
    api.put(f"Basic/{id_}", json=BASIC | {"id": id_})
    return f"Basic/{id_}"


def versions(bundle: dict[str, Any]) -> list[str]:
    return [entry["response"]["etag"] for entry in bundle["entry"]]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((link["url"] for link in bundle["link"] if link["relation"] == relation), None)


def test_the_history_of_a_resource_tells_each_version_newest_first(api: httpx.Client, basic: str) -> None:
    bundle = api.get(f"{basic}/_history").json()

    assert (bundle["type"], bundle["total"]) == ("history", 4)
    assert versions(bundle) == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']
    assert [entry["request"]["method"] for entry in bundle["entry"]] == ["PUT", "DELETE", "PUT", "POST"]
    assert [entry["request"]["url"] for entry in bundle["entry"]] == [basic, basic, basic, "Basic"]
    assert [entry["response"]["status"] for entry in bundle["entry"]][1:] == ["204", "200", "201"]
    assert [("resource" in entry) for entry in bundle["entry"]] == [True, False, True, True]
    assert all(entry["fullUrl"] == f"{api.base_url}{basic}" for entry in bundle["entry"])


def test_each_entry_has_the_resource_as_it_was(api: httpx.Client, basic: str) -> None:
    bundle = api.get(f"{basic}/_history").json()

    assert bundle["entry"][2]["resource"] == api.get(f"{basic}/_history/2").json()
    assert bundle["entry"][2]["response"]["lastModified"] == bundle["entry"][2]["resource"]["meta"]["lastUpdated"]


def test_pages_of_a_history_hold_each_version_once(api: httpx.Client, basic: str) -> None:
    seen: list[str] = []
    url: str | None = f"{basic}/_history?_count=3"
    while url:
        bundle = api.get(url).json()
        seen += versions(bundle)
        assert (link(bundle, "self") or "").endswith(url)
        url = link(bundle, "next")

    assert seen == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']


def test_a_count_of_zero_tells_the_total_alone(api: httpx.Client, basic: str) -> None:
    bundle = api.get(f"{basic}/_history?_count=0").json()

    assert bundle["total"] == 4
    assert "entry" not in bundle
    assert link(bundle, "next") is None


def test_since_leaves_out_what_was_before(api: httpx.Client, basic: str) -> None:
    times = [entry["response"]["lastModified"] for entry in api.get(f"{basic}/_history").json()["entry"]]

    assert api.get(f"{basic}/_history", params={"_since": times[-1]}).json()["total"] == 4
    assert api.get(f"{basic}/_history", params={"_since": "2999-01-01"}).json()["total"] == 0
    assert api.get(f"{basic}/_history?_since=2999-01-01T00:00:00+09:00").json()["total"] == 0


def test_at_tells_what_stood_then(api: httpx.Client, basic: str) -> None:
    assert api.get(f"{basic}/_history", params={"_at": "2999"}).json()["total"] == 1
    assert api.get(f"{basic}/_history", params={"_at": "2001-01-01"}).json()["total"] == 0


def test_the_history_of_a_type_and_of_all_hold_it_too(api: httpx.Client, basic: str) -> None:
    for url in ("Basic/_history?_count=4", "_history?_count=4"):
        bundle = api.get(url).json()

        assert [entry["fullUrl"] for entry in bundle["entry"]] == [f"{api.base_url}{basic}"] * 4


def test_the_history_of_what_never_was_is_404(api: httpx.Client) -> None:
    assert api.get("Basic/never-was/_history").status_code == 404


@pytest.mark.parametrize(
    "query",
    ["_count=-1", "_count=x", "_since=yesterday", "_at=2026-13", "name=x", "_cursor=x", "_cursor=", "_sort=_id"],
)
def test_a_parameter_that_is_not_understood_is_refused(api: httpx.Client, basic: str, query: str) -> None:
    assert api.get(f"{basic}/_history?{query}").status_code == (200 if query == "_cursor=" else 400)


def test_a_history_gives_parts_of_each_version(api: httpx.Client, basic: str) -> None:
    whole, parts, counted = (
        api.get(f"{basic}/_history", params=params).json()
        for params in ({}, {"_elements": "id"}, {"_summary": "count"})
    )

    assert whole["total"] == parts["total"] == counted["total"] and "entry" not in counted
    shown = [entry["resource"] for entry in parts["entry"] if "resource" in entry]
    assert shown and all(each["meta"]["tag"][0]["code"] == "SUBSETTED" for each in shown)
    assert "_elements=id" in parts["link"][0]["url"]
    assert api.get("_history?_count=1&_elements=id,anything").status_code == 200
    for query in ("_elements=colour", "_summary=short"):
        assert api.get(f"{basic}/_history?{query}").status_code == 400, query


def test_a_page_link_of_one_history_is_refused_by_another(api: httpx.Client, basic: str) -> None:
    following = link(api.get(f"{basic}/_history?_count=1").json(), "next")
    assert following is not None
    token = httpx.URL(following).params["_cursor"]

    assert api.get(f"{basic}/_history?_count=1&_cursor={token}").status_code == 200
    assert api.get(f"{basic}/_history?_count=2&_cursor={token}").status_code == 400
    assert api.get(f"Basic/_history?_count=1&_cursor={token}").status_code == 400
    assert api.get(f"{basic}/_history?_count=1&_cursor={token[:-2]}AA").status_code == 400


def walked(api: httpx.Client, url: str) -> list[str]:
    """Return `Type/id/version` of every entry of every page."""
    seen: list[str] = []
    next_: str | None = url
    while next_:
        bundle = api.get(next_).raise_for_status().json()
        for entry in bundle.get("entry", ()):
            version = entry["response"]["etag"].split('"')[1]
            seen.append("/".join((*entry["fullUrl"].split("/")[-2:], version)))
        next_ = link(bundle, "next")
    assert bundle["total"] == len(seen)
    return seen


@pytest.fixture
def listed(api: httpx.Client, basic: str) -> str:
    """A list with the first version of the resource, all of another, and one that is marked as deleted."""
    other, gone = (f"Basic/{api.post('Basic', json=BASIC).json()['id']}" for _ in range(2))
    api.put(other, json=BASIC | {"id": other.partition("/")[2]})
    items = [{"item": {"reference": each}} for each in (f"{basic}/_history/1", other)]
    list_ = {"resourceType": "List", "status": "current", "mode": "changes"}
    list_["entry"] = [*items, {"deleted": True, "item": {"reference": gone}}]
    made = api.post("List", json=list_).raise_for_status().json()["id"]
    return f"{made} {other}"


@pytest.mark.parametrize("path", ["_history", "Basic/_history"])
def test_a_list_tells_which_versions_are_meant(api: httpx.Client, basic: str, listed: str, path: str) -> None:
    list_, other = listed.split()

    newest_first = [f"{other}/2", f"{other}/1", f"{basic}/1"]
    for asked in (list_, f"List/{list_}", f"{api.base_url}List/{list_}"):
        assert walked(api, f"{path}?_list={asked}&_count=2") == newest_first
    assert walked(api, f"{path}?_list={list_}&_sort=_lastUpdated&_count=2") == newest_first[::-1]
    assert walked(api, f"{path}?_list=nobody") == []
    assert walked(api, f"{basic}/_history?_list={list_}") == [f"{basic}/1"]


def test_a_history_is_told_in_the_order_asked_for(api: httpx.Client, basic: str) -> None:
    newest_first = [f"{basic}/{number}" for number in (4, 3, 2, 1)]

    assert walked(api, f"{basic}/_history?_sort=_lastUpdated&_count=3") == newest_first[::-1]
    assert walked(api, f"{basic}/_history?_sort=-_lastUpdated&_count=3") == newest_first
    assert walked(api, f"{basic}/_history?_sort=none&_count=3") == newest_first
    since = api.get(f"{basic}/_history/2").json()["meta"]["lastUpdated"].replace("+", "%2B")
    assert walked(api, f"{basic}/_history?_sort=_lastUpdated&_since={since}&_count=1") == newest_first[:3][::-1]
    assert walked(api, f"{basic}/_history?_sort=_lastUpdated&_at=2020") == []


@pytest.mark.parametrize(
    "query",
    [
        "_sort=date",
        "_sort=_lastUpdated&_sort=none",
        "_list=Patient/1",
        "_list=$current-problems",
        "_list=a&_list=b",
        "_since=2026-01-01&_since=2026-01-02",
        "_at=2026&_at=2025",
        "_count=1&_count=2",
    ],
)
def test_what_a_history_cannot_be_asked_is_refused(api: httpx.Client, basic: str, query: str) -> None:
    assert api.get(f"{basic}/_history?{query}").status_code == 400
