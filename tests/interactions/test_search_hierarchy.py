"""https://hl7.org/fhir/R4/search.html#recursive and #versions, over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from .conftest import Fhir

TAGS = "http://example.jp/hierarchy"
DEPTH = 12
STEPS = range(DEPTH)


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def made(server: Any, tag: str) -> Iterator[None]:
    """Twelve places within each other and one beside them, each with a procedure; two that are part of each other."""
    meta = {"tag": [{"system": TAGS, "code": tag}]}

    def place(name: str, within: str | None) -> dict[str, Any]:
        part_of = {"partOf": {"reference": f"Location/{tag[:8]}-{within}"}} if within else {}
        return {"resourceType": "Location", "id": f"{tag[:8]}-{name}", "name": name, "meta": meta, **part_of}

    def procedure(name: str) -> dict[str, Any]:
        there = {"reference": f"Location/{tag[:8]}-{name}"}
        whose = {"display": "?"}
        made = {"resourceType": "Procedure", "id": f"{tag[:8]}-{name}", "meta": meta, "status": "completed"}
        return made | {"subject": whose, "location": there}

    places = [place(str(step), str(step - 1) if step else None) for step in STEPS]
    places += [place("beside", None), place("a", "b"), place("b", "a")]
    done = [procedure(name) for name in ("0", "3", "11", "beside", "a")]
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in places + done
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    with httpx.Client(base_url=f"{server.base}/") as client:
        client.post("", json=bundle).raise_for_status()
        yield


def found(api: httpx.Client, tag: str, type_: str, parameter: str, value: str) -> set[str]:
    shown = ",".join(f"{tag[:8]}-{each}" for each in value.split(","))
    asked = {"_tag": f"{TAGS}|{tag}", parameter: shown, "_count": "100"}
    bundle = api.get(type_, params=asked).raise_for_status().json()
    return {entry["resource"]["id"].removeprefix(f"{tag[:8]}-") for entry in bundle.get("entry", ())}


@pytest.mark.parametrize(
    ("type_", "parameter", "value", "expected"),
    [
        ("Procedure", "location", "0", {"0"}),
        ("Procedure", "location:below", "0", {"0", "3", "11"}),
        ("Procedure", "location:below", "4", {"11"}),
        ("Procedure", "location:below", "4,beside", {"11", "beside"}),
        ("Procedure", "location:above", "11", {"0", "3", "11"}),
        ("Procedure", "location:above", "2", {"0"}),
        ("Procedure", "location:below", "b", {"a"}),
        ("Procedure", "location:below", "nowhere", set()),
        ("Location", "partof:below", "9", {"10", "11"}),
        ("Location", "partof:above", "2", {"1", "2", "3"}),
        ("Location", "_has:Procedure:location:location:below", "4", {"11"}),
        ("Procedure", "location.partof:below", "2", {"3", "11"}),
    ],
)
def test_a_place_stands_for_what_is_part_of_it(
    api: httpx.Client, tag: str, type_: str, parameter: str, value: str, expected: set[str]
) -> None:
    assert found(api, tag, type_, parameter, value) == expected


def test_every_link_of_a_hierarchy_says_what_was_asked(api: httpx.Client, tag: str) -> None:
    asked = {"_tag": f"{TAGS}|{tag}", "location:below": f"{tag[:8]}-0", "_count": "2"}

    first = api.get("Procedure", params=asked).json()
    second = api.get(next(link["url"] for link in first["link"] if link["relation"] == "next")).json()

    assert "location%3Abelow" in first["link"][0]["url"] or "location:below" in first["link"][0]["url"]
    assert len(first["entry"]) + len(second["entry"]) == 3


def test_a_search_over_types_goes_through_hierarchies(api: httpx.Client, tag: str) -> None:
    asked = {"_type": "Procedure,Encounter", "_tag": f"{TAGS}|{tag}", "location:below": f"{tag[:8]}-0"}

    assert len(api.get("", params=asked).raise_for_status().json()["entry"]) == 3


@pytest.mark.parametrize("query", ["subject:below=1", "location:below=a b"])
def test_what_has_no_parts_is_refused(api: httpx.Client, query: str) -> None:
    answer = api.get(f"Procedure?{query}")

    assert answer.status_code == 400


def posted(api: httpx.Client, type_: str, entry: dict[str, Any]) -> httpx.Response:
    return api.post("", json={"resourceType": "Bundle", "type": type_, "entry": [entry]})


@pytest.mark.parametrize("name", ["4", "1"])
def test_a_conditional_interaction_goes_through_a_hierarchy(api: httpx.Client, tag: str, name: str) -> None:
    """Below 4 there is one procedure (at 11), below 1 there are two."""
    several = name == "1"
    asked = f"location:below=Location/{tag[:8]}-{name}&_tag={TAGS}|{tag}"
    procedure = {"resourceType": "Procedure", "status": "completed", "subject": {"display": "?"}}
    patch = [{"op": "replace", "path": "/status", "value": "completed"}]
    one = api.get(f"Procedure/{tag[:8]}-11").json()

    answers = [
        api.post("Procedure", json=procedure, headers={"If-None-Exist": asked}),
        api.put("Procedure", params=asked, json=one),
        api.patch("Procedure", params=asked, json=patch, headers={"Content-Type": "application/json-patch+json"}),
        posted(
            api,
            "transaction",
            {"resource": procedure, "request": {"method": "POST", "url": "Procedure", "ifNoneExist": asked}},
        ),
        posted(api, "transaction", {"resource": one, "request": {"method": "PUT", "url": f"Procedure?{asked}"}}),
    ]

    assert [answer.status_code for answer in answers] == [412 if several else 200] * 5


def test_a_conditional_create_finds_what_is_not_in_a_hierarchy(api: httpx.Client, tag: str) -> None:
    place = {"resourceType": "Location", "name": "new", "partOf": {"reference": f"Location/{tag[:8]}-11"}}
    asked = {"If-None-Exist": f"name=new&partof:below=Location/{tag[:8]}-beside"}

    assert api.post("Location", json=place, headers=asked).status_code == 201
    made = api.post("Location", json=place, headers={"If-None-Exist": f"name=new&partof:below={tag[:8]}-0"})

    assert made.status_code == 200
    gone = api.delete("Location", params={"name": "new", "partof:below": f"{tag[:8]}-0"})
    assert gone.status_code in (200, 204)
    assert found(api, tag, "Location", "partof:below", "11") == set()


def test_operations_and_batches_go_through_a_hierarchy(api: httpx.Client, tag: str) -> None:
    below = f"location:below=Location/{tag[:8]}-4"
    graph = {
        "resourceType": "GraphDefinition",
        "name": "There",
        "status": "active",
        "url": f"http://example.jp/graph/{tag}",
        "start": "Location",
        "link": [{"target": [{"type": "Procedure", "params": "location:below={ref}"}]}],
    }
    api.post("GraphDefinition", json=graph).raise_for_status()

    asked = {"graph": f"http://example.jp/graph/{tag}"}
    reached = api.get(f"Location/{tag[:8]}-4/$graph", params=asked).raise_for_status().json()
    newest = api.get(f"Observation/$lastn?patient=nobody&encounter:below={tag[:8]}-4")
    batched = posted(api, "batch", {"request": {"method": "GET", "url": f"Procedure?{below}&_tag={tag}"}}).json()
    contained = api.get(f"Procedure?{below}&_tag={tag}&_contained=both").raise_for_status().json()
    explained = api.get(f"Procedure?{below}&_explain=true").raise_for_status().text

    names = {entry["resource"]["id"] for entry in reached["entry"]}
    assert f"{tag[:8]}-11" in names
    assert newest.status_code == 200
    assert [each["resource"]["id"] for each in batched["entry"][0]["resource"]["entry"]] == [f"{tag[:8]}-11"]
    assert [each["resource"]["id"] for each in contained["entry"]] == [f"{tag[:8]}-11"]
    assert "location:below" in explained


def test_what_is_contained_is_found_by_a_hierarchy(api: httpx.Client, tag: str) -> None:
    inner = {"resourceType": "Procedure", "id": "i", "status": "completed", "subject": {"display": "?"}}
    inner["location"] = {"reference": f"Location/{tag[:8]}-5"}
    outer = {"resourceType": "Procedure", "status": "completed", "subject": {"display": "?"}, "contained": [inner]}
    made = api.post("Procedure", json=outer | {"partOf": [{"reference": "#i"}]}).raise_for_status().json()

    for below, total in (("4", 1), ("5", 1), ("6", 0)):
        asked = {"location:below": f"{tag[:8]}-{below}", "_contained": "true"}
        matched = [each["resource"]["id"] for each in api.get("Procedure", params=asked).json().get("entry", ())]
        assert matched == [made["id"]] * total
        chained = {"part-of:Procedure.location:below": f"{tag[:8]}-{below}"}
        matched = [each["resource"]["id"] for each in api.get("Procedure", params=chained).json().get("entry", ())]
        assert matched == [made["id"]] * total
    api.delete(f"Procedure/{made['id']}")


async def test_criteria_in_a_transaction_meet_what_it_has_put(fhir: Fhir) -> None:
    await fhir.put({"resourceType": "Location", "id": "a"})
    await fhir.put({"resourceType": "Location", "id": "b", "partOf": {"reference": "Location/a"}})
    procedure = {"resourceType": "Procedure", "status": "completed", "subject": {"display": "?"}}
    procedure["location"] = {"reference": "Location/b"}
    entries = [
        {"resource": procedure, "request": {"method": "POST", "url": "Procedure", "ifNoneExist": asked}}
        for asked in ("location:below=a", "location:below=a&status=completed", "location:below=b,c")
    ]

    status, answer = await fhir("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    assert status == 200, answer
    assert [each["response"]["status"][:3] for each in answer["entry"]] == ["201", "200", "200"]


@pytest.mark.parametrize(("search_type", "code"), [("QuestionnaireResponse", "questionnaire"), ("Basic", "_profile")])
def test_what_is_below_a_canonical_are_its_versions_and_below_a_version_the_parts_of_it(
    api: httpx.Client, tag: str, search_type: str, code: str
) -> None:
    """https://hl7.org/fhir/R4/search.html#versions"""
    url = f"http://example.jp/q/{tag}"
    asked = {"": 6, "|1": 3, "|1.0": 2, "|1.0.2": 1, "|10": 1, "|1.": 0, "|3": 0, "|1,{url}|10": 4}
    for version in ("", "|1", "|1.0", "|1.0.2", "|10", "|2.0"):
        answer = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": url + version}
        profiled = {"resourceType": "Basic", "meta": {"profile": [url + version]}, "code": {"text": "?"}}
        api.post(search_type, json=answer if code == "questionnaire" else profiled).raise_for_status()

    found = {}
    for version in asked:
        value = url + version.replace("{url}", url)
        bundle = api.get(search_type, params={f"{code}:below": value, "_summary": "count"}).raise_for_status().json()
        found[version] = bundle["total"]

    assert found == asked


def test_nothing_is_above_a_canonical(api: httpx.Client) -> None:
    answer = api.get("QuestionnaireResponse", params={"questionnaire:above": "http://example.jp/q|1.0"})

    assert answer.status_code == 400
