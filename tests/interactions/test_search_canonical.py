"""Searches across canonical URLs: includes, chains, `_has` and `_sort` lead to the definitions that are meant.

https://hl7.org/fhir/R4/references.html#canonical
"""

from typing import Any
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


def found(api: httpx.Client, search: str) -> list[str]:
    """Return the ids of the matches, in their order, without what tells this run from others."""
    answer = api.get(f"{search}&_count=100").raise_for_status().json()
    matches = [each["resource"]["id"] for each in answer.get("entry", ()) if each["search"]["mode"] == "match"]
    return [each.partition("-")[2] for each in matches]


@pytest.fixture
def forms(api: httpx.Client) -> str:
    """Questionnaires in several versions, answers to them and plans that name them; the id of all begins with this."""
    made = uuid4().hex[:8]
    url = f"http://example.org/{made}"

    def put(resource_type: str, id_: str, **content: Any) -> None:
        resource = {"resourceType": resource_type, "id": f"{made}-{id_}", **content}
        api.put(f"{resource_type}/{resource['id']}", json=resource).raise_for_status()

    for version, title in (("1", "B"), ("2", "A")):
        put("Questionnaire", f"v{version}", status="active", url=url, version=version, title=title)
    put("Questionnaire", "other", status="draft", url=f"{url}-other", title="C")
    put("Questionnaire", "unused", status="draft", url=f"{url}-unused", title="D")
    inside = {"resourceType": "Questionnaire", "id": "x", "status": "draft", "url": url, "version": "1", "title": "E"}
    named = {"one": f"{url}|1", "two": f"{url}|2", "any": url, "gone": f"{url}|9", "other": f"{url}-other"}
    for id_, name in named.items():
        status = "in-progress" if id_ in ("two", "other") else "completed"
        put("QuestionnaireResponse", id_, status=status, questionnaire=name)
    put("QuestionnaireResponse", "inside", status="stopped", contained=[inside], questionnaire="#x")
    put("QuestionnaireResponse", "none", status="completed")
    derived = [{"reference": f"QuestionnaireResponse/{made}-one"}]
    put("Observation", "score", status="final", code={"text": "?"}, derivedFrom=derived)
    actions = [{"definitionCanonical": f"{url}|{version}"} for version in ("1", "9")]
    put("PlanDefinition", "plan", status="active", url=f"{url}-plan", action=actions)
    return made


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        ("_has:QuestionnaireResponse:questionnaire:status=completed", ["v1", "v2"]),
        ("_has:QuestionnaireResponse:questionnaire:status=stopped", []),
        ("_has:QuestionnaireResponse:questionnaire:status=in-progress", ["v2", "other"]),
        ("_has:QuestionnaireResponse:questionnaire:_id={made}-one", ["v1"]),
        ("_has:QuestionnaireResponse:questionnaire:_id={made}-gone", ["v1", "v2"]),
        ("_has:PlanDefinition:definition:status=active", ["v1", "v2"]),
        ("_has:QuestionnaireResponse:questionnaire:questionnaire.title=C", ["other"]),
        ("_has:QuestionnaireResponse:questionnaire:_has:Observation:derived-from:status=final", ["v1"]),
        ("title=A&_has:QuestionnaireResponse:questionnaire:status:not=completed", ["v2"]),
    ],
)
def test_has_leads_back_from_what_names_a_definition(
    api: httpx.Client, forms: str, criteria: str, ids: list[str]
) -> None:
    asked = f"Questionnaire?_id={','.join(f'{forms}-{each}' for each in ('v1', 'v2', 'other', 'unused'))}&_sort=_id"

    assert sorted(found(api, f"{asked}&{criteria.format(made=forms)}")) == sorted(ids)


def test_each_of_several_canonicals_of_one_resource_is_asked_for_itself(api: httpx.Client, forms: str) -> None:
    plans = f"PlanDefinition?_id={forms}-plan"

    assert found(api, f"{plans}&definition:Questionnaire.title=A") == ["plan"]
    assert found(api, f"{plans}&definition:Questionnaire.title=B") == ["plan"]
    assert found(api, f"{plans}&definition:Questionnaire.title=C") == []


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("questionnaire.title,_id", ["inside", "none", "any", "gone", "two", "one", "other"]),
        ("-questionnaire:Questionnaire.title,_id", ["other", "any", "gone", "one", "two", "inside", "none"]),
        ("questionnaire.version,_id", ["inside", "none", "other", "any", "gone", "one", "two"]),
    ],
)
def test_a_sort_leads_along_a_canonical(api: httpx.Client, forms: str, sort: str, ids: list[str]) -> None:
    answers = ",".join(f"{forms}-{each}" for each in ids)

    assert found(api, f"QuestionnaireResponse?_id={answers}&_sort={sort}") == ids
    pages = [
        api.get(f"QuestionnaireResponse?_id={answers}&_sort={sort}&_count=4").raise_for_status().json(),
    ]
    pages.append(api.get(next(each["url"] for each in pages[0]["link"] if each["relation"] == "next")).json())
    assert [each["resource"]["id"][9:] for page in pages for each in page["entry"]] == ids


@pytest.mark.parametrize(
    "search",
    [
        "Patient?_has:ActivityDefinition:depends-on:status=active",
        "ActivityDefinition?depends-on:Patient.family=a",
        "ActivityDefinition?_sort=depends-on:Patient.family",
        "Patient?_has:QuestionnaireResponse:questionnaire:status=completed",
    ],
)
def test_what_has_no_canonical_url_is_refused(api: httpx.Client, search: str) -> None:
    answer = api.get(search)

    assert answer.status_code == 400


def test_a_chain_may_end_at_any_number_of_definitions(api: httpx.Client) -> None:
    made = uuid4().hex[:8]
    urls = [f"http://example.org/{made}/{n}" for n in range(1_100)]
    definitions = [
        {"resourceType": "Questionnaire", "id": f"{made}-{n}", "status": "active", "url": url, "publisher": made}
        for n, url in enumerate(urls)
    ]
    answer = {"resourceType": "QuestionnaireResponse", "id": f"{made}-a", "status": "completed"}
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in (*definitions, {**answer, "questionnaire": urls[-1]})
    ]
    api.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries}).raise_for_status()

    assert found(api, f"QuestionnaireResponse?questionnaire.publisher={made}") == ["a"]
    assert found(api, f"Questionnaire?publisher={made}&_has:QuestionnaireResponse:questionnaire:_id={made}-a") == [
        "1099"
    ]


@pytest.fixture
def addressed(api: httpx.Client) -> tuple[str, str]:
    """The id of a Questionnaire, to which the server gave it, and the beginning of the ids of what names it."""
    made = uuid4().hex[:8]
    form = {"resourceType": "Questionnaire", "status": "active", "title": f"T{made}", "url": f"http://q.example/{made}"}
    other = {"resourceType": "Questionnaire", "id": f"{made}-other", "status": "draft", "title": f"A{made}"}
    id_ = api.post("Questionnaire", json=form | {"version": "1"}).raise_for_status().json()["id"]
    api.put(f"Questionnaire/{other['id']}", json=other).raise_for_status()
    base = str(api.base_url).rstrip("/")
    named = {
        "relative": f"Questionnaire/{id_}",
        "absolute": f"{base}/Questionnaire/{id_}",
        "part": f"http://q.example/{made}#item",
        "version": f"http://q.example/{made}|1#item",
        "elsewhere": f"http://elsewhere.example/fhir/Questionnaire/{id_}",
        "other": f"Questionnaire/{made}-other|7#item",
    }
    for name, canonical in named.items():
        answer = {"resourceType": "QuestionnaireResponse", "id": f"{made}-{name}", "status": "completed"}
        api.put(f"QuestionnaireResponse/{made}-{name}", json=answer | {"questionnaire": canonical}).raise_for_status()
    return id_, made


MEANT = ["absolute", "part", "relative", "version"]


def test_addresses_and_parts_lead_to_the_definition(api: httpx.Client, addressed: tuple[str, str]) -> None:
    id_, made = addressed
    answers = f"QuestionnaireResponse?_id={','.join(f'{made}-{each}' for each in (*MEANT, 'elsewhere', 'other'))}"

    assert sorted(found(api, f"{answers}&questionnaire.title=T{made}")) == MEANT
    assert sorted(found(api, f"{answers}&questionnaire._id={id_}")) == MEANT
    assert found(api, f"{answers}&questionnaire.status=draft") == ["other"]
    assert found(api, f"{answers}&_sort=questionnaire.title,_id") == ["elsewhere", "other", *MEANT]
    for each in MEANT:
        asked = f"Questionnaire?_has:QuestionnaireResponse:questionnaire:_id={made}-{each}"
        assert [entry["resource"]["id"] for entry in api.get(asked).json()["entry"]] == [id_]
        page = api.get(f"QuestionnaireResponse?_id={made}-{each}&_include=QuestionnaireResponse:questionnaire").json()
        assert [entry["resource"]["id"] for entry in page["entry"]] == [f"{made}-{each}", id_]


def test_what_names_a_definition_by_its_address_or_a_part_of_it_is_brought_along(
    api: httpx.Client, addressed: tuple[str, str]
) -> None:
    id_, made = addressed

    page = api.get(f"Questionnaire?_id={id_}&_revinclude=QuestionnaireResponse:questionnaire").json()

    brought = [each["resource"]["id"] for each in page["entry"] if each["search"]["mode"] == "include"]
    assert sorted(brought) == [f"{made}-{each}" for each in MEANT]


def test_a_canonical_is_found_by_its_address_and_with_its_part_or_without(
    api: httpx.Client, addressed: tuple[str, str]
) -> None:
    id_, made = addressed
    answers, url = "QuestionnaireResponse?questionnaire", f"http://q.example/{made}"

    assert sorted(found(api, f"{answers}={url}")) == ["part", "version"]
    assert sorted(found(api, f"{answers}={url}%23item")) == ["part", "version"]
    assert found(api, f"{answers}={url}|1%23item") == ["version"]
    assert found(api, f"{answers}={url}%23other") == []
    assert sorted(found(api, f"{answers}=Questionnaire/{id_}")) == ["absolute", "relative"]
    assert found(api, f"{answers}=Questionnaire/{made}-other|7%23item") == ["other"]
    assert api.get(f"{answers}:below={url}|1%23item").status_code == 400


async def test_addresses_and_parts_mean_the_same_in_memory(fhir: Fhir) -> None:
    base = "http://example.org/fhir"
    form = {"resourceType": "Questionnaire", "id": "q", "status": "active", "url": "http://q.example/q"}
    names = (
        "Questionnaire/q",
        f"{base}/Questionnaire/q",
        "http://q.example/q#item",
        "http://elsewhere/Questionnaire/q",
    )
    answer = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    await fhir.put(form, *({**answer, "id": str(n), "questionnaire": name} for n, name in enumerate(names)))

    assert await fhir.total("QuestionnaireResponse?questionnaire.status=active") == 3
    assert await fhir.total("QuestionnaireResponse?questionnaire.status=active&_contained=both") == 3
    assert await fhir.total("Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=2") == 1
    assert await fhir.total("Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=3") == 0


async def test_a_contained_resource_names_definitions_by_address_and_part(fhir: Fhir) -> None:
    form = {"resourceType": "Questionnaire", "id": "q", "status": "active", "url": "http://q.example/q"}
    answers = [
        {"resourceType": "QuestionnaireResponse", "id": str(n), "status": "completed", "questionnaire": name}
        for n, name in enumerate(("Questionnaire/q", "http://q.example/q|2#item", "Questionnaire/x"))
    ]
    derived = [{"reference": f"#{n}"} for n in range(3)]
    score = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "derivedFrom": derived}
    await fhir.put(form, score | {"contained": answers})

    inside = "_contained=true&_containedType=contained"
    assert await fhir.total(f"QuestionnaireResponse?questionnaire.status=active&{inside}") == 2
    assert await fhir.total("Observation?derived-from:QuestionnaireResponse.questionnaire.status=active") == 1
    assert await fhir.total("Observation?derived-from:QuestionnaireResponse.questionnaire.status=draft") == 0
