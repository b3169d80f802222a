"""https://hl7.org/fhir/R4/http.html#delete"""

from uuid import uuid4

import httpx

PATIENT = {"resourceType": "Patient"}
SYSTEM = "http://example.jp/delete"


def identified(value: str) -> dict[str, object]:
    return PATIENT | {"identifier": [{"system": SYSTEM, "value": value}]}


def test_a_delete_answers_204_however_often(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]

    answers = [api.delete(f"Patient/{id_}") for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert api.get(f"Patient/{id_}").status_code == 410
    assert api.get(f"Patient/{id_}/_history").json()["total"] == 2


def test_a_delete_of_what_never_was_answers_204_and_leaves_no_trace(api: httpx.Client) -> None:
    id_ = str(uuid4())

    assert api.delete(f"Patient/{id_}").status_code == 204
    assert api.get(f"Patient/{id_}").status_code == 404


def test_what_is_deleted_is_not_found_by_search(api: httpx.Client) -> None:
    value = str(uuid4())
    id_ = api.post("Patient", json=identified(value)).json()["id"]
    api.delete(f"Patient/{id_}")

    assert api.get("Patient", params={"identifier": value}).json()["total"] == 0


def test_what_others_refer_to_cannot_be_deleted(api: httpx.Client) -> None:
    patient = api.post("Patient", json=PATIENT).json()["id"]
    group = api.post(
        "Group",
        json={
            "resourceType": "Group",
            "type": "person",
            "actual": True,
            "member": [{"entity": {"reference": f"Patient/{patient}"}}],
        },
    ).json()["id"]

    refused = api.delete(f"Patient/{patient}")
    stale = api.delete(f"Patient/{patient}", headers={"If-Match": 'W/"9"'})

    assert (refused.status_code, stale.status_code) == (409, 412)
    assert f"Group/{group}" in refused.json()["issue"][0]["details"]["text"]
    assert api.delete(f"Group/{group}").status_code == 204
    assert api.delete(f"Patient/{patient}").status_code == 204


def test_if_match_deletes_only_the_version_it_names(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]

    stale = api.delete(f"Patient/{id_}", headers={"If-Match": 'W/"2"'})
    right = api.delete(f"Patient/{id_}", headers={"If-Match": 'W/"1"'})

    assert (stale.status_code, right.status_code) == (412, 204)


def test_prefer_operation_outcome_answers_with_one(api: httpx.Client) -> None:
    id_ = api.post("Patient", json=PATIENT).json()["id"]

    answer = api.delete(f"Patient/{id_}", headers={"Prefer": "return=OperationOutcome"})

    assert (answer.status_code, answer.json()["resourceType"]) == (200, "OperationOutcome")


def test_a_conditional_delete_deletes_the_one_it_finds(api: httpx.Client) -> None:
    value = str(uuid4())
    id_ = api.post("Patient", json=identified(value)).json()["id"]
    criteria = {"identifier": f"{SYSTEM}|{value}"}

    answers = [api.delete("Patient", params=criteria) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 204]
    assert f"Patient/{id_}" in answers[0].json()["issue"][0]["details"]["text"], "the client did not know which it was"
    assert api.get(f"Patient/{id_}").status_code == 410


def test_a_conditional_delete_that_finds_several_deletes_none(api: httpx.Client) -> None:
    value = str(uuid4())
    ids = [api.post("Patient", json=identified(value)).json()["id"] for _ in range(2)]

    assert api.delete("Patient", params={"identifier": f"{SYSTEM}|{value}"}).status_code == 412
    assert [api.get(f"Patient/{id_}").status_code for id_ in ids] == [200, 200]


def test_a_conditional_delete_without_criteria_is_refused(api: httpx.Client) -> None:
    for parameters in ({}, {"_format": "json"}, {"nonsense": "1"}):
        assert api.delete("Patient", params=parameters).status_code == 400
