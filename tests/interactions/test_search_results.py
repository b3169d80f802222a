"""https://hl7.org/fhir/R4/search.html#return, over HTTP: order, limits, totals and how a search is answered."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import StartServer

TAGS = "http://example.jp/results"
PEOPLE = (("Aoki", "1950-01-01"), ("Baba", None), ("Chiba", "1940-05-05"))


def ids(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]


def notes(bundle: dict[str, Any]) -> str:
    outcomes = [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "outcome"]
    return "\n".join(str(issue) for outcome in outcomes for issue in outcome["issue"])


def follow(api: httpx.Client, bundle: dict[str, Any], relation: str) -> dict[str, Any] | None:
    url = next((link["url"] for link in bundle["link"] if link["relation"] == relation), None)
    return api.get(url).json() if url else None


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def made(server: Any, tag: str) -> Iterator[None]:
    """Three people, each with two observations and an encounter; ids tell whose they are."""
    meta = {"tag": [{"system": TAGS, "code": tag}]}
    with httpx.Client(base_url=f"{server.base}/") as client:
        for number, (family, birth) in enumerate(PEOPLE):
            person = {"resourceType": "Patient", "id": f"{tag}-{family}", "meta": meta, "name": [{"family": family}]}
            client.put(f"Patient/{person['id']}", json=person | ({"birthDate": birth} if birth else {}))
            subject = {"reference": f"Patient/{person['id']}"}
            for each in range(2):
                observation = {
                    "resourceType": "Observation",
                    "id": f"{tag}-{family}-{each}",
                    "meta": meta,
                    "status": "final",
                    "code": {"text": "x"},
                    "subject": subject,
                    "effectiveDateTime": f"2026-0{3 - number}-0{each + 1}",
                }
                assert client.put(f"Observation/{observation['id']}", json=observation).status_code == 201
            encounter = {
                "resourceType": "Encounter",
                "id": f"{tag}-{family}-e",
                "meta": meta,
                "status": "finished",
                "class": {"code": "HH"},
                "subject": subject,
                "period": {"start": f"2026-0{3 - number}-01T12:00:00+09:00"},
            }
            assert client.put(f"Encounter/{encounter['id']}", json=encounter).status_code == 201
    yield


@pytest.mark.parametrize(
    ("sort", "families"),
    [
        ("patient.family,_id", ["Aoki", "Aoki", "Baba", "Baba", "Chiba", "Chiba"]),
        ("-subject:Patient.family,_id", ["Chiba", "Chiba", "Baba", "Baba", "Aoki", "Aoki"]),
        ("patient.birthdate,_id", ["Baba", "Baba", "Chiba", "Chiba", "Aoki", "Aoki"]),
        ("-patient._id,_id", ["Chiba", "Chiba", "Baba", "Baba", "Aoki", "Aoki"]),
    ],
)
def test_a_search_is_sorted_by_what_it_refers_to(api: httpx.Client, tag: str, sort: str, families: list[str]) -> None:
    page: dict[str, Any] | None = api.get("Observation", params={"_tag": tag, "_sort": sort, "_count": "4"}).json()

    found: list[str] = []
    while page is not None:
        found += ids(page)
        page = follow(api, page, "next")

    assert [each.removeprefix(f"{tag}-") for each in found] == [
        f"{family}-{n % 2}" for n, family in enumerate(families)
    ]


@pytest.mark.parametrize("sort", ["date", "-date"])
def test_several_types_are_sorted_by_a_parameter_that_all_have(api: httpx.Client, tag: str, sort: str) -> None:
    params = {"_type": "Observation,Encounter", "_tag": tag, "_sort": sort, "_count": "2"}
    page: dict[str, Any] | None = api.get("", params=params).json()

    dates: list[str] = []
    while page is not None:
        for entry in page["entry"]:
            resource = entry["resource"]
            dates.append((resource.get("effectiveDateTime") or resource["period"]["start"])[:10])
        page = follow(api, page, "next")

    assert len(dates) == 9
    assert dates == sorted(dates, reverse=sort.startswith("-"))


def test_a_compartment_is_sorted_by_a_parameter_that_its_types_have(api: httpx.Client, tag: str) -> None:
    asked = {"_type": "Observation,Encounter", "_sort": "-date"}
    bundle = api.get(f"Patient/{tag}-Aoki/*", params=asked).json()

    assert [each.removeprefix(f"{tag}-Aoki-") for each in ids(bundle)] == ["1", "e", "0"]


def test_several_types_are_not_sorted_by_what_cannot_be_compared(api: httpx.Client) -> None:
    refused = api.get("", params={"_type": "Condition,Goal", "_sort": "category,start-date"})

    assert refused.status_code == 400

    assert api.get("", params={"_type": "Observation,Patient", "_sort": "identifier"}).status_code == 200


def test_maxresults_bounds_all_pages_together_and_paging_back_agrees(api: httpx.Client, tag: str) -> None:
    asked = {"_tag": tag, "_sort": "_id", "_count": "2", "_maxresults": "5", "_total": "accurate"}
    pages = [api.get("Observation", params=asked).json()]
    while (page := follow(api, pages[-1], "next")) is not None:
        pages.append(page)

    assert [len(ids(page)) for page in pages] == [2, 2, 1]
    assert pages[0]["total"] == 6
    back = follow(api, pages[2], "previous")
    assert back is not None
    assert ids(back) == ids(pages[1])
    again = follow(api, back, "next")
    assert again is not None
    assert ids(again) == ids(pages[2])


def test_an_estimate_of_few_is_exact(api: httpx.Client, tag: str) -> None:
    assert api.get("Observation", params={"_tag": tag, "_total": "estimate", "_count": "1"}).json()["total"] == 6


def test_explain_tells_the_plan_and_no_value(api: httpx.Client, tag: str) -> None:
    params = {"patient.family": "Aoki", "_tag": tag, "date": "ge2026-01-01", "_explain": "true"}
    bundle = api.get("Observation", params=params).json()

    assert len(ids(bundle)) == 2
    told = notes(bundle)
    for word in ("patient", "_tag (token)", "date (date)", "SELECT", "ix", "where it begins", "about 6 resources"):
        assert word in told
    for value in ("Aoki", tag, "2026-01-01", "青木", "aoki"):
        assert value not in told
    assert "_explain=true" in bundle["link"][0]["url"]


def test_explain_stands_beside_a_count(api: httpx.Client, tag: str) -> None:
    bundle = api.get("Observation", params={"_tag": tag, "_explain": "true", "_summary": "count"}).json()

    assert bundle["total"] == 6
    assert "count(" in notes(bundle)


def test_a_named_query_is_refused_with_those_that_are_defined(api: httpx.Client) -> None:
    refused = api.get("Patient", params={"_query": "current-high-risk"})

    assert refused.status_code == 400
    assert "current-high-risk" in refused.text


def test_explain_takes_only_true_or_false(api: httpx.Client) -> None:
    assert api.get("Patient", params={"_explain": "1"}).status_code == 400
    assert "outcome" not in api.get("Patient", params={"_explain": "false", "_count": "1"}).text


def test_elements_leave_what_is_included_whole(api: httpx.Client, tag: str) -> None:
    asked = {"_tag": f"{TAGS}|{tag}", "_include": "Observation:subject", "_elements": "status", "_count": "1"}

    matched, included = api.get("Observation", params=asked).json()["entry"]

    assert "subject" not in matched["resource"]
    assert included["search"]["mode"] == "include"
    assert included["resource"]["name"]
    assert [each["code"] for each in included["resource"]["meta"]["tag"]] == [tag]


def test_a_huge_count_gives_as_many_as_a_page_holds(api: httpx.Client, tag: str) -> None:
    bundle = api.get("Patient", params={"_tag": f"{TAGS}|{tag}", "_count": "99999999999999999999"}).json()

    assert len(ids(bundle)) == len(PEOPLE)
    assert "_count=9999" not in bundle["link"][0]["url"]


def test_the_sizes_of_pages_are_settings(start_server: StartServer) -> None:
    server = start_server(default_count=1, max_count=2, database="memory://")
    with httpx.Client(base_url=f"{server.base}/") as client:
        for number in range(3):
            client.put(f"Patient/p{number}", json={"resourceType": "Patient", "id": f"p{number}"}).raise_for_status()

        for path in ("Patient", "_history", "Patient/$everything"):
            pages = [client.get(path, params=asked).json()["entry"] for asked in ({}, {"_count": 5})]

            assert [len(entries) for entries in pages] == [1, 2], path


def test_an_include_gives_the_version_that_is_referred_to(api: httpx.Client) -> None:
    """ "If a resource has a reference that is versioned and _include is performed, the specified version SHOULD …" """
    code = str(uuid4())
    person = api.post("Patient", json={"resourceType": "Patient", "gender": "male"}).json()
    other = api.post("Patient", json={"resourceType": "Patient", "gender": "male"}).json()
    for each in (person, other):
        api.put(f"Patient/{each['id']}", json=each | {"gender": "female"}).raise_for_status()

    def observe(subject: str) -> None:
        made = {"resourceType": "Observation", "status": "final", "code": {"coding": [{"code": code}]}}
        api.post("Observation", json=made | {"subject": {"reference": subject}}).raise_for_status()

    def included(include: str = "Observation:subject") -> set[tuple[str, str]]:
        bundle = api.get("Observation", params={"code": code, "_include": include}).json()
        shown = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "include"]
        return {(each["id"], each["meta"]["versionId"]) for each in shown}

    observe(f"Patient/{person['id']}/_history/1")
    observe(f"Patient/{other['id']}")
    first = included()
    observe(f"Patient/{person['id']}")

    observe(f"Patient/{other['id']}/_history/99999999999999999999")

    assert first == {(person["id"], "1"), (other["id"], "2")}
    assert included("Observation:patient") == {(person["id"], "1"), (person["id"], "2"), (other["id"], "2")}
