"""Definitions that clients store hold at once: https://hl7.org/fhir/R4/conformance-module.html."""

import uuid
from typing import Any

import httpx

JSON = {"Content-Type": "application/fhir+json", "Prefer": "return=representation"}


def value_set(url: str, *codes: str) -> dict[str, Any]:
    concepts = [{"code": code} for code in codes]
    compose = {"include": [{"system": "http://hl7.org/fhir/administrative-gender", "concept": concepts}]}
    return {
        "resourceType": "ValueSet",
        "id": url.rpartition("/")[2],
        "url": url,
        "status": "active",
        "compose": compose,
    }


def test_a_stored_value_set_is_searched_by_as_it_is_now_and_after_a_restart(start_server: Any) -> None:
    server = start_server()
    url = f"http://example.org/fhir/ValueSet/{uuid.uuid4()}"
    put = f"{server.base}/ValueSet/{url.rpartition('/')[2]}"
    for gender in ("male", "female"):
        httpx.post(f"{server.base}/Patient", json={"resourceType": "Patient", "gender": gender}, headers=JSON)

    def found(base: str) -> Any:
        answer = httpx.get(f"{base}/Patient", params={"gender:in": url})
        entries = answer.json().get("entry", ())
        return answer.status_code, sorted(each["resource"]["gender"] for each in entries)

    assert found(server.base)[0] == 400
    httpx.put(put, json=value_set(url, "male"), headers=JSON)
    assert found(server.base) == (200, ["male"])
    httpx.put(put, json=value_set(url, "male", "female"), headers=JSON)
    assert found(server.base) == (200, ["female", "male"])
    server.stop()
    server = start_server(data_dir=server.data_dir)
    assert found(server.base) == (200, ["female", "male"])
    httpx.delete(f"{server.base}/ValueSet/{url.rpartition('/')[2]}")
    assert found(server.base)[0] == 400
