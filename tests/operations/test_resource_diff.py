"""$diff over HTTP."""

from typing import Any

import httpx
import pytest

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "山田", "given": ["花子"]}],
    "gender": "female",
}


@pytest.fixture
def patient(api: httpx.Client, new_id: str) -> str:
    """A patient in three versions; its path."""
    versions = [
        PATIENT,
        PATIENT | {"name": [{"family": "田中", "given": ["花子"]}]},
        {"resourceType": "Patient", "name": [{"family": "田中", "given": ["花子"]}], "birthDate": "1980-01-01"},
    ]
    for version in versions:
        assert api.put(f"Patient/{new_id}", json=version | {"id": new_id}).status_code in (200, 201)
    return f"Patient/{new_id}"


def operations(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    found = [{part["name"]: part for part in each["part"]} for each in answer.json().get("parameter", [])]
    return [(each["type"]["valueCode"], each["path"]["valueString"]) for each in found]


def test_without_parameters_it_is_what_the_last_change_did(api: httpx.Client, patient: str) -> None:
    assert operations(api.get(f"{patient}/$diff")) == [("add", "Patient"), ("delete", "Patient.gender")]


def test_versions_are_named_by_number_or_reference(api: httpx.Client, patient: str) -> None:
    renamed = [("replace", "Patient.name[0].family")]

    assert operations(api.get(f"{patient}/$diff?fromVersion=1&toVersion=2")) == renamed
    assert operations(api.get(f"{patient}/$diff?from={patient}/_history/1&to={patient}/_history/2")) == renamed
    assert len(operations(api.get(f"{patient}/$diff?from={patient}/_history/1"))) == 3
    assert operations(api.get(f"{patient}/$diff?fromVersion=3")) == []


def test_the_answer_can_be_sent_as_a_patch(api: httpx.Client, patient: str) -> None:
    back = api.get(f"{patient}/$diff?fromVersion=3&toVersion=1").json()

    answer = api.patch(patient, json=back)

    assert answer.status_code == 200, answer.text
    assert {k: v for k, v in answer.json().items() if k not in ("id", "meta")} == PATIENT


def test_two_resources_are_compared_on_the_system(api: httpx.Client, patient: str) -> None:
    other = api.post("Patient", json=PATIENT).json()["id"]

    assert operations(api.get(f"$diff?from={patient}/_history/1&to=Patient/{other}")) == []
    assert len(operations(api.get(f"$diff?from=Patient/{other}&to={api.base_url}{patient}"))) == 3


def test_it_can_be_posted(api: httpx.Client, patient: str) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "fromVersion", "valuePositiveInt": 2}]}

    assert len(operations(api.post(f"{patient}/$diff", json=body))) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("$diff", 400),
        ("$diff?from=ME", 400),
        ("$diff?from=ME&to=http://other.example/fhir/Patient/1", 400),
        ("$diff?from=ME&to=Patient/nobody", 404),
        ("ME/$diff?fromVersion=9", 404),
        ("ME/$diff?toVersion=1", 404),
        ("ME/$diff?fromVersion=0", 400),
        ("ME/$diff?fromVersion=1&from=ME", 400),
        ("ME/$diff?from=Patient/another", 400),
        ("ME/$diff?from=ME/_history/x", 400),
        ("ME/$diff?colour=red", 400),
        ("Patient/nobody/$diff", 404),
    ],
)
def test_what_cannot_be_compared_is_refused(api: httpx.Client, patient: str, path: str, status: int) -> None:
    assert api.get(path.replace("ME", patient)).status_code == status


def test_resources_of_different_types_are_not_compared(api: httpx.Client, patient: str) -> None:
    basic = api.post("Basic", json={"resourceType": "Basic", "code": {"text": "x"}}).json()["id"]

    assert api.get(f"$diff?from={patient}&to=Basic/{basic}").status_code == 400


def test_a_first_version_has_none_before_it_to_compare_with(api: httpx.Client) -> None:
    only = api.post("Basic", json={"resourceType": "Basic", "code": {"text": "x"}}).json()["id"]

    answer = api.get(f"Basic/{only}/$diff")

    assert answer.status_code == 404
    assert "no version before the first" in answer.json()["issue"][0]["details"]["text"]
