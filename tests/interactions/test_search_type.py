"""https://hl7.org/fhir/R4/http.html#search"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

SYSTEM = "http://example.jp/search"


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((link["url"] for link in bundle["link"] if link["relation"] == relation), None)


def ids(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == mode]


@pytest.fixture(scope="module")
def tag() -> str:
    """Marks what this module made, so that other tests on the same server do not count."""
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def patients(server: Any, tag: str) -> Iterator[list[str]]:
    """Seven patients with an encounter each."""
    with httpx.Client(base_url=f"{server.base}/") as client:
        made = []
        for number in range(7):
            patient = {
                "resourceType": "Patient",
                "meta": {"tag": [{"system": SYSTEM, "code": tag}]},
                "identifier": [{"system": SYSTEM, "value": f"{tag}-{number}"}],
                "name": [{"family": f"検索{number}"}],
                "birthDate": f"197{number}-01-01",
            }
            made.append(client.post("Patient", json=patient).json()["id"])
            encounter = {
                "resourceType": "Encounter",
                "status": "finished",
                "class": {"code": "HH"},
                "subject": {"reference": f"Patient/{made[-1]}"},
            }
            client.post("Encounter", json=encounter)
        yield made


def test_matches_stand_in_a_searchset_with_their_full_urls(api: httpx.Client, tag: str, patients: list[str]) -> None:
    bundle = api.get("Patient", params={"_tag": f"{SYSTEM}|{tag}"}).json()

    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 7)
    assert sorted(ids(bundle)) == sorted(patients)
    first = bundle["entry"][0]
    assert first["fullUrl"] == f"{api.base_url}Patient/{first['resource']['id']}"
    assert first["resource"] == api.get(first["fullUrl"]).json()


def test_a_search_that_finds_nothing_has_no_entries(api: httpx.Client) -> None:
    bundle = api.get("Patient", params={"identifier": f"{SYSTEM}|nobody"}).json()

    assert bundle["total"] == 0
    assert "entry" not in bundle


def test_self_says_what_was_understood(api: httpx.Client, tag: str) -> None:
    bundle = api.get("Patient", params={"_tag": tag, "birthdate": "ge1970", "_count": "5000", "_format": "json"}).json()

    address = link(bundle, "self")
    assert address is not None
    assert dict(httpx.URL(address).params) == {"_tag": tag, "birthdate": "ge1970", "_count": "1000", "_format": "json"}
    assert api.get(address).json()["total"] == bundle["total"]


def test_a_lenient_search_ignores_what_it_does_not_know_and_says_so(api: httpx.Client, tag: str) -> None:
    query = {"_tag": tag, "nonsense": "1"}

    strict = api.get("Patient", params=query)
    lenient = api.get("Patient", params=query, headers={"Prefer": "handling=lenient"}).json()

    assert strict.status_code == 400
    assert "nonsense" in strict.json()["issue"][0]["details"]["text"]
    assert "nonsense" not in (link(lenient, "self") or "")
    assert len(ids(lenient)) == 7
    outcome = next(entry["resource"] for entry in lenient["entry"] if entry["search"]["mode"] == "outcome")
    assert outcome["issue"][0]["severity"] == "warning"


def test_a_parameter_without_a_value_is_ignored_and_said_unless_the_client_is_strict(
    api: httpx.Client, tag: str
) -> None:
    query = {"_tag": tag, "family": "", "_count": ""}

    found = api.get("Patient", params=query).json()
    strict = api.get("Patient", params=query, headers={"Prefer": "handling=strict"})
    deleted = api.delete("Patient", params=query)

    assert len(ids(found)) == 7
    assert "family" not in (link(found, "self") or "")
    outcome = next(entry["resource"] for entry in found["entry"] if entry["search"]["mode"] == "outcome")
    assert "family" in outcome["issue"][0]["details"]["text"]
    assert strict.status_code == 400
    assert deleted.status_code == 400


def test_post_search_is_the_same_search(api: httpx.Client, tag: str) -> None:
    by_post = api.post("Patient/_search", data={"_tag": tag, "_sort": "birthdate"}).json()
    by_get = api.get("Patient", params={"_tag": tag, "_sort": "birthdate"}).json()
    in_both = api.post("Patient/_search?_sort=birthdate", data={"_tag": tag}).json()

    assert by_post["entry"] == by_get["entry"] == in_both["entry"]
    assert link(by_post, "self") == link(by_get, "self")


def test_criteria_in_a_body_that_is_no_form_are_refused_not_left_out(api: httpx.Client) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "birthdate", "valueDate": "1970-01-01"}]}

    answer = api.post("Patient/_search", json=body)

    assert answer.status_code == 415
    assert "application/x-www-form-urlencoded" in answer.json()["issue"][0]["details"]["text"]


def test_a_walk_by_next_shows_each_match_once_and_previous_leads_back(api: httpx.Client, tag: str) -> None:
    pages = [api.get("Patient", params={"_tag": tag, "_sort": "-birthdate", "_count": "3"}).json()]
    while following := link(pages[-1], "next"):
        pages.append(api.get(following).json())

    assert [len(ids(page)) for page in pages] == [3, 3, 1]
    assert len({id_ for page in pages for id_ in ids(page)}) == 7
    assert "total" not in pages[0]
    assert [link(page, "self") for page in pages[1:]] == [link(page, "next") for page in pages[:-1]]
    back = api.get(link(pages[2], "previous") or "").json()
    assert ids(back) == ids(pages[1])
    assert ids(api.get(link(pages[2], "first") or "").json()) == ids(pages[0])


def test_pages_go_on_where_they_were_though_others_write_meanwhile(api: httpx.Client) -> None:
    mark = str(uuid4())
    patient = {"resourceType": "Patient", "meta": {"tag": [{"code": mark}]}}
    before = {api.post("Patient", json=patient).json()["id"] for _ in range(6)}
    first = api.get("Patient", params={"_tag": mark, "_count": "2"}).json()
    api.delete(f"Patient/{ids(first)[0]}")
    api.post("Patient", json=patient)

    seen = ids(first)
    address = link(first, "next")
    while address:
        page = api.get(address).json()
        seen += ids(page)
        address = link(page, "next")

    assert len(seen) == len(set(seen))
    assert before <= set(seen)


@pytest.mark.parametrize("forged", ["x", "AAAA", "A" * 64, "%E5%B1%B1", "e30", "a.b"])
def test_a_page_link_that_is_not_ours_is_refused(api: httpx.Client, tag: str, forged: str) -> None:
    assert api.get(f"Patient?_tag={tag}&_count=3&_cursor={forged}").status_code == 400


def test_a_page_link_is_good_for_its_own_search_only(api: httpx.Client, tag: str) -> None:
    address = link(api.get("Patient", params={"_tag": tag, "_count": "3"}).json(), "next")
    assert address is not None
    token = httpx.URL(address).params["_cursor"]

    assert api.get("Patient", params={"_tag": tag, "_count": "3", "_cursor": token}).status_code == 200
    assert api.get("Patient", params={"_count": "3", "_cursor": token}).status_code == 400
    assert api.get("Encounter", params={"_tag": tag, "_count": "3", "_cursor": token}).status_code == 400


@pytest.mark.parametrize("query", [{"_total": "accurate"}, {"_total": "estimate"}, {"_totalMethod": "count"}])
def test_a_total_is_counted_where_it_is_asked_for(api: httpx.Client, tag: str, query: dict[str, str]) -> None:
    bundle = api.get("Patient", params={"_tag": tag, "_count": "2", **query}).json()

    assert (bundle["total"], len(ids(bundle))) == (7, 2)


def test_a_total_is_left_out_where_it_is_not_wanted(api: httpx.Client, tag: str) -> None:
    assert "total" not in api.get("Patient", params={"_tag": tag, "_total": "none"}).json()


@pytest.mark.parametrize("query", [{"_summary": "count"}, {"_count": "0"}])
def test_a_count_has_no_entries(api: httpx.Client, tag: str, query: dict[str, str]) -> None:
    bundle = api.get("Patient", params={"_tag": tag, **query}).json()

    assert bundle["total"] == 7
    assert "entry" not in bundle


def test_includes_are_told_from_matches(api: httpx.Client, patients: list[str]) -> None:
    query = {"subject": f"Patient/{patients[0]}", "_include": "Encounter:subject"}

    bundle = api.get("Encounter", params=query).json()

    assert (len(ids(bundle)), ids(bundle, "include"), bundle["total"]) == (1, [patients[0]], 1)


def test_reverse_includes_are_told_from_matches(api: httpx.Client, patients: list[str]) -> None:
    bundle = api.get("Patient", params={"_id": patients[0], "_revinclude": "Encounter:subject"}).json()

    assert ids(bundle) == [patients[0]]
    assert len(ids(bundle, "include")) == 1


def test_elements_leaves_out_the_others_and_marks_what_it_leaves(api: httpx.Client, tag: str) -> None:
    resource = api.get("Patient", params={"_tag": tag, "_elements": "birthDate"}).json()["entry"][0]["resource"]

    assert set(resource) == {"resourceType", "id", "meta", "birthDate"}
    assert "SUBSETTED" in {tag["code"] for tag in resource["meta"]["tag"]}


def test_summary_leaves_out_what_is_no_summary(api: httpx.Client, tag: str) -> None:
    for summary in ("true", "text", "data"):
        resource = api.get("Patient", params={"_tag": tag, "_summary": summary}).json()["entry"][0]["resource"]
        assert "SUBSETTED" in {tag["code"] for tag in resource["meta"]["tag"]}

    whole = api.get("Patient", params={"_tag": tag, "_summary": "false"}).json()["entry"][0]["resource"]
    assert whole == api.get(f"Patient/{whole['id']}").json()


@pytest.mark.parametrize(
    "query",
    [
        "_count=-1",
        "_count=x",
        "_total=perhaps",
        "_summary=perhaps",
        "_sort=nonsense",
        "_include=nonsense",
        "_include=Patient:nonsense",
        "name:nonsense=x",
        "birthdate=yesterday",
        "birthdate=zz2020",
        "_has:Encounter:nonsense:status=x",
        "general-practitioner:Nonsense=x",
        "name.family=x",
    ],
)
def test_a_search_that_is_not_understood_is_refused_never_answered_otherwise(api: httpx.Client, query: str) -> None:
    answer = api.get(f"Patient?{query}")

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "query", ["response:missing=true", "response:missing=false", "response:missing=true&_sort=created"]
)
def test_a_type_of_which_there_is_nothing_is_searched_like_any_other(api: httpx.Client, query: str) -> None:
    assert api.get(f"PaymentNotice?{query}&_total=accurate").json()["total"] == 0


def test_a_composite_finds_what_stands_in_one_component(api: httpx.Client, tag: str, patients: list[str]) -> None:
    """https://hl7.org/fhir/R4/search.html#composite"""

    def component(code: str, value: int) -> dict[str, Any]:
        unit = {"system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
        return {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, **unit},
        }

    observation = {
        "resourceType": "Observation",
        "meta": {"tag": [{"system": SYSTEM, "code": tag}]},
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "subject": {"reference": f"Patient/{patients[0]}"},
        "component": [component("8480-6", 142), component("8462-4", 81)],
    }
    id_ = api.post("Observation", json=observation).json()["id"]

    def found(parameter: str, value: str) -> list[str]:
        return ids(api.get("Observation", params={"_tag": tag, parameter: value}).json())

    assert found("component-code-value-quantity", "http://loinc.org|8480-6$gt140") == [id_]
    assert found("combo-code-value-quantity", "8462-4$81|http://unitsofmeasure.org|mm[Hg]") == [id_]
    assert found("component-code-value-quantity", "http://loinc.org|8462-4$gt140") == []
    assert found("component-code-value-quantity:missing", "false") == [id_]
    assert found("code-value-quantity:missing", "true") == [id_]
