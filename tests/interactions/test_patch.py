"""https://hl7.org/fhir/R4/http.html#patch"""

import asyncio
from typing import Any

import pytest

Json = dict[str, Any]
PATIENT: Json = {
    "resourceType": "Patient",
    "id": "a",
    "active": False,
    "identifier": [{"system": "http://x", "value": "7"}],
    "name": [{"family": "山田"}],
    "managingOrganization": {"reference": "urn:organization"},
}
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
FHIR_JSON = "application/fhir+json"


def fhirpath_patch(type_: str, path: str, **value: Any) -> Json:
    parts: list[Json] = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": path}]
    parts += [{"name": "value", **value}] if value else []
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


@pytest.mark.parametrize("url", ["Patient/a", "Patient?identifier=http://x|7"])
@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (JSON_PATCH, [{"op": "replace", "path": "/active", "value": True}]),
        (FHIR_JSON, fhirpath_patch("replace", "Patient.active", valueBoolean=True)),
        ("application/fhir+xml", fhirpath_patch("replace", "Patient.active", valueBoolean=True)),
        (MERGE_PATCH, {"active": True}),
        ("application/json", {"active": True}),
        (FHIR_JSON, {"resourceType": "Patient", "id": "a", "active": True}),
    ],
)
async def test_every_kind_of_patch_makes_a_new_version(fhir: Any, url: str, media_type: str, body: Any) -> None:
    await fhir.put(PATIENT)

    status, patched = await fhir("PATCH", url, body, media_type)

    assert status == 200
    assert patched.pop("meta")["versionId"] == "2"
    assert patched == PATIENT | {"active": True}
    assert (await fhir("GET", "Patient/a/_history/1"))[1]["active"] is False


async def test_a_null_of_a_partial_resource_takes_an_element_away(fhir: Any) -> None:
    await fhir.put(PATIENT)

    status, patched = await fhir("PATCH", "Patient/a", {"managingOrganization": None, "name": []}, "application/json")

    assert status == 200
    assert "managingOrganization" not in patched and "name" not in patched


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        (JSON_PATCH, [{"op": "test", "path": "/active", "value": True}], 422),
        (JSON_PATCH, [{"op": "remove", "path": "/gender"}], 422),
        (JSON_PATCH, [{"op": "replace", "path": "/id", "value": "b"}], 422),
        (JSON_PATCH, [{"op": "replace", "path": "/resourceType", "value": "Person"}], 422),
        (JSON_PATCH, [{"op": "replace", "path": "", "value": None}], 422),
        (JSON_PATCH, [{"op": "add", "path": "/active", "value": 7}], 400),
        (JSON_PATCH, {"active": True}, 400),
        (FHIR_JSON, fhirpath_patch("replace", "Patient.gender", valueCode="male"), 422),
        (FHIR_JSON, fhirpath_patch("explode", "Patient.gender"), 400),
        (MERGE_PATCH, {"id": "b"}, 422),
        (MERGE_PATCH, {"resourceType": None}, 422),
        (MERGE_PATCH, {"unknown": 1}, 400),
        (MERGE_PATCH, [], 415),
        ("application/json", [{"op": "remove", "path": "/active"}], 415),
        (FHIR_JSON, None, 400),
        (MERGE_PATCH, {"managingOrganization": {"reference": "Organization/none"}}, 409),
    ],
)
async def test_a_patch_that_cannot_be_applied_changes_nothing(
    fhir: Any, media_type: str, body: Any, status: int
) -> None:
    await fhir.put(PATIENT)
    before = await fhir("GET", "Patient/a")

    answered, outcome = await fhir("PATCH", "Patient/a", body, media_type)

    assert (answered, outcome["resourceType"]) == (status, "OperationOutcome")
    assert await fhir("GET", "Patient/a") == before


async def test_only_what_is_there_can_be_patched(fhir: Any) -> None:
    await fhir.put(PATIENT, PATIENT | {"id": "b"}, PATIENT | {"id": "gone"})
    await fhir("DELETE", "Patient/gone")

    def patch(url: str) -> Any:
        return fhir("PATCH", url, {"active": True}, MERGE_PATCH)

    assert (await patch("Patient/none"))[0] == 404
    assert (await patch("Patient/gone"))[0] == 410
    assert (await patch("Patient?identifier=8"))[0] == 404
    assert (await patch("Patient?identifier=7"))[0] == 412
    assert (await patch("Patient?nothing=7"))[0] == 400
    assert (await patch("Patient"))[0] == 400


async def test_if_match_names_the_version_to_be_patched(fhir: Any) -> None:
    await fhir.put(PATIENT)

    refused, _ = await fhir("PATCH", "Patient/a", {"active": True}, MERGE_PATCH, if_match='W/"2"')
    done, _ = await fhir("PATCH", "Patient/a", {"active": True}, MERGE_PATCH, if_match='W/"1"')

    assert (refused, done) == (412, 200)


async def test_prefer_minimal_answers_without_a_body(fhir: Any) -> None:
    await fhir.put(PATIENT)

    assert await fhir("PATCH", "Patient/a", {"active": True}, MERGE_PATCH, prefer="return=minimal") == (200, None)


async def test_patches_at_once_are_all_there_in_the_end(fhir: Any) -> None:
    await fhir.put(PATIENT)

    def add(name: str) -> Any:
        return fhir("PATCH", "Patient/a", [{"op": "add", "path": "/name/-", "value": {"text": name}}], JSON_PATCH)

    answers = await asyncio.gather(*(add(str(n)) for n in range(4)))

    assert [status for status, _ in answers] == [200] * 4
    _, patient = await fhir("GET", "Patient/a")
    assert {name.get("text") for name in patient["name"][1:]} == {"0", "1", "2", "3"}
