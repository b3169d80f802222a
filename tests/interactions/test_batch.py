"""https://hl7.org/fhir/R4/http.html#transaction"""

import uuid
from dataclasses import replace
from typing import Any

import httpx

from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.routes import dispatch
from fhir_service.interactions.services import Services

BASE = "http://example.org/fhir"
Json = dict[str, Any]
PATIENT: Json = {"resourceType": "Patient", "active": True}


def entry(method: str, url: str, resource: Any = None, **request: str) -> Json:
    made: Json = {"request": {"method": method, "url": url, **request}}
    return made if resource is None else made | {"resource": resource}


async def answered(fhir: Any, *entries: Any, **headers: str) -> list[Json]:
    status, answer = await fhir("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries}, **headers)
    assert (status, answer["type"]) == (200, "batch-response")
    return answer["entry"]


def statuses(entries: list[Json]) -> list[str]:
    return [one["response"]["status"] for one in entries]


async def test_each_entry_is_answered_for_itself(fhir: Any) -> None:
    await fhir.put(PATIENT | {"id": "a"}, PATIENT | {"id": "b"})

    entries = await answered(
        fhir,
        entry("GET", "Patient/none"),
        entry("POST", "Patient", PATIENT),
        entry("POST", "Patient", {"resourceType": "Patient", "active": "perhaps"}),
        entry("PUT", "Patient/new", PATIENT | {"id": "new"}),
        entry("PATCH", "Patient/a", {"resourceType": "Patient", "gender": "male"}),
        entry("DELETE", "Patient/b"),
        entry("GET", "Patient?gender=male"),
        entry("HEAD", "Patient/a"),
        entry("GET", "Patient?nothing=1"),
        "no entry",
        entry("GET", "http://elsewhere.org/Patient/1"),
        entry("OPTIONS", "Patient"),
        entry("POST", "", {"resourceType": "Bundle", "type": "batch"}),
        entry("PUT", "metadata", PATIENT),
    )

    assert statuses(entries) == [
        "404 Not Found",
        "201 Created",
        "400 Bad Request",
        "201 Created",
        "200 OK",
        "204 No Content",
        "200 OK",
        "200 OK",
        "400 Bad Request",
        "400 Bad Request",
        "400 Bad Request",
        "400 Bad Request",
        "400 Bad Request",
        "405 Method Not Allowed",
    ]
    assert entries[0]["response"]["outcome"]["issue"][0]["code"] == "not-found"
    assert entries[1]["response"]["location"].endswith("/_history/1")
    assert entries[1]["response"]["lastModified"].endswith("+09:00")
    assert entries[2]["response"]["outcome"]["issue"][0]["expression"] == ["Patient.active"]
    assert entries[6]["resource"]["total"] == 1
    assert "resource" not in entries[7] and entries[7]["response"]["etag"] == 'W/"2"'
    assert entries[9]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[9]"]


async def test_an_entry_tells_what_it_wrote_as_in_a_transaction(fhir: Any) -> None:
    await fhir.put(PATIENT | {"id": "a"})

    updated, read, found = await answered(
        fhir,
        entry("PUT", "Patient/a", PATIENT | {"id": "a"}),
        entry("GET", "Patient/a"),
        entry("GET", "Patient?_id=a"),
    )

    for one in (updated, read):
        assert one["fullUrl"] == f"{BASE}/Patient/a"
        assert one["response"]["lastModified"] == one["resource"]["meta"]["lastUpdated"]
    assert updated["response"]["location"] == f"{BASE}/Patient/a/_history/2"
    assert "location" not in read["response"]
    assert "fullUrl" not in found


async def test_conditions_of_an_entry_are_kept(fhir: Any) -> None:
    await fhir.put(PATIENT | {"id": "a", "identifier": [{"value": "7"}]})

    entries = await answered(
        fhir,
        entry("PUT", "Patient/a", PATIENT | {"id": "a"}, ifMatch='W/"9"'),
        entry("POST", "Patient", PATIENT, ifNoneExist="identifier=7"),
        entry("GET", "Patient/a", ifNoneMatch='W/"1"'),
        entry("GET", "Patient/a", ifModifiedSince="2999-01-01T00:00:00Z"),
    )

    assert statuses(entries) == ["412 Precondition Failed", "200 OK", "304 Not Modified", "304 Not Modified"]
    assert await fhir.total("Patient") == 1


async def test_what_deletes_goes_before_what_creates_and_that_before_what_reads(fhir: Any) -> None:
    await fhir.put(PATIENT | {"id": "a", "identifier": [{"value": "7"}]})

    found, created, deleted = await answered(
        fhir,
        entry("GET", "Patient?identifier=7"),
        entry("POST", "Patient", PATIENT | {"identifier": [{"value": "7"}]}, ifNoneExist="identifier=7"),
        entry("DELETE", "Patient/a"),
    )

    assert statuses([created, deleted]) == ["201 Created", "204 No Content"]
    assert [one["resource"]["id"] for one in found["resource"]["entry"]] == [created["resource"]["id"]]


async def test_an_entry_cannot_refer_to_what_another_makes(fhir: Any) -> None:
    urn = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    coded = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    person = {"fullUrl": urn, "request": {"method": "POST", "url": "Patient"}, "resource": {"resourceType": "Patient"}}
    about = {"request": {"method": "POST", "url": "Observation"}, "resource": coded | {"subject": {"reference": urn}}}

    _, answer = await fhir("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [person, about]})

    made, failed = (each["response"] for each in answer["entry"])
    assert (made["status"], failed["status"]) == ("201 Created", "400 Bad Request")
    assert failed["outcome"]["issue"][0]["expression"] == ["Observation.subject"]


async def test_prefer_holds_for_every_entry(fhir: Any) -> None:
    minimal, refused = await answered(
        fhir, entry("POST", "Patient", PATIENT), entry("GET", "Patient?nothing=1"), prefer="return=minimal"
    )
    (told,) = await answered(fhir, entry("POST", "Patient", PATIENT), prefer="return=OperationOutcome")

    assert "resource" not in minimal and refused["response"]["status"] == "400 Bad Request"
    assert told["response"]["outcome"]["resourceType"] == "OperationOutcome"


async def test_the_conditions_of_the_bundles_own_request_are_not_those_of_its_entries(fhir: Any) -> None:
    await fhir.put(PATIENT | {"id": "a"})

    (updated,) = await answered(fhir, entry("PUT", "Patient/a", PATIENT | {"id": "a"}), if_match='W/"9"')

    assert updated["response"]["status"] == "200 OK"


async def test_a_hundred_entries_of_a_batch_are_all_done(fhir: Any) -> None:
    entries = await answered(fhir, *(entry("POST", "Patient", PATIENT) for _ in range(100)))

    assert set(statuses(entries)) == {"201 Created"}
    assert await fhir.total("Patient") == 100


def test_searches_and_operations_are_answered_within_a_batch(api: httpx.Client) -> None:
    mark = uuid.uuid4().hex
    id_ = api.post("Patient", json=PATIENT | {"identifier": [{"value": mark}]}).json()["id"]
    whom = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Patient"}}]}
    entries = [
        entry("GET", f"Patient?identifier={mark}&_summary=count"),
        entry("POST", f"Patient/_search?identifier={mark}"),
        entry("GET", f"Patient/{id_}/Observation"),
        entry("GET", f"?_type=Patient&_id={id_}"),
        entry("GET", f"Patient/{id_}/_history"),
        entry("GET", f"Patient/{id_}/$everything"),
        entry("POST", "Patient/$validate", {"resourceType": "Patient", "active": "perhaps"}),
        entry("POST", "Patient/$match", whom),
        entry("GET", "metadata"),
    ]

    answer = api.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries}).json()["entry"]

    assert [one["response"]["status"][:3] for one in answer] == ["200"] * 7 + ["400", "200"]
    assert [one["resource"].get("total") for one in answer[:5]] == [1, 1, 0, 1, 1]
    assert answer[5]["resource"]["entry"][0]["resource"]["id"] == id_
    assert answer[6]["resource"]["issue"][0]["severity"] == "error"
    assert answer[7]["response"]["outcome"]["issue"][0]["code"] == "required"
    assert answer[8]["resource"]["resourceType"] == "CapabilityStatement"


async def test_a_defect_in_one_entry_leaves_the_others_alone(fhir: Any) -> None:
    async def breaks(request: FhirRequest, services: Services) -> FhirResponse:
        if request.path == ("Patient", "b"):
            raise ZeroDivisionError
        return await dispatch(request, services)

    await fhir.put(PATIENT | {"id": "a"})
    broken = replace(fhir, services=replace(fhir.services, dispatch=breaks))

    found, failed = await answered(broken, entry("GET", "Patient/a"), entry("GET", "Patient/b"))

    assert statuses([found, failed]) == ["200 OK", "500 Internal Server Error"]
    assert failed["response"]["outcome"]["issue"][0]["code"] == "exception"
