"""https://hl7.org/fhir/R4/http.html#update"""

import asyncio
from uuid import uuid4

import httpx
import pytest

PATIENT = {"resourceType": "Patient", "active": True}
SYSTEM = "http://example.jp/update"


def identified(value: str, **more: object) -> dict[str, object]:
    return PATIENT | {"identifier": [{"system": SYSTEM, "value": value}]} | more


def test_an_update_of_an_unknown_id_creates(api: httpx.Client) -> None:
    id_ = str(uuid4())

    answer = api.put(f"Patient/{id_}", json=PATIENT | {"id": id_})

    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/Patient/{id_}/_history/1")
    assert answer.json()["id"] == id_


def test_an_update_makes_the_next_version(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]

    answer = api.put(f"Patient/{id_}", json=PATIENT | {"id": id_, "active": False})

    assert answer.status_code == 200
    assert answer.headers["ETag"] == 'W/"2"'
    assert "Location" not in answer.headers
    assert api.get(f"Patient/{id_}").json()["active"] is False


def test_an_update_brings_back_what_was_deleted(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]
    api.delete(f"Patient/{id_}")

    answer = api.put(f"Patient/{id_}", json=PATIENT | {"id": id_})

    assert (answer.status_code, answer.headers["ETag"]) == (201, 'W/"3"')


@pytest.mark.parametrize("body_id", [{}, {"id": "other"}])
def test_a_body_whose_id_is_not_that_of_the_url_is_refused(api: httpx.Client, body_id: dict[str, str]) -> None:
    answer = api.put("Patient/this", json=PATIENT | body_id)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Patient.id"]


def test_a_part_of_a_resource_does_not_overwrite_the_whole(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT | {"birthDate": "1970-01-01"}).json()["id"]
    part = api.get(f"Patient/{id_}", params={"_elements": "active"}).json()

    answer = api.put(f"Patient/{id_}", json=part)

    assert answer.status_code == 422
    assert api.get(f"Patient/{id_}").json()["birthDate"] == "1970-01-01"


def test_an_id_of_65_characters_is_refused(api: httpx.Client) -> None:
    answer = api.put(f"Patient/{'x' * 65}", json=PATIENT | {"id": "x" * 65})

    assert answer.status_code == 400


def test_if_match_updates_only_the_version_it_names(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]
    body = PATIENT | {"id": id_}

    right = api.put(f"Patient/{id_}", json=body, headers={"If-Match": 'W/"1"'})
    stale = api.put(f"Patient/{id_}", json=body, headers={"If-Match": 'W/"1"'})

    assert (right.status_code, stale.status_code) == (200, 412)
    assert 'W/"2"' in stale.json()["issue"][0]["details"]["text"]


@pytest.mark.parametrize("etag", ['W/"1", W/"7"', '"7","1"', "*"])
def test_if_match_may_name_several_versions_or_any(api: httpx.Client, etag: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1"""
    id_ = api.post("Patient", json=PATIENT).json()["id"]
    address, body, header = f"Patient/{id_}", PATIENT | {"id": id_}, {"If-Match": etag}

    first = api.put(address, json=body, headers=header)
    second = api.put(address, json=body, headers=header)
    patched = api.patch(address, json={"active": True}, headers=header)
    deleted = api.delete(address, headers=header)

    then = 200 if etag == "*" else 412
    assert [each.status_code for each in (first, second, patched)] == [200, then, then]
    assert deleted.status_code == (204 if etag == "*" else 412)


@pytest.mark.parametrize("etag", ['W/"9"', 'W/"0"', 'W/"x"', 'W/"1", W/"2"', "*"])
def test_if_match_on_what_never_was_is_412(api: httpx.Client, etag: str) -> None:
    id_ = str(uuid4())

    assert api.put(f"Patient/{id_}", json=PATIENT | {"id": id_}, headers={"If-Match": etag}).status_code == 412


@pytest.mark.parametrize("etag", ["W/1", "'1'", 'W/"1', 'W/"1", *', ""])
def test_an_if_match_that_cannot_be_read_is_400(api: httpx.Client, etag: str) -> None:
    assert api.put("Patient/this", json=PATIENT | {"id": "this"}, headers={"If-Match": etag}).status_code == 400


def test_if_none_match_star_creates_only(api: httpx.Client) -> None:
    id_ = str(uuid4())
    header = {"If-None-Match": "*"}

    first = api.put(f"Patient/{id_}", json=PATIENT | {"id": id_}, headers=header)
    second = api.put(f"Patient/{id_}", json=PATIENT | {"id": id_}, headers=header)

    assert (first.status_code, second.status_code) == (201, 412)


async def test_of_many_updates_of_one_version_one_succeeds(api: httpx.Client) -> None:
    async with httpx.AsyncClient(base_url=api.base_url, timeout=30) as client:
        id_ = (await client.post("Patient", json=PATIENT)).json()["id"]
        answers = await asyncio.gather(
            *(
                client.put(f"Patient/{id_}", json=PATIENT | {"id": id_}, headers={"If-Match": 'W/"1"'})
                for _ in range(30)
            )
        )

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 29


def test_a_conditional_update_that_finds_nothing_creates(api: httpx.Client) -> None:
    value = str(uuid4())

    answer = api.put("Patient", params={"identifier": f"{SYSTEM}|{value}"}, json=identified(value))

    assert answer.status_code == 201
    assert "Location" in answer.headers


def test_a_conditional_update_that_finds_one_updates_it(api: httpx.Client) -> None:
    value = str(uuid4())
    id_ = api.post("Patient", json=identified(value)).json()["id"]
    criteria = {"identifier": f"{SYSTEM}|{value}"}

    without_id = api.put("Patient", params=criteria, json=identified(value, active=False))
    with_its_id = api.put("Patient", params=criteria, json=identified(value, id=id_))
    with_another = api.put("Patient", params=criteria, json=identified(value, id="other"))

    assert (without_id.status_code, without_id.json()["id"]) == (200, id_)
    assert (with_its_id.status_code, with_its_id.headers["ETag"]) == (200, 'W/"3"')
    assert with_another.status_code == 400


def test_a_conditional_update_that_finds_nothing_creates_under_the_id_of_the_body(api: httpx.Client) -> None:
    value, id_ = str(uuid4()), str(uuid4())
    criteria = {"identifier": f"{SYSTEM}|{value}"}

    created = api.put("Patient", params=criteria, json=identified(value, id=id_))
    taken = api.put("Patient", params={"identifier": f"{SYSTEM}|none"}, json=identified("none", id=id_))

    assert (created.status_code, created.json()["id"]) == (201, id_)
    assert taken.status_code == 409


def test_a_conditional_update_that_finds_several_is_412(api: httpx.Client) -> None:
    value = str(uuid4())
    for _ in range(2):
        api.post("Patient", json=identified(value))

    answer = api.put("Patient", params={"identifier": f"{SYSTEM}|{value}"}, json=identified(value))

    assert answer.status_code == 412


def test_a_conditional_update_without_criteria_is_refused(api: httpx.Client) -> None:
    assert api.put("Patient", json=PATIENT).status_code == 400


def test_a_conditional_update_heeds_if_match(api: httpx.Client) -> None:
    value = str(uuid4())
    api.post("Patient", json=identified(value))
    criteria = {"identifier": f"{SYSTEM}|{value}"}

    stale = api.put("Patient", params=criteria, json=identified(value), headers={"If-Match": 'W/"7"'})
    right = api.put("Patient", params=criteria, json=identified(value), headers={"If-Match": 'W/"1"'})

    assert (stale.status_code, right.status_code) == (412, 200)


async def test_conditional_updates_at_once_make_one_resource(api: httpx.Client) -> None:
    value = str(uuid4())
    criteria = {"identifier": f"{SYSTEM}|{value}"}

    async with httpx.AsyncClient(base_url=api.base_url, timeout=30) as client:
        answers = await asyncio.gather(
            *(client.put("Patient", params=criteria, json=identified(value)) for _ in range(30))
        )

    assert sorted(answer.status_code for answer in answers) == [200] * 29 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(int(answer.json()["meta"]["versionId"]) for answer in answers) == list(range(1, 31))
