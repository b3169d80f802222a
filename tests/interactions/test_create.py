"""https://hl7.org/fhir/R4/http.html#create"""

import asyncio
from uuid import uuid4

import httpx
import pytest

PATIENT = {"resourceType": "Patient", "name": [{"family": "山田", "given": ["太郎"]}]}


def identified(value: str) -> dict[str, object]:
    return PATIENT | {"identifier": [{"system": "http://example.jp/create", "value": value}]}


def test_a_create_answers_201_with_location_and_the_resource_as_stored(api: httpx.Client) -> None:
    answer = api.post("Patient", json=PATIENT)

    assert answer.status_code == 201
    stored = answer.json()
    assert stored["name"] == PATIENT["name"]
    assert stored["meta"]["versionId"] == "1"
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Location"] == f"{api.base_url!s}Patient/{stored['id']}/_history/1"
    assert "Last-Modified" in answer.headers
    assert api.get(answer.headers["Location"]).json() == stored


def test_the_server_gives_the_id_whatever_the_client_says(api: httpx.Client) -> None:
    answer = api.post("Patient", json=PATIENT | {"id": "mine", "meta": {"versionId": "77"}})

    assert answer.status_code == 201
    assert answer.json()["id"] != "mine"
    assert answer.json()["meta"]["versionId"] == "1"
    assert api.get("Patient/mine").status_code == 404


def test_prefer_minimal_answers_without_a_body(api: httpx.Client) -> None:
    answer = api.post("Patient", json=PATIENT, headers={"Prefer": "return=minimal"})

    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Content-Length"] == "0"


def test_prefer_operation_outcome_answers_with_one(api: httpx.Client) -> None:
    answer = api.post("Patient", json=PATIENT, headers={"Prefer": "handling=strict; return=OperationOutcome"})

    assert answer.status_code == 201
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["severity"] == "information"


def test_a_body_of_another_type_is_refused(api: httpx.Client) -> None:
    answer = api.post("Patient", json={"resourceType": "Group", "type": "person", "actual": True})

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Group.resourceType"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'"Patient"', b"null", b'{"resourceType":1}'])
def test_a_body_that_is_no_resource_is_refused(api: httpx.Client, body: bytes) -> None:
    answer = api.post("Patient", content=body, headers={"Content-Type": "application/fhir+json"})

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_unknown_resource_type_is_not_found(api: httpx.Client) -> None:
    answer = api.post("Patiens", json={"resourceType": "Patiens"})

    assert answer.status_code == 404
    assert "FHIR R4にありません" in answer.json()["issue"][0]["details"]["text"]


def test_a_reference_to_what_does_not_exist_is_refused_with_its_place(api: httpx.Client) -> None:
    answer = api.post(
        "Encounter",
        json={
            "resourceType": "Encounter",
            "status": "planned",
            "class": {"code": "HH"},
            "subject": {"reference": "Patient/not-here"},
        },
    )

    assert answer.status_code == 409
    assert answer.json()["issue"][0]["expression"] == ["Encounter.subject"]


def test_if_none_exist_creates_only_what_is_not_there(api: httpx.Client) -> None:
    value = str(uuid4())
    header = {"If-None-Exist": f"identifier=http://example.jp/create|{value}"}

    first = api.post("Patient", json=identified(value), headers=header)
    second = api.post("Patient", json=identified(value), headers=header)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert second.headers["ETag"] == 'W/"1"'
    assert second.headers["Location"] == first.headers["Location"]


def test_if_none_exist_that_finds_several_is_412(api: httpx.Client) -> None:
    value = str(uuid4())
    for _ in range(2):
        api.post("Patient", json=identified(value))

    answer = api.post(
        "Patient", json=identified(value), headers={"If-None-Exist": f"identifier=http://example.jp/create|{value}"}
    )

    assert answer.status_code == 412
    assert answer.json()["issue"][0]["code"] == "multiple-matches"


@pytest.mark.parametrize(
    "criteria",
    [
        "",
        "nonsense=1",
        "name:nonsense=1",
        "_format=json",
        "_count=1",
        "birthdate=yesterday",
        "identifier=",
        "name=A&identifier=",
    ],
)
def test_if_none_exist_that_says_nothing_sound_is_refused(api: httpx.Client, criteria: str) -> None:
    answer = api.post("Patient", json=PATIENT, headers={"If-None-Exist": criteria, "Prefer": "handling=lenient"})

    assert answer.status_code == 400


async def test_a_conditional_create_makes_one_resource_however_many_ask_at_once(api: httpx.Client) -> None:
    value = str(uuid4())
    header = {"If-None-Exist": f"identifier=http://example.jp/create|{value}"}

    async with httpx.AsyncClient(base_url=api.base_url, timeout=30) as client:
        answers = await asyncio.gather(
            *(client.post("Patient", json=identified(value), headers=header) for _ in range(40))
        )
        found = (await client.get("Patient", params={"identifier": f"http://example.jp/create|{value}"})).json()

    assert sorted(answer.status_code for answer in answers) == [200] * 39 + [201]
    assert found["total"] == 1
    assert {answer.json()["id"] for answer in answers} == {found["entry"][0]["resource"]["id"]}


@pytest.mark.parametrize("criteria", ["identifier=a%00b", "identifier=%ff", "identifier=%zz"])
def test_criteria_that_cannot_be_read_are_400(api: httpx.Client, criteria: str) -> None:
    assert api.post("Patient", json=PATIENT, headers={"If-None-Exist": criteria}).status_code == 400


def test_a_question_mark_in_a_value_of_a_criterion_belongs_to_it(api: httpx.Client) -> None:
    patient = PATIENT | {"identifier": [{"system": "http://example.jp/q?name=a", "value": "1"}]}
    header = {"If-None-Exist": "identifier=http://example.jp/q?name=a|1"}

    answers = [api.post("Patient", json=patient, headers=header).status_code for _ in range(2)]

    assert answers == [201, 200]
