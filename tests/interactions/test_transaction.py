"""https://hl7.org/fhir/R4/http.html#transaction"""

import asyncio
import base64
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.outcome import Issue
from fhir_service.interactions.services import Services
from fhir_service.storage.memory import MemoryStore
from fhir_service.storage.store import Change, Committed, Condition

BASE = "http://example.org/fhir"
URN = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
OTHER = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
Json = dict[str, Any]


def entry(method: str, url: str, resource: Any = None, full_url: str | None = None, **request: str) -> Json:
    made: Json = {"request": {"method": method, "url": url, **request}}
    if full_url is not None:
        made["fullUrl"] = full_url
    return made if resource is None else made | {"resource": resource}


def bundle(*entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def patient(value: str | None = None, **more: Any) -> Json:
    identifier = {"identifier": [{"system": "http://x", "value": value}]} if value else {}
    return {"resourceType": "Patient", "active": True, **identifier, **more}


def observation(subject: str | None = None, **more: Any) -> Json:
    made = {"resourceType": "Observation", "status": "final", "code": {"text": "体重"}, **more}
    return made | {"subject": {"reference": subject}} if subject else made


async def done(fhir: Any, *entries: Json, **headers: str) -> list[Json]:
    """Do a transaction that must succeed; return the entries of the answer."""
    status, answer = await fhir("POST", "", bundle(*entries), **headers)
    assert status == 200, answer
    assert answer["type"] == "transaction-response"
    return answer["entry"]


async def refused(fhir: Any, *entries: Json) -> tuple[int, list[str]]:
    """Try a transaction that must fail and store nothing; return the status and the expressions."""
    before = await fhir("GET", "_history")
    status, answer = await fhir("POST", "", bundle(*entries))
    assert status >= 400, answer
    assert answer["resourceType"] == "OperationOutcome"
    assert await fhir("GET", "_history") == before
    return status, [expression for issue in answer["issue"] for expression in issue.get("expression", [])]


def statuses(entries: Sequence[Json]) -> list[str]:
    return [one["response"]["status"] for one in entries]


async def test_every_kind_of_entry_is_done_and_answered_in_the_order_of_the_bundle(fhir: Any) -> None:
    await fhir.put(patient(id="old"), patient(id="changed"), patient(id="gone"))

    entries = await done(
        fhir,
        entry("GET", "Patient/changed"),
        entry("PUT", "Patient/changed", patient(id="changed", gender="female")),
        entry("POST", "Observation", observation("Patient/new")),
        entry("PUT", "Patient/new", patient(id="new")),
        entry("DELETE", "Patient/gone"),
        entry("PATCH", "Patient/old", {"resourceType": "Patient", "gender": "male"}),
        entry("HEAD", "Patient/old"),
        entry("GET", "Patient?gender=male,female&_sort=gender"),
    )

    assert statuses(entries) == [
        "200 OK",
        "200 OK",
        "201 Created",
        "201 Created",
        "204 No Content",
        "200 OK",
        "200 OK",
        "200 OK",
    ]
    assert entries[0]["resource"]["gender"] == "female", "a GET sees what the transaction did"
    assert "resource" not in entries[6] and entries[6]["response"]["etag"] == 'W/"2"'
    assert [one["resource"]["id"] for one in entries[7]["resource"]["entry"]] == ["changed", "old"]
    assert (await fhir("GET", "Patient/gone"))[0] == 410


async def test_an_entry_says_where_and_which_version_it_made(fhir: Any) -> None:
    (created,) = await done(fhir, entry("POST", "Patient", patient(), URN))

    stored = created["resource"]
    assert created["fullUrl"] == f"{BASE}/Patient/{stored['id']}"
    assert created["response"] == {
        "status": "201 Created",
        "location": f"{BASE}/Patient/{stored['id']}/_history/1",
        "etag": 'W/"1"',
        "lastModified": stored["meta"]["lastUpdated"],
    }


@pytest.mark.parametrize(
    ("returns", "shown"), [("minimal", False), ("representation", True), ("OperationOutcome", False)]
)
async def test_prefer_says_how_much_of_each_resource_comes_back(fhir: Any, returns: str, shown: bool) -> None:
    (created,) = await done(fhir, entry("POST", "Patient", patient()), prefer=f"return={returns}")

    assert ("resource" in created) is shown
    assert ("outcome" in created["response"]) is (returns == "OperationOutcome")


async def test_references_between_entries_hold_in_any_order_and_in_circles(fhir: Any) -> None:
    first, second, third = await done(
        fhir,
        entry("POST", "Patient", patient(link=[{"other": {"reference": OTHER}, "type": "seealso"}]), URN),
        entry("POST", "Patient", patient(link=[{"other": {"reference": URN}, "type": "seealso"}]), OTHER),
        entry("PUT", "Observation/o", observation(URN, id="o"), "urn:oid:1.2.3"),
    )

    ids = [one["resource"]["id"] for one in (first, second)]
    assert first["resource"]["link"][0]["other"]["reference"] == f"Patient/{ids[1]}"
    assert second["resource"]["link"][0]["other"]["reference"] == f"Patient/{ids[0]}"
    assert third["resource"]["subject"]["reference"] == f"Patient/{ids[0]}"


@pytest.mark.parametrize(
    ("full_url", "own_full_url", "reference"),
    [
        (URN, None, URN),
        ("urn:oid:1.2.392", None, "urn:oid:1.2.392"),
        ("http://sender.jp/r4/Patient/temp", "http://sender.jp/r4/Observation/1", "Patient/temp"),
        ("http://sender.jp/r4/Patient/temp", OTHER, "http://sender.jp/r4/Patient/temp"),
        (f"{BASE}/Patient/temp", None, f"{BASE}/Patient/temp"),
        ("Patient/temp", None, "Patient/temp"),
        (None, None, "Patient/temp"),
    ],
)
async def test_every_way_to_name_another_entry_is_understood(
    fhir: Any, full_url: str | None, own_full_url: str | None, reference: str
) -> None:
    made, referring = await done(
        fhir,
        entry("POST", "Patient", patient(id="temp"), full_url),
        entry("POST", "Observation", observation(reference), own_full_url),
    )

    assert made["resource"]["id"] != "temp"
    assert referring["resource"]["subject"]["reference"] == f"Patient/{made['resource']['id']}"


async def test_a_narrative_links_to_what_an_entry_became(fhir: Any) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{URN}">本人</a></div>'
    text = {"status": "generated", "div": div}

    made, seen = await done(
        fhir, entry("POST", "Patient", patient(), URN), entry("POST", "Observation", observation(URN, text=text))
    )

    id_ = made["resource"]["id"]
    assert f'href="Patient/{id_}"' in seen["resource"]["text"]["div"]


async def test_a_conditional_create_that_matches_is_what_the_others_refer_to(fhir: Any) -> None:
    await fhir.put(patient("7", id="there"))

    found, referring = await done(
        fhir,
        entry("POST", "Patient", patient("7"), URN, ifNoneExist="identifier=http://x|7"),
        entry("POST", "Observation", observation(URN)),
    )

    assert found["response"]["status"] == "200 OK"
    assert found["response"]["location"] == f"{BASE}/Patient/there/_history/1"
    assert referring["resource"]["subject"]["reference"] == "Patient/there"
    assert await fhir.total("Patient") == 1


async def test_two_conditional_creates_with_one_criterion_make_one_resource(fhir: Any) -> None:
    first, second, referring = await done(
        fhir,
        entry("POST", "Patient", patient("7"), URN, ifNoneExist="identifier=http://x|7"),
        entry("POST", "Patient", patient("7"), OTHER, ifNoneExist="identifier=http://x|7"),
        entry("POST", "Observation", observation(OTHER)),
    )

    assert statuses([first, second]) == ["201 Created", "200 OK"]
    assert first["response"]["location"] == second["response"]["location"]
    assert referring["resource"]["subject"]["reference"] == f"Patient/{first['resource']['id']}"
    assert await fhir.total("Patient") == 1


async def test_conditional_update_delete_and_patch_find_their_resources(fhir: Any) -> None:
    await fhir.put(patient("1", id="a"), patient("2", id="b"), patient("3", id="c"))

    entries = await done(
        fhir,
        entry("PUT", "Patient?identifier=http://x|1", patient("1", gender="male"), URN),
        entry("DELETE", "Patient?identifier=http://x|2"),
        entry("PATCH", "Patient?identifier=http://x|3", {"resourceType": "Patient", "gender": "other"}),
        entry("PUT", "Patient?identifier=http://x|4", patient("4")),
        entry("DELETE", "Patient?identifier=http://x|5"),
        entry("POST", "Observation", observation(URN)),
    )

    assert statuses(entries) == ["200 OK", "204 No Content", "200 OK", "201 Created", "204 No Content", "201 Created"]
    assert entries[5]["resource"]["subject"]["reference"] == "Patient/a"
    assert (await fhir("GET", "Patient/b"))[0] == 410
    assert (await fhir("GET", "Patient/c"))[1]["gender"] == "other"
    assert await fhir.total("Patient?identifier=http://x|4") == 1


async def test_a_later_entry_sees_what_an_earlier_one_did(fhir: Any) -> None:
    await fhir.put(patient("7", id="old"))

    deleted, created, updated = await done(
        fhir,
        entry("DELETE", "Patient/old"),
        entry("POST", "Patient", patient("7"), ifNoneExist="identifier=7"),
        entry("PUT", "Observation?code=http://x|none", observation("Patient?identifier=7")),
    )

    assert statuses([deleted, created]) == ["204 No Content", "201 Created"]
    assert updated["resource"]["subject"]["reference"] == f"Patient/{created['resource']['id']}"


@pytest.mark.parametrize("turned", [False, True])
async def test_the_order_of_the_entries_changes_nothing(fhir: Any, turned: bool) -> None:
    """ "The outcome of the processing the transaction SHALL NOT depend on the order of the resources." """
    await fhir.put(patient("1", id="a"), patient("2", id="b"), patient("3", id="c"))

    async def status(*entries: Any) -> int:
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries[::-1] if turned else entries}
        return (await fhir("POST", "", bundle))[0]

    def put(url: str, value: str, **resource: Any) -> Any:
        return entry("PUT", url, patient(value, **resource))

    bare = entry("PUT", "Patient/a", {"resourceType": "Patient", "id": "a"})
    created = entry("POST", "Patient", patient("8"))
    assert await status(bare, put("Patient?identifier=1", "1")) == 400
    assert await status(put("Patient/new", "9", id="new"), put("Patient?identifier=9", "9")) == 400
    assert await status(entry("DELETE", "Patient/b"), entry("DELETE", "Patient?identifier=2")) == 400
    assert await status(entry("DELETE", "Patient/b"), put("Patient?identifier=2", "2")) == 200
    assert await status(created, entry("POST", "Patient", patient("8"), ifNoneExist="identifier=8")) == 200
    assert [await fhir.total(f"Patient?identifier={n}") for n in "12389"] == [1, 1, 1, 1, 0]


async def test_conditional_references_find_what_stands_and_what_is_made(fhir: Any) -> None:
    await fhir.put(patient("1", id="there"))

    _, first, second = await done(
        fhir,
        entry("POST", "Patient", patient("2"), URN),
        entry("POST", "Observation", observation("Patient?identifier=http://x|1")),
        entry("POST", "Observation", observation(f"{BASE}/Patient?identifier=http%3A%2F%2Fx%7C2")),
    )

    assert first["resource"]["subject"]["reference"] == "Patient/there"
    assert second["resource"]["subject"]["reference"].startswith("Patient/")
    assert await fhir.total("Observation?patient.identifier=2") == 1


async def test_a_conditional_reference_must_find_exactly_one(fhir: Any) -> None:
    await fhir.put(patient("1", id="a"), patient("1", id="b"))

    none = await refused(
        fhir, entry("POST", "Patient", patient()), entry("POST", "Observation", observation("Patient?identifier=9"))
    )
    two = await refused(fhir, entry("POST", "Observation", observation("Patient?identifier=1")))
    unknown = await refused(fhir, entry("POST", "Observation", observation("Patient?nothing=1")))
    no_type = await refused(fhir, entry("POST", "Observation", observation("Nonsense?nothing=1")))

    assert none == (412, ["Bundle.entry[1].resource.subject"])
    assert two == (412, ["Bundle.entry[0].resource.subject"])
    assert unknown == (400, ["Bundle.entry[0].resource.subject"])
    assert no_type == (400, ["Bundle.entry[0].resource.subject.reference"])


async def test_one_bad_entry_and_nothing_is_stored(fhir: Any) -> None:
    good = [entry("POST", "Patient", patient()) for _ in range(3)]

    failed = await refused(fhir, *good, entry("POST", "Patient", patient(gender=7)), *good)

    assert failed[0] in (400, 422)
    assert failed[1] == ["Bundle.entry[3].resource.gender"]


async def test_all_bad_entries_are_named_at_once(fhir: Any) -> None:
    _, expressions = await refused(
        fhir,
        entry("POST", "Patient", patient(birthDate="yesterday")),
        entry("POST", "Observation", {"resourceType": "Observation", "code": {}}),
        entry("POST", "Nonsense", {"resourceType": "Nonsense"}),
    )

    assert {expression.partition("]")[0] for expression in expressions} == {
        "Bundle.entry[0",
        "Bundle.entry[1",
        "Bundle.entry[2",
    }


PATCH: Json = {"resourceType": "Patient", "gender": "male"}


@pytest.mark.parametrize(
    ("bad", "status", "where"),
    [
        (entry("PUT", "Patient/a", patient(id="b")), 400, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient/a", patient(id="a"), ifMatch='W/"9"'), 412, "Bundle.entry[1]"),
        (entry("PUT", "Patient/new", patient(id="new"), ifMatch='W/"1"'), 412, "Bundle.entry[1]"),
        (entry("PUT", "Patient/new", patient(id="new"), ifMatch="*"), 412, "Bundle.entry[1]"),
        (entry("PUT", "Patient/a", patient(id="a"), ifMatch='W/"8", W/"9"'), 412, "Bundle.entry[1]"),
        (entry("PUT", "Patient/a", patient(id="a"), ifNoneMatch="*"), 412, "Bundle.entry[1]"),
        (entry("PUT", "Patient/a", patient(id="a"), ifMatch="x"), 400, "Bundle.entry[1]"),
        (entry("PUT", "Patient?identifier=1", patient()), 412, "Bundle.entry[1]"),
        (entry("PUT", "Patient?identifier=9", patient(id="a")), 409, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient", patient()), 400, "Bundle.entry[1]"),
        (entry("DELETE", "Patient/a", ifMatch='W/"9"'), 412, "Bundle.entry[1]"),
        (entry("DELETE", "Patient?identifier=1"), 412, "Bundle.entry[1]"),
        (entry("DELETE", "Patient"), 400, "Bundle.entry[1]"),
        (entry("PATCH", "Patient/none", PATCH), 404, "Bundle.entry[1]"),
        (entry("PATCH", "Patient?identifier=9", PATCH), 404, "Bundle.entry[1]"),
        (entry("PATCH", "Patient/a", PATCH, ifMatch='W/"9"'), 412, "Bundle.entry[1]"),
        (entry("PATCH", "Patient/a", {"gender": 7}), 400, "Bundle.entry[1].resource.gender"),
        (entry("POST", "Patient", observation()), 400, "Bundle.entry[1].resource.resourceType"),
        (entry("POST", "Patient"), 400, "Bundle.entry[1]"),
        (entry("POST", "Patient", patient(), ifNoneExist="identifier=1"), 412, "Bundle.entry[1]"),
        (entry("POST", "Patient", patient(), ifNoneExist="nothing=1"), 400, "Bundle.entry[1]"),
        (entry("POST", "Patient/a", patient()), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "", bundle()), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "$everything"), 400, "Bundle.entry[1].request.url"),
        (entry("DELETE", "Patient/a/_history/1"), 400, "Bundle.entry[1].request.url"),
        (entry("PUT", f"Patient/{'a' * 65}", patient()), 400, "Bundle.entry[1].request.url"),
        (entry("GET", "Patient?nothing=1"), 400, "Bundle.entry[1]"),
        (entry("GET", "Nonsense/1"), 404, "Bundle.entry[1]"),
        (entry("GET", "http://elsewhere.org/Patient/1"), 400, "Bundle.entry[1].request.url"),
        (entry("FETCH", "Patient/1"), 400, "Bundle.entry[1].request.method"),
        (entry("POST", "Observation", observation("Patient/none")), 409, "Bundle.entry[1].resource.subject"),
        (entry("DELETE", "Patient/referred"), 409, "Bundle.entry[1]"),
    ],
)
async def test_what_cannot_be_done_fails_the_whole_and_says_where(
    fhir: Any, bad: Json, status: int, where: str
) -> None:
    await fhir.put(patient("1", id="a"), patient("1", id="b"), patient(id="referred"))
    await fhir.put(observation("Patient/referred", id="o"))

    failed, expressions = await refused(fhir, entry("POST", "Patient", patient()), bad)

    assert (failed, {expression[: len(where)] for expression in expressions}) == (status, {where})


async def test_a_reference_to_an_entry_that_is_not_there_is_refused(fhir: Any) -> None:
    lost = observation("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0")
    lax = replace(fhir, services=replace(fhir.services, referential_integrity=False))

    failed = await refused(fhir, entry("POST", "Patient", patient(), URN), entry("POST", "Observation", lost))

    assert failed == (400, ["Bundle.entry[1].resource.subject"])
    assert statuses(await done(lax, entry("POST", "Observation", lost))) == ["201 Created"]


async def test_a_conditional_delete_may_find_several_if_the_server_is_set_so(fhir: Any) -> None:
    several = replace(fhir, services=replace(fhir.services, conditional_delete="multiple", max_delete=2))
    await several.put(patient("1", id="a"), patient("1", id="b"), patient("2", id="c"))
    delete = entry("DELETE", "Patient?identifier=1")

    twice = await refused(several, delete, entry("DELETE", "Patient/b"))
    await several.put(observation("Patient/b", id="o"))
    referred = await refused(several, delete)
    deleted = await done(several, delete, entry("DELETE", "Observation/o"), entry("POST", "Patient", patient("1")))
    await several.put(*(patient("3", id=f"x{n}") for n in range(3)))
    too_many = await refused(several, entry("DELETE", "Patient?identifier=3"))

    assert (twice[0], referred, too_many[0]) == (400, (409, ["Bundle.entry[0]"]), 412)
    assert statuses(deleted) == ["204 No Content", "204 No Content", "201 Created"]
    assert [await several.total(f"Patient?identifier={n}") for n in "123"] == [1, 1, 3]


async def test_a_resource_is_written_only_once(fhir: Any) -> None:
    await fhir.put(patient("1", id="a"))
    put = entry("PUT", "Patient/a", patient("1", id="a"))

    assert (await refused(fhir, put, put))[0] == 400
    assert (await refused(fhir, put, entry("DELETE", "Patient/a")))[0] == 400
    assert (await refused(fhir, put, entry("PATCH", "Patient?identifier=1", PATCH)))[0] == 400
    assert (await refused(fhir, put, entry("PUT", "Patient?identifier=1", patient("1"))))[0] == 400


@pytest.mark.parametrize("url", ["$fhirpath", "Patient/$validate", "Patient/a/$meta-add"])
async def test_an_operation_is_for_batches(fhir: Any, url: str) -> None:
    entries = [entry("POST", url, {"resourceType": "Parameters"})]
    status, outcome = await fhir("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    assert status == 400
    assert "send a batch" in outcome["issue"][0]["details"]["text"]


async def test_a_full_url_stands_only_once(fhir: Any) -> None:
    created = entry("POST", "Patient", patient(), URN)

    assert await refused(fhir, created, created) == (400, ["Bundle.entry[1].fullUrl"])


async def test_references_must_hold_at_the_end(fhir: Any) -> None:
    await fhir.put(patient(id="a"))
    await fhir.put(observation("Patient/a", id="o"))

    moved = await done(
        fhir,
        entry("DELETE", "Patient/a"),
        entry("PUT", "Observation/o", observation("Patient/b", id="o")),
        entry("PUT", "Patient/b", patient(id="b")),
    )
    both = await done(fhir, entry("DELETE", "Patient/b"), entry("DELETE", "Observation/o"))

    assert statuses(moved) == ["204 No Content", "200 OK", "201 Created"]
    assert statuses(both) == ["204 No Content", "204 No Content"]


async def test_referential_integrity_can_be_off(fhir: Any) -> None:
    lax = replace(fhir, services=replace(fhir.services, referential_integrity=False))

    (created,) = await done(lax, entry("POST", "Observation", observation("Patient/none")))

    assert created["resource"]["subject"]["reference"] == "Patient/none"


async def test_a_get_that_finds_nothing_does_not_fail_the_others(fhir: Any) -> None:
    created, nothing = await done(fhir, entry("POST", "Patient", patient()), entry("GET", "Patient/none"))

    assert statuses([created, nothing]) == ["201 Created", "404 Not Found"]
    assert nothing["response"]["outcome"]["issue"][0]["code"] == "not-found"


async def test_conditions_of_a_get_are_kept(fhir: Any) -> None:
    await fhir.put(patient(id="a"))

    (unchanged,) = await done(fhir, entry("GET", "Patient/a", ifNoneMatch='W/"1"'))

    assert unchanged == {"response": unchanged["response"]}
    assert unchanged["response"]["status"] == "304 Not Modified"


async def test_patches_of_every_kind_are_entries_too(fhir: Any) -> None:
    await fhir.put(patient(id="a"), patient(id="b"))
    operations = [{"op": "add", "path": "/gender", "value": "male"}]
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(json.encode(operations)).decode(),
    }
    parts = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "generalPractitioner"},
        {"name": "value", "valueReference": {"reference": URN}},
    ]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}

    first, second, _ = await done(
        fhir,
        entry("PATCH", "Patient/a", binary, ifMatch='W/"1"'),
        entry("PATCH", "Patient/b", parameters),
        entry("POST", "Practitioner", {"resourceType": "Practitioner"}, URN),
    )

    assert first["resource"]["gender"] == "male"
    assert second["resource"]["generalPractitioner"][0]["reference"].startswith("Practitioner/")


async def test_an_entry_may_leave_out_the_type_that_its_url_says(fhir: Any) -> None:
    (created,) = await done(fhir, entry("POST", "/Patient", {"active": True}))

    assert created["resource"]["resourceType"] == "Patient"


async def test_an_empty_transaction_is_one(fhir: Any) -> None:
    assert await fhir("POST", "", {"resourceType": "Bundle", "type": "transaction"}) == (
        200,
        {"resourceType": "Bundle", "type": "transaction-response"},
    )


async def test_rules_are_kept_in_a_transaction(fhir: Any) -> None:
    def only_once(before: Json | None, after: Json) -> list[Issue]:
        return [Issue("business-rule", "不可", "no", ("Patient.gender",))] if before and before != after else []

    ruled = replace(fhir, services=replace(fhir.services, rules={"Patient": (only_once,)}))
    await ruled.put(patient(id="a"))

    failed = await refused(ruled, entry("PUT", "Patient/a", patient(id="a", gender="male")))

    assert failed == (422, ["Bundle.entry[0].resource.gender"])


class Meddling(MemoryStore):
    """A store where someone else writes just before the first commits."""

    def __init__(self, services: Services, meddle: Any) -> None:
        self.__dict__ = services.store.__dict__
        self.meddle = meddle

    async def commit(self, changes: Sequence[Change], conditions: Sequence[Condition] = ()) -> list[Committed]:
        meddle, self.meddle = self.meddle, None
        if meddle:
            await meddle()
        return await super().commit(changes, conditions)


def meddled(fhir: Any, meddle: Any) -> Any:
    """Return the interactions on the same store, with something that happens before the first commit."""
    return replace(fhir, services=replace(fhir.services, store=Meddling(fhir.services, meddle)))


async def test_it_is_resolved_again_if_someone_else_creates_the_match(fhir: Any) -> None:
    raced = meddled(fhir, lambda: fhir.put(patient("7", id="theirs")))

    found, referring, by_search = await done(
        raced,
        entry("POST", "Patient", patient("7"), URN, ifNoneExist="identifier=http://x|7"),
        entry("POST", "Observation", observation(URN)),
        entry("POST", "Observation", observation("Patient?identifier=http://x|7")),
    )

    assert found["response"]["status"] == "200 OK"
    assert referring["resource"]["subject"]["reference"] == "Patient/theirs"
    assert by_search["resource"]["subject"]["reference"] == "Patient/theirs"
    assert await fhir.total("Patient") == 1


async def test_a_patch_is_applied_again_to_what_someone_else_wrote(fhir: Any) -> None:
    await fhir.put(patient(id="a"))
    raced = meddled(fhir, lambda: fhir.put(patient(id="a", birthDate="1980-01-01")))

    (patched,) = await done(raced, entry("PATCH", "Patient/a", PATCH))

    assert (patched["resource"]["gender"], patched["resource"]["birthDate"]) == ("male", "1980-01-01")


async def test_with_if_match_what_someone_else_wrote_is_an_error(fhir: Any) -> None:
    await fhir.put(patient(id="a"))

    for asked in (
        entry("PUT", "Patient/a", patient(id="a"), ifMatch='W/"1"'),
        entry("PATCH", "Patient/a", PATCH, ifMatch='W/"1"'),
    ):
        raced = meddled(fhir, lambda: fhir.put(patient(id="a", gender="other")))
        status, _ = await raced("POST", "", bundle(asked))
        assert status == 412
        await fhir("DELETE", "Patient/a")
        await fhir.put(patient(id="a"))
        asked["request"]["ifMatch"] = (await fhir("GET", "Patient/a"))[1]["meta"]["versionId"]


async def test_many_at_once_make_one_resource(fhir: Any) -> None:
    one = bundle(
        entry("POST", "Patient", patient("7"), URN, ifNoneExist="identifier=http://x|7"),
        entry("POST", "Observation", observation(URN)),
    )

    answers = await asyncio.gather(*(fhir("POST", "", deepcopy(one)) for _ in range(20)))

    assert [status for status, _ in answers] == [200] * 20
    assert await fhir.total("Patient") == 1
    assert await fhir.total("Observation?subject:Patient.identifier=7") == 20


async def test_ten_thousand_entries_are_done(fhir: Any) -> None:
    entries = [entry("POST", "Patient", patient("0"), URN)]
    entries += [entry("POST", "Observation", observation(URN)) for _ in range(9_999)]

    answered = await done(fhir, *entries, prefer="return=minimal")

    assert len(answered) == 10_000
    assert set(statuses(answered)) == {"201 Created"}


async def test_a_thousand_conditional_creates_stay_quick(fhir: Any) -> None:
    entries = [
        entry("POST", "Patient", patient(str(n // 2)), f"urn:uuid:{n}", ifNoneExist=f"identifier=http://x|{n // 2}")
        for n in range(1_000)
    ]

    answered = await done(fhir, *entries, prefer="return=minimal")

    assert statuses(answered) == ["201 Created", "200 OK"] * 500
