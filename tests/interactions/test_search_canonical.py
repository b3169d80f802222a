"""Searches across canonical URLs: includes and chains lead to definitions; `_has` and `_sort` do not, and say so.

https://hl7.org/fhir/R4/references.html#canonical
"""

from uuid import uuid4

import httpx
import pytest

from .conftest import Fhir


@pytest.fixture
def url(api: httpx.Client) -> str:
    """The canonical URL of a Questionnaire in two versions, which answers name: with version 1.0, and without any."""
    made = uuid4().hex
    canonical = f"http://example.org/{made}"
    for version in ("1.0", "2.0"):
        form = {"resourceType": "Questionnaire", "status": "active", "url": canonical, "version": version}
        api.put(f"Questionnaire/{made[:8]}-{version}", json=form | {"id": f"{made[:8]}-{version}"}).raise_for_status()
    for name in (canonical, f"{canonical}|1.0"):
        answer = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": name}
        api.post("QuestionnaireResponse", json=answer).raise_for_status()
    return canonical


def included(api: httpx.Client, search: str) -> list[str]:
    entries = api.get(search).raise_for_status().json()["entry"]
    return sorted(
        each["resource"].get("version") or each["resource"]["questionnaire"].rpartition("/")[2].partition("|")[2]
        for each in entries
        if each["search"]["mode"] == "include"
    )


def test_an_include_brings_the_definition_that_a_canonical_means(api: httpx.Client, url: str) -> None:
    include = "_include=QuestionnaireResponse:questionnaire"

    assert included(api, f"QuestionnaireResponse?questionnaire={url}|1.0&{include}") == ["1.0"]
    assert included(api, f"QuestionnaireResponse?questionnaire={url}&{include}") == ["1.0", "2.0"]
    assert included(api, f"QuestionnaireResponse?questionnaire={url}|1.0&_include=QuestionnaireResponse:*") == ["1.0"]


def test_a_revinclude_brings_what_names_a_definition(api: httpx.Client, url: str) -> None:
    reverse = "_revinclude=QuestionnaireResponse:questionnaire"

    assert included(api, f"Questionnaire?url={url}&version=1.0&{reverse}") == ["", "1.0"]
    assert included(api, f"Questionnaire?url={url}&version=2.0&{reverse}") == [""]


async def test_a_chain_leads_to_the_versions_that_a_canonical_means(api: httpx.Client, fhir: Fhir) -> None:
    made = uuid4().hex
    url = f"http://example.org/{made}"
    forms = {"1": f"{url}", "2": f"{url}", "other": f"{url}-other"}
    named = {"any": url, "one": f"{url}|1", "two": f"{url}|2", "gone": f"{url}|9", "other": f"{url}-other"}
    resources = [
        {
            "resourceType": "Questionnaire",
            "id": f"{made}-{version}",
            "status": "active",
            "url": each,
            "version": version,
        }
        for version, each in forms.items()
    ]
    resources += [
        {"resourceType": "QuestionnaireResponse", "id": f"{made}-{id_}", "status": "completed", "questionnaire": each}
        for id_, each in named.items()
    ]
    ids = ",".join(f"{made}-{id_}" for id_ in named)
    asked = {
        f"questionnaire._id={made}-1": 3,
        f"questionnaire:Questionnaire.url={url}&questionnaire.version=2": 3,
        f"questionnaire.url={url}": 4,
        f"questionnaire.version=other&_id={ids}": 1,
        f"questionnaire.status:not=active&_id={ids}": 0,
        f"questionnaire.status=active&_id={ids}": 5,
        f"questionnaire.title:missing=true&_id={ids}": 5,
        f"_filter=questionnaire[version eq 1].status eq active&_id={ids}": 3,
        f"questionnaire._id={made}-nobody": 0,
    }
    await fhir.put(*resources)
    for each in resources:
        api.put(f"{each['resourceType']}/{each['id']}", json=each).raise_for_status()

    found = {}
    for search in asked:
        answer = api.get(f"QuestionnaireResponse?{search}&_summary=count")
        assert answer.status_code == 200, answer.text
        found[search] = answer.json()["total"]

    assert found == asked
    assert {search: await fhir.total(f"QuestionnaireResponse?{search}") for search in asked} == asked


@pytest.mark.parametrize(
    "search",
    [
        "Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed",
        "QuestionnaireResponse?_sort=questionnaire.version",
    ],
)
def test_what_does_not_lead_along_a_canonical_is_refused(api: httpx.Client, search: str) -> None:
    answer = api.get(search)

    assert answer.status_code == 400
    assert "canonical" in answer.json()["issue"][0]["details"]["text"]
