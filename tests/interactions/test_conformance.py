"""Definitions that clients store hold at once: https://hl7.org/fhir/R4/conformance-module.html."""

import uuid
from typing import Any

import httpx

TYPES = "http://hl7.org/fhir/StructureDefinition/"
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


def profile(url: str, *elements: dict[str, Any], base: str = f"{TYPES}Patient", **more: Any) -> dict[str, Any]:
    head = {"resourceType": "StructureDefinition", "id": url.rpartition("/")[2], "url": url, "name": "Tried"}
    head |= {"status": "draft", "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint"}
    return head | {"baseDefinition": base, "differential": {"element": list(elements)}} | more


def element(path: str, **more: Any) -> dict[str, Any]:
    return {"id": path, "path": path} | more


def told(base: str, url: str) -> str:
    """What $validate says of a person of whom nothing is known, by this profile."""
    answer = httpx.post(
        f"{base}/Patient/$validate",
        params={"profile": url},
        json={"resourceType": "Patient", "active": True},
        headers=JSON,
    )
    assert answer.status_code == 200
    return " ".join(f"{each['severity']}: {each['details']['text']}" for each in answer.json()["issue"])


def put(base: str, definition: dict[str, Any]) -> httpx.Response:
    answer = httpx.put(f"{base}/StructureDefinition/{definition['id']}", json=definition, headers=JSON)
    assert answer.status_code in (200, 201), answer.text
    return answer


def test_a_stored_profile_is_checked_by_as_it_is_now(server: Any) -> None:
    url = f"http://example.org/fhir/StructureDefinition/{uuid.uuid4()}"

    assert "is not known here" in told(server.base, url)
    put(server.base, profile(url, element("Patient.name", min=1)))
    assert "'Patient.name' is missing" in told(server.base, url)
    put(server.base, profile(url, element("Patient.birthDate", min=1)))
    assert "'Patient.birthDate' is missing" in told(server.base, url)
    httpx.delete(f"{server.base}/StructureDefinition/{url.rpartition('/')[2]}")
    assert "is not known here" in told(server.base, url)


def test_a_wrong_definition_is_refused_by_its_name(server: Any) -> None:
    url = f"http://example.org/fhir/StructureDefinition/{uuid.uuid4()}"
    sliced = element("Patient.identifier", sliceName="mrn") | {"id": "Patient.identifier:mrn"}
    cases = {
        "it is derived from itself": profile(url, element("Patient.name", min=1), base=url),
        "Patient has no nmae": profile(url, element("Patient.nmae", min=1)),
        "nothing says how it is sliced": profile(url, sliced),
    }

    for said, definition in cases.items():
        answer = httpx.put(f"{server.base}/StructureDefinition/{definition['id']}", json=definition, headers=JSON)
        assert answer.status_code == 422
        assert said in answer.text and url in answer.text


def test_whoever_checks_by_a_doubtful_definition_is_told_of_it(server: Any) -> None:
    base = f"http://example.org/fhir/StructureDefinition/{uuid.uuid4()}"
    whole = [
        element(path, min=0, max="*", definition="…", base={"path": path, "min": 0, "max": "*"})
        for path in ("Patient", "Patient.name")
    ]
    name = element("Patient.name", min=1)
    put(server.base, profile(f"{base}-lost", name, base=f"{base}-nowhere"))
    put(server.base, profile(f"{base}-both", name, snapshot={"element": whole}))

    assert f"{base}-nowhere, which is not here" in told(server.base, f"{base}-lost")
    assert f"{base}-both, element Patient.name is wrong: its snapshot contradicts" in told(server.base, f"{base}-both")


def test_validate_tells_what_is_wrong_with_a_definition_before_it_is_stored(server: Any) -> None:
    wrong = profile(f"http://example.org/fhir/StructureDefinition/{uuid.uuid4()}", element("Patient.nmae", min=1))

    answer = httpx.post(f"{server.base}/StructureDefinition/$validate", json=wrong, headers=JSON)

    assert "Patient has no nmae" in answer.text
