"""Chains, `_has`, `_sort` and includes along canonical URLs, on every backend.

https://hl7.org/fhir/R4/references.html#canonical
"""

import re

from fhir_service.fhir.search.index import ReferenceEntry, TokenEntry, UriEntry
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.query import (
    Chain,
    Clause,
    Has,
    Hop,
    IdMatch,
    Include,
    Match,
    NoneOf,
    Query,
    Sort,
    TokenValue,
)
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.sqlite.planning.order import Page
from fhir_service.storage.sqlite.planning.parts import part_of
from fhir_service.storage.sqlite.planning.plan import Plan
from fhir_service.storage.sqlite.sql import Candidate, Sql
from fhir_service.storage.store import Put, Store

from .made import delete, found, ids, put

URL = "http://example.org/q"
DEFINITIONS = ("Questionnaire",)
NAMES = SearchParameter("QuestionnaireResponse", "questionnaire", "reference", None, "")


def form(id_: str, version: str | None = None, status: str = "active", url: str = URL) -> Put:
    versioned = [UriEntry("url", f"{url}|{version}")] if version else []
    return put("Questionnaire", id_, UriEntry("url", url), *versioned, TokenEntry("status", None, status))


def answer(id_: str, *names: str) -> Put:
    """Return what names a definition once or several times, each `url` or `url|version`."""
    parts = [name.partition("|") for name in names]
    return put(
        "QuestionnaireResponse",
        id_,
        *[ReferenceEntry("questionnaire", url, version or None, canonical=True) for url, _, version in parts],
    )


def of(resource_type: str, status: str) -> Match:
    parameter = SearchParameter(resource_type, "status", "token", None, "")
    return Match(parameter, (TokenValue(None, status),))


def chain(rest: Clause) -> Chain:
    return Chain(NAMES, (("Questionnaire", rest),), literal=False, canonical=DEFINITIONS)


async def test_each_of_several_versions_that_one_resource_names_is_asked(store: Store) -> None:
    await store.commit(
        [
            form("q1", "1", status="draft"),
            form("q2", "2"),
            answer("both", f"{URL}|1", f"{URL}|9"),
            answer("one", f"{URL}|1"),
        ]
    )

    assert await found(store, Query("QuestionnaireResponse", (chain(of("Questionnaire", "active")),))) == ["both"]


async def fill(store: Store) -> None:
    await store.commit(
        [
            form("q1", "1", status="draft"),
            form("q2", "2"),
            form("plain", status="retired"),
            answer("one", f"{URL}|1"),
            answer("any", URL),
            answer("absent", f"{URL}|9"),
            answer("both", f"{URL}|1", f"{URL}|2"),
            answer("other", "http://example.org/other"),
        ]
    )


def with_status(status: str) -> Query:
    return Query("QuestionnaireResponse", (chain(of("Questionnaire", status)),))


def naming(id_: str) -> Query:
    """Return the search for what the resource with this id names."""
    parameter = SearchParameter("QuestionnaireResponse", "_tag", "token", None, "")
    clause = Match(parameter, (TokenValue(None, id_),))
    return Query("Questionnaire", (Has("QuestionnaireResponse", NAMES, clause, literal=False, canonical=DEFINITIONS),))


async def test_a_canonical_means_its_version_or_if_that_is_not_here_all(store: Store) -> None:
    await fill(store)

    assert await found(store, with_status("draft")) == ["one", "any", "absent", "both"]
    assert await found(store, with_status("active")) == ["any", "absent", "both"]
    assert await found(store, with_status("retired")) == ["any", "absent"]


async def test_what_a_canonical_means_changes_with_what_is_here(store: Store) -> None:
    await fill(store)

    await store.commit([form("q9", "9", status="unknown")])
    assert await found(store, with_status("unknown")) == ["any", "absent"]
    assert await found(store, with_status("active")) == ["any", "both"]

    await store.commit([delete("Questionnaire", "q9"), delete("Questionnaire", "q1")])
    assert await found(store, with_status("active")) == ["one", "any", "absent", "both"]

    await store.commit([form("q2", "1"), answer("any", "http://example.org/other")])
    assert await found(store, with_status("active")) == ["one", "absent", "both"]


async def test_a_version_without_the_url_is_none_of_it(store: Store) -> None:
    await store.commit([form("q1", url=f"{URL}|1"), form("q2"), answer("one", f"{URL}|1"), answer("any", URL)])
    q1, q2 = (Query("QuestionnaireResponse", (chain(IdMatch((id_,))),)) for id_ in ("q1", "q2"))

    assert (await found(store, q1), await found(store, q2)) == (["one"], ["any"])


async def test_has_leads_back_to_each_definition_that_is_meant(store: Store) -> None:
    await fill(store)
    tagged = [answer("one", f"{URL}|1"), answer("absent", f"{URL}|9"), answer("both", f"{URL}|1", f"{URL}|2")]
    for each in tagged:
        each.entries.tokens.append(TokenEntry("_tag", None, str(each.resource["id"])))
    await store.commit(tagged)

    assert await found(store, naming("one")) == ["q1"]
    assert await found(store, naming("absent")) == ["q1", "q2", "plain"]
    assert await found(store, naming("both")) == ["q1", "q2"]
    assert await found(store, naming("other")) == []


async def test_a_sort_takes_the_least_and_the_greatest_of_all_that_is_meant(store: Store) -> None:
    await fill(store)
    status = SearchParameter("Questionnaire", "status", "token", None, "")
    through = (Hop(NAMES, "Questionnaire", literal=False, canonical=DEFINITIONS),)

    upward, downward = (Query("QuestionnaireResponse", (), (Sort(status, down, through),)) for down in (False, True))

    assert await found(store, upward) == ["other", "any", "absent", "both", "one"]
    assert await found(store, downward) == ["absent", "any", "both", "one", "other"]


async def test_of_several_types_with_one_url_the_version_that_is_said_is_the_only_one(store: Store) -> None:
    """Which type is asked for does not change what a canonical means."""
    types = ("Questionnaire", "PlanDefinition")
    plan = put("PlanDefinition", "p", UriEntry("url", URL), UriEntry("url", f"{URL}|2"))
    await store.commit([form("q1", "1"), plan, answer("one", f"{URL}|1"), answer("any", URL)])

    led = {
        each: Query("QuestionnaireResponse", (Chain(NAMES, ((each, NoneOf(())),), literal=False, canonical=types),))
        for each in types
    }
    include = Include("QuestionnaireResponse", NAMES, "PlanDefinition", canonical=types)
    page = await store.search(Query("QuestionnaireResponse", (), (), (include,)), count=1)

    assert await found(store, led["Questionnaire"]) == ["one", "any"]
    assert await found(store, led["PlanDefinition"]) == ["any"]
    assert (ids(page), page.included) == (["one"], ())


async def test_canonicals_are_followed_by_indexes_from_what_is_at_hand(sqlite_store: SqliteStore) -> None:
    """None begins with all definitions of a type, or with all that anything names."""
    await fill(sqlite_store)
    through = (Hop(NAMES, "Questionnaire", literal=False, canonical=DEFINITIONS),)
    title = SearchParameter("Questionnaire", "title", "string", None, "")
    has = Has("QuestionnaireResponse", NAMES, IdMatch(("one",)), literal=False, canonical=DEFINITIONS)
    led = chain(of("Questionnaire", "active"))
    reader = sqlite_store._reader

    parts = [part_of(type_, each, reader) for type_, each in (("QuestionnaireResponse", led), ("Questionnaire", has))]
    sort = Plan(Query("QuestionnaireResponse", (led,), (Sort(title, False, through),)), reader).page(Page(21))
    statements = [part.rids() for part in parts]
    for test in (part.probe(Candidate("7", "7")) for part in parts):
        statements.append(Sql(f"SELECT {test.text}", test.parameters))

    for text, parameters in (*statements, sort):
        steps = [step for *_, step in reader.connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters)]
        assert any(step.startswith("SEARCH m ") for step in steps), steps
        assert not [step for step in steps if "(rtype=?)" in step], steps
        assert not [step for step in steps if re.match(r"SCAN (cn|rf|ix|res|[mfgxte]\d*)\b", step)], steps
