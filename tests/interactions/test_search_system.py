"""https://hl7.org/fhir/R4/http.html#vsearch: search over several types."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

TAGS = "http://example.jp/system-search"


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def people(server: Any, tag: str) -> Iterator[list[str]]:
    """Return the URLs of three patients and three practitioners, in the order in which they were made."""
    with httpx.Client(base_url=f"{server.base}/") as client:
        made = []
        for number in range(3):
            for resource_type in ("Practitioner", "Patient"):
                meta = {"tag": [{"system": TAGS, "code": tag}]}
                resource = {"resourceType": resource_type, "meta": meta, "name": [{"family": f"横断{number}"}]}
                made.append(f"{resource_type}/{client.post(resource_type, json=resource).json()['id']}")
        yield made


def found(bundle: dict[str, Any]) -> list[str]:
    resources = [entry["resource"] for entry in bundle.get("entry", ())]
    return [f"{each['resourceType']}/{each['id']}" for each in resources]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((each["url"] for each in bundle["link"] if each["relation"] == relation), None)


def test_several_types_are_searched_at_once(api: httpx.Client, tag: str, people: list[str]) -> None:
    bundle = api.get("", params={"_type": "Patient,Practitioner", "_tag": tag, "name": "横断1"}).json()

    assert sorted(found(bundle)) == sorted(people[2:4])
    assert bundle["total"] == 2
    assert "_type=Patient,Practitioner" in (link(bundle, "self") or "")


def test_without_type_all_types_are_searched(api: httpx.Client, tag: str, people: list[str]) -> None:
    bundle = api.post("_search", data={"_tag": tag}).json()

    assert sorted(found(bundle)) == sorted(people)


def test_pages_go_on_across_the_types_and_back(api: httpx.Client, tag: str, people: list[str]) -> None:
    params = {
        "_type": "Patient,Practitioner",
        "_tag": tag,
        "_sort": "-_lastUpdated",
        "_count": "2",
        "_total": "accurate",
    }
    pages = [api.get("", params=params).json()]
    while (after := link(pages[-1], "next")) is not None:
        pages.append(api.get(after).json())

    assert [each for page in pages for each in found(page)] == people[::-1]
    assert pages[0]["total"] == 6
    assert found(api.get(link(pages[2], "previous") or "").json()) == found(pages[1])


@pytest.mark.parametrize(("types", "count", "status"), [("Patient,Practitioner", 10_000, 200), (None, 10_000, 400)])
def test_many_values_are_asked_of_few_types_only(api: httpx.Client, types: str | None, count: int, status: int) -> None:
    form = {"_tag": ",".join(f"t{number}" for number in range(count)), **({"_type": types} if types else {})}

    answer = api.post("_search", data=form)

    assert answer.status_code == status, answer.text[:500]
    assert answer.elapsed.total_seconds() < 1


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"_type": "Patient,Foo"}, "Foo"),
        ({"_type": "Patient,Observation", "name": "x"}, "Observation"),
        ({"_type": "Patient,Observation", "_sort": "birthdate"}, "Observation"),
        ({"_type": ""}, "_type"),
    ],
)
def test_what_has_no_meaning_on_each_type_is_refused(api: httpx.Client, params: dict[str, str], told: str) -> None:
    answer = api.get("", params=params)

    assert answer.status_code == 400
    assert told in answer.text
