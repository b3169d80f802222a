"""XML Patch over HTTP, alone and in a Bundle."""

import base64
import uuid
from typing import Any

import httpx
import pytest

XML_PATCH = "application/xml-patch+xml"
PATCH = '<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:Patient/f:name/f:family/@value">渡邊</replace></diff>'


@pytest.fixture
def patient(api: httpx.Client) -> str:
    body = {"resourceType": "Patient", "id": uuid.uuid4().hex, "name": [{"family": "山田"}]}
    assert api.put(f"Patient/{body['id']}", json=body).status_code == 201
    return f"Patient/{body['id']}"


def family(resource: dict[str, Any]) -> str:
    return str(resource["name"][0]["family"])


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=shift_jis"])
def test_a_patch_makes_a_new_version(api: httpx.Client, patient: str, charset: str) -> None:
    content = PATCH.encode(charset.partition("=")[2] or "utf-8")

    answer = api.patch(patient, content=content, headers={"Content-Type": XML_PATCH + charset})

    assert answer.status_code == 200, answer.text
    assert (family(answer.json()), answer.json()["meta"]["versionId"]) == ("渡邊", "2")


def test_a_patch_in_a_bundle_is_a_binary(api: httpx.Client, patient: str) -> None:
    data = base64.b64encode(PATCH.encode()).decode()
    entry = {
        "resource": {"resourceType": "Binary", "contentType": XML_PATCH, "data": data},
        "request": {"method": "PATCH", "url": patient},
    }

    for kind in ("batch", "transaction"):
        answer = api.post("", json={"resourceType": "Bundle", "type": kind, "entry": [entry]})
        assert answer.json()["entry"][0]["response"]["status"].startswith("200"), answer.text
    assert family(api.get(patient).json()) == "渡邊"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"<diff", 400),
        (b"<diff><remove sel='Patient/birthDate'/></diff>", 422),
        (b"<diff><remove sel='Patient/id'/></diff>", 422),
    ],
)
def test_what_is_wrong_is_told(api: httpx.Client, patient: str, content: bytes, status: int) -> None:
    assert api.patch(patient, content=content, headers={"Content-Type": XML_PATCH}).status_code == status


def test_a_patch_is_no_resource(api: httpx.Client, patient: str) -> None:
    for method, path in (("POST", "Patient"), ("PUT", patient), ("POST", ""), ("POST", "Patient/$validate")):
        answer = api.request(method, path, content=PATCH.encode(), headers={"Content-Type": XML_PATCH})
        assert answer.status_code == 400, (method, path, answer.text)


def test_the_capability_statement_claims_it(api: httpx.Client) -> None:
    assert XML_PATCH in api.get("metadata").json()["patchFormat"]
