"""What is stored, and which version of it stands.

https://hl7.org/fhir/R4/http.html#versioning
"""

import json
from decimal import Decimal

from fhir_service.fhir.resource import Key
from fhir_service.storage.identity import IdSequence
from fhir_service.storage.store import Put, Store

from .made import HandClock, delete, entries, found, name, named, put, query

A = Key("Patient", "a")


async def test_what_never_was_is_not_there(store: Store) -> None:
    assert await store.read(A) is None
    assert await store.vread(A, 1) is None
    assert await store.read_many([A]) == {}


async def test_a_put_makes_version_1_stamped_with_id_version_and_japanese_time(store: Store, clock: HandClock) -> None:
    [committed] = await store.commit([put("Patient", "a", active=True)])

    standing = await store.read(A)
    assert standing is not None
    assert committed == (standing, True)
    assert standing.version == 1
    assert standing.updated == clock.tick(milliseconds=0) // 1000 * 1000
    assert json.loads(standing.body) == {
        "resourceType": "Patient",
        "id": "a",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-22T23:38:21.123+09:00"},
        "active": True,
    }


async def test_the_bytes_keep_decimals_profiles_and_any_script(store: Store) -> None:
    text = '髙橋 𠮷田 \u3099 \U0001f468\u200d\U0001f469 "\\/ \n\t'
    meta = {"profile": ["http://p.example"], "versionId": "77", "lastUpdated": "1999-01-01"}

    await store.commit([put("Patient", "a", meta=meta, text=text, value=Decimal("1.00"))])

    standing = await store.read(A)
    assert standing is not None
    body = json.loads(standing.body, parse_float=Decimal)
    assert body["text"] == text
    assert str(body["value"]) == "1.00"
    assert body["meta"]["profile"] == ["http://p.example"]
    assert body["meta"]["versionId"] == "1"


async def test_an_update_makes_the_next_version_and_keeps_the_last(store: Store, clock: HandClock) -> None:
    await store.commit([put("Patient", "a", n=1)])
    before = clock.tick()
    [second] = await store.commit([put("Patient", "a", n=2)])

    assert not second.created
    assert second.version.version == 2
    assert second.version.updated == before // 1000 * 1000
    first = await store.vread(A, 1)
    assert first is not None and json.loads(first.body)["n"] == 1
    assert await store.vread(A, 2) == await store.read(A) == second.version
    assert await store.vread(A, 3) is None
    assert await store.vread(A, 0) is None


async def test_a_deletion_is_a_version_without_a_body(store: Store) -> None:
    await store.commit([put("Patient", "a", name("Ando"))])
    [committed] = await store.commit([delete("Patient", "a")])

    standing = await store.read(A)
    assert committed == (standing, False)
    assert standing is not None and standing.deleted and standing.body == b"" and standing.version == 2
    assert await store.read_many([A]) == {}
    assert await found(store, query("Patient")) == []
    assert await found(store, query("Patient", named("Ando"))) == []


async def test_deleting_what_is_not_there_makes_no_version(store: Store) -> None:
    [absent] = await store.commit([delete("Patient", "a")])
    assert absent.version.version == 0 and not absent.created
    assert await store.read(A) is None

    await store.commit([put("Patient", "a")])
    [first] = await store.commit([delete("Patient", "a")])
    [again] = await store.commit([delete("Patient", "a")])
    assert again == first
    assert (await store.history("Patient", "a", count=10)).total == 2


async def test_a_resource_put_again_after_its_deletion_continues_its_versions(store: Store) -> None:
    await store.commit([put("Patient", "a")])
    await store.commit([delete("Patient", "a")])
    [committed] = await store.commit([put("Patient", "a", name("Baba"))])

    assert committed.created
    assert committed.version.version == 3
    assert await found(store, query("Patient", named("baba"))) == ["a"]


async def test_the_same_id_in_two_types_is_two_resources(store: Store) -> None:
    await store.commit([put("Patient", "a", n=1), put("Encounter", "a", n=2)])

    many = await store.read_many([A, Key("Encounter", "a"), Key("Patient", "b")])

    assert {key.type: json.loads(version.body)["n"] for key, version in many.items()} == {"Patient": 1, "Encounter": 2}


async def test_two_changes_of_one_resource_in_one_commit_make_two_versions(store: Store) -> None:
    first, second = await store.commit([put("Patient", "a", name("Ando"), n=1), put("Patient", "a", n=2)])

    assert (first.version.version, second.version.version) == (1, 2)
    assert (first.created, second.created) == (True, False)
    assert await store.vread(A, 1) == first.version
    assert await found(store, query("Patient", named("ando"))) == []


async def test_the_time_of_versions_never_goes_back(store: Store, clock: HandClock) -> None:
    [first] = await store.commit([put("Patient", "a")])
    clock.tick(hours=-1)
    [second] = await store.commit([put("Patient", "a")])

    assert second.version.updated >= first.version.updated


async def test_the_method_that_wrote_a_version_is_kept(store: Store) -> None:
    for method in ("POST", "PUT", "PATCH"):
        await store.commit([Put({"resourceType": "Patient", "id": "a"}, entries(), method)])
    await store.commit([delete("Patient", "a")])

    page = await store.history("Patient", "a", count=10)

    assert [version.method for version in page.versions] == ["DELETE", "PATCH", "PUT", "POST"]


async def test_ids_made_for_creates_order_their_resources(store: Store, clock: HandClock) -> None:
    ids = IdSequence(clock)
    made = [ids.new_id() for _ in range(5)]

    for id_ in reversed(made):
        await store.commit([put("Patient", id_)])

    assert await found(store, query("Patient")) == made
