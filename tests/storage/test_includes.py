"""What a page brings along, what refers to a resource, and all there is.

https://hl7.org/fhir/R4/search.html#include
"""

from dataclasses import replace

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.index import ReferenceEntry, TokenEntry, UriEntry
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.query import Include, Query
from fhir_service.storage.store import Store

from .made import delete, parameter, put, query


def include(source: str, code: str, target: str | None = None, **how: bool) -> Include:
    return Include(source, parameter(source, code), target, **how)


async def fill(store: Store) -> None:
    """Two observations of encounters of patients, who link to each other."""
    await store.commit(
        [
            put("Patient", "p1", ReferenceEntry("link", "Patient/p2")),
            put("Patient", "p2", ReferenceEntry("link", "Patient/p1"), ReferenceEntry("link", "Patient/p3")),
            put("Patient", "p3"),
            put("Encounter", "e1", ReferenceEntry("subject", "Patient/p1")),
            put("Encounter", "e2", ReferenceEntry("subject", "Patient/gone", "1")),
            put(
                "Observation",
                "o1",
                ReferenceEntry("encounter", "Encounter/e1"),
                ReferenceEntry("subject", "Patient/p1"),
            ),
            put(
                "Observation",
                "o2",
                ReferenceEntry("encounter", "Encounter/e2"),
                ReferenceEntry("subject", "Encounter/e1"),
            ),
        ]
    )


async def brought(store: Store, resource_type: str, *includes: Include, count: int = 10) -> list[str]:
    page = await store.search(Query(resource_type, (), (), includes), count=count)
    return [str(version.key) for version in page.included]


async def test_an_include_follows_the_references_of_the_matches(store: Store) -> None:
    await fill(store)

    assert await brought(store, "Observation", include("Observation", "encounter")) == ["Encounter/e1", "Encounter/e2"]
    assert await brought(store, "Observation", include("Observation", "subject", "Patient")) == ["Patient/p1"]
    both = (include("Observation", "subject"), include("Observation", "encounter"))
    assert await brought(store, "Observation", *both) == ["Patient/p1", "Encounter/e1", "Encounter/e2"]
    assert await brought(store, "Observation", include("Observation", "encounter"), count=1) == ["Encounter/e1"]


async def test_what_is_not_there_or_was_deleted_is_not_included(store: Store) -> None:
    await fill(store)
    await store.commit([delete("Patient", "p1")])

    assert await brought(store, "Encounter", include("Encounter", "subject")) == []


async def test_an_include_follows_a_canonical_to_the_version_that_it_means(store: Store) -> None:
    """https://hl7.org/fhir/R4/references.html#canonical"""
    url = "http://example.org/q"
    versions = [put("Questionnaire", f"q{v}", UriEntry("url", url), UriEntry("url", f"{url}|{v}")) for v in ("1", "2")]
    await store.commit(
        [
            *versions,
            put("Questionnaire", "other", UriEntry("url", f"{url}/other")),
            put("QuestionnaireResponse", "any", ReferenceEntry("questionnaire", url, canonical=True)),
            put("QuestionnaireResponse", "first", ReferenceEntry("questionnaire", url, "1", canonical=True)),
            put("QuestionnaireResponse", "absent", ReferenceEntry("questionnaire", url, "9", canonical=True)),
            put("QuestionnaireResponse", "nothing", ReferenceEntry("questionnaire", f"{url}/none", canonical=True)),
        ]
    )
    names = SearchParameter("QuestionnaireResponse", "questionnaire", "reference", None, "")
    by_canonical = Include("QuestionnaireResponse", names, canonical=("Questionnaire",))

    async def reached(*keys: str, **how: bool) -> list[str]:
        asked = [Key(*key.split("/")) for key in keys]
        return [str(version.key) for version in await store.included(asked, [replace(by_canonical, **how)], 10)]

    both = ["Questionnaire/q1", "Questionnaire/q2"]
    assert await reached("QuestionnaireResponse/any") == await reached("QuestionnaireResponse/absent") == both
    assert await reached("QuestionnaireResponse/first") == ["Questionnaire/q1"]
    assert await reached("QuestionnaireResponse/nothing") == []
    answers = ["QuestionnaireResponse/any", "QuestionnaireResponse/absent"]
    assert await reached("Questionnaire/q2", reverse=True) == answers
    assert await reached("Questionnaire/other", reverse=True) == []


async def test_a_match_is_not_included_again(store: Store) -> None:
    await fill(store)

    assert await brought(store, "Patient", include("Patient", "link")) == []
    assert await brought(store, "Patient", include("Patient", "link"), count=1) == ["Patient/p2"]


async def test_a_revinclude_brings_what_refers_to_the_matches(store: Store) -> None:
    await fill(store)

    found = await brought(store, "Encounter", include("Observation", "encounter", reverse=True))
    assert found == ["Observation/o1", "Observation/o2"]
    assert await brought(store, "Encounter", include("Observation", "subject", "Encounter", reverse=True)) == [
        "Observation/o2"
    ]
    assert await brought(store, "Encounter", include("Observation", "subject", "Patient", reverse=True)) == []


async def test_only_iterate_goes_on_from_what_was_included(store: Store) -> None:
    await fill(store)
    encounter = include("Observation", "encounter")

    assert await brought(store, "Observation", encounter, include("Encounter", "subject"), count=1) == ["Encounter/e1"]
    iterated = (encounter, include("Encounter", "subject", iterate=True), include("Patient", "link", iterate=True))
    expected = ["Encounter/e1", "Patient/p1", "Patient/p2", "Patient/p3"]
    assert await brought(store, "Observation", *iterated, count=1) == expected


async def test_more_than_the_limit_is_refused_not_cut_short(store: Store) -> None:
    await fill(store)
    asked = Query("Encounter", (), (), (include("Observation", "encounter", reverse=True),))

    assert len((await store.search(asked, count=10, include_limit=2)).included) == 2
    with pytest.raises(FhirError) as refused:
        await store.search(asked, count=10, include_limit=1)
    assert refused.value.issues[0].code == "too-costly"


async def test_what_given_resources_include(store: Store) -> None:
    await fill(store)
    keys = [Key("Observation", "o2"), Key("Observation", "absent")]

    found = await store.included(keys, [include("Observation", "encounter"), include("Observation", "subject")], 10)

    assert [str(version.key) for version in found] == ["Encounter/e1", "Encounter/e2"]
    assert await store.included([], [include("Observation", "encounter")], 10) == ()


async def test_referrers_come_by_pages_each_once(store: Store) -> None:
    await fill(store)
    await store.commit(
        [
            put(
                "Observation",
                f"x{n}",
                ReferenceEntry("encounter", "Encounter/e1"),
                ReferenceEntry("subject", "Encounter/e1"),
            )
            for n in range(5)
        ]
    )

    shown: list[str] = []
    page = await store.referrers(Key("Encounter", "e1"), ["Observation"], count=2, after=None)
    while True:
        shown += [version.key.id for version in page.matches]
        if page.next is None:
            break
        page = await store.referrers(Key("Encounter", "e1"), ["Observation"], count=2, after=page.next)

    assert shown == ["o1", "o2", "x0", "x1", "x2", "x3", "x4"]
    everyone = await store.referrers(Key("Patient", "p1"), [], count=10, after=None)
    assert [str(version.key) for version in everyone.matches] == ["Patient/p2", "Encounter/e1", "Observation/o1"]
    assert (await store.referrers(Key("Patient", "p1"), ["Task"], count=10, after=None)).matches == ()


async def test_a_scan_gives_every_resource_that_stands_once_while_others_write(store: Store) -> None:
    await store.commit([put("Patient", f"p{n:03}") for n in range(450)] + [put("Encounter", "e")])
    await store.commit([delete("Patient", "p007")])

    shown: list[Key] = []
    async for version in store.scan("Patient"):
        shown.append(version.key)
        if len(shown) % 100 == 0:
            await store.commit([put("Patient", "p300", TokenEntry("active", None, "true"))])
    assert sorted(key.id for key in shown) == [f"p{n:03}" for n in range(450) if n != 7]
    assert len([version async for version in store.scan(None)]) == 450
    assert [version.key async for version in store.scan("Task")] == []


async def test_includes_of_an_empty_page_are_none(store: Store) -> None:
    page = await store.search(query("Patient"), count=10)

    assert (page.matches, page.included) == ((), ())
