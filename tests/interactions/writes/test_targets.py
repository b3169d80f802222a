"""What a resource refers to conforms to the profile that its own profile asks of it."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.validation.profile.conftest import element, profile

BASE = "http://example.org/fhir/StructureDefinition/"
URN = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"


@pytest.fixture
def new_id() -> str:
    return uuid4().hex


@pytest.fixture
def named(api: httpx.Client, new_id: str) -> Iterator[str]:
    """A profile of Patient that asks for a name, and one of Flag whose subject is to be so; the name of the latter."""
    target = [{"code": "Reference", "targetProfile": [f"{BASE}named-{new_id}"]}]
    definitions = {
        f"named-{new_id}": profile("Patient", element("Patient.name", min=1), name=f"named-{new_id}"),
        f"flag-{new_id}": profile("Flag", element("Flag.subject", type=target), name=f"flag-{new_id}"),
    }
    for id_, definition in definitions.items():
        answer = api.put(f"StructureDefinition/{id_}", json=definition | {"id": id_, "name": "Test"})
        assert answer.status_code == 201, answer.text
    yield f"{BASE}flag-{new_id}"
    for id_ in definitions:
        api.delete(f"StructureDefinition/{id_}")


def flag(subject: str, *profiles: str) -> dict[str, Any]:
    claimed = {"meta": {"profile": [*profiles]}} if profiles else {}
    body = {"resourceType": "Flag", "status": "active", "code": {"text": "注意"}, "subject": {"reference": subject}}
    return body | claimed


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "gender": "female", **elements}


def rules(answer: httpx.Response) -> list[str]:
    """Return the places of the errors of the rule target-profile."""
    return [
        issue["expression"][0]
        for issue in answer.json()["issue"]
        if issue["severity"] == "error" and "target-profile" in issue["details"]["text"]
    ]


def stored(api: httpx.Client, resource: dict[str, Any]) -> str:
    answer = api.post(resource["resourceType"], json=resource)
    assert answer.status_code == 201, answer.text
    return f"{resource['resourceType']}/{answer.headers['location'].split('/')[-3]}"


def test_a_target_in_the_store_is_held_to_the_profile(api: httpx.Client, named: str) -> None:
    wrong, right = stored(api, patient()), stored(api, patient(name=[{"text": "山田"}]))

    refused = api.post("Flag", json=flag(wrong, named))
    assert refused.status_code == 422
    assert rules(refused) == ["Flag.subject"]
    assert api.post("Flag", json=flag(right, named)).status_code == 201
    assert api.post("Flag", json=flag(wrong)).status_code == 201
    assert rules(api.post("Flag/$validate", json=flag(wrong, named))) == ["Flag.subject"]
    assert rules(api.post("Flag/$validate", json=flag(right, named))) == []


def test_updates_and_patches_are_held_to_it(api: httpx.Client, named: str, new_id: str) -> None:
    wrong = stored(api, patient())
    assert rules(api.put(f"Flag/{new_id}", json=flag(wrong, named) | {"id": new_id})) == ["Flag.subject"]

    plain = stored(api, flag(wrong))
    claim = [{"op": "add", "path": "/meta/profile", "value": [named]}]
    answer = api.patch(plain, json=claim, headers={"Content-Type": "application/json-patch+json"})
    assert rules(answer) == ["Flag.subject"]


def test_a_target_that_claims_the_profile_is_taken_at_its_word(api: httpx.Client, named: str) -> None:
    claimed = named.replace("/flag-", "/named-")
    right = stored(api, patient(name=[{"text": "山田"}], meta={"profile": [claimed]}))

    assert api.post("Flag", json=flag(right, named)).status_code == 201


@pytest.mark.parametrize("kind", ["transaction", "collection"])
def test_a_target_in_the_same_bundle_is_held_to_it(api: httpx.Client, named: str, kind: str) -> None:
    def bundle(subject: dict[str, Any]) -> dict[str, Any]:
        entries = [{"fullUrl": URN, "resource": subject}, {"fullUrl": f"{URN[:-1]}1", "resource": flag(URN, named)}]
        if kind == "transaction":
            entries = [
                each | {"request": {"method": "POST", "url": str(each["resource"]["resourceType"])}}  # type: ignore[index]
                for each in entries
            ]
        return {"resourceType": "Bundle", "type": kind, "entry": entries}

    place = "Bundle.entry[1].resource.subject"
    assert rules(api.post("Bundle/$validate", json=bundle(patient()))) == [place]
    if kind == "transaction":
        refused = api.post("", json=bundle(patient()))
        assert refused.status_code == 422
        assert rules(refused) == [place]
        assert api.post("", json=bundle(patient(name=[{"text": "山田"}]))).status_code == 200


def test_a_target_in_the_store_that_an_entry_refers_to_is_held_to_it(api: httpx.Client, named: str) -> None:
    wrong = stored(api, patient())
    entry = {"resource": flag(wrong, named), "request": {"method": "POST", "url": "Flag"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    assert rules(api.post("", json=bundle)) == ["Bundle.entry[0].resource.subject"]
    assert rules(api.post("Bundle/$validate", json=bundle)) == ["Bundle.entry[0].resource.subject"]
