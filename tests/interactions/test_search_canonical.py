"""Searches across canonical URLs: `_include` and `_revinclude` lead to definitions; a chain does not, and says so.

https://hl7.org/fhir/R4/references.html#canonical
"""

from uuid import uuid4

import httpx
import pytest


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


@pytest.mark.parametrize(
    "search",
    [
        "QuestionnaireResponse?questionnaire.version=1.0",
        "QuestionnaireResponse?questionnaire:Questionnaire.version=1.0",
        "Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed",
        "QuestionnaireResponse?_sort=questionnaire.version",
    ],
)
def test_a_chain_along_a_canonical_is_refused(api: httpx.Client, search: str) -> None:
    answer = api.get(search)

    assert answer.status_code == 400
    assert "canonical" in answer.json()["issue"][0]["details"]["text"]
