"""https://hl7.org/fhir/R4/search.html#quantity in other units, and codes by their beginning, over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

UCUM = "http://unitsofmeasure.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
AMOUNTS = {
    "mg": ("5.4", "mg"),
    "g": ("0.0054", "g"),
    "more": ("0.006", "g"),
    "percent": ("5.4", "%"),
    "cel": ("37", "Cel"),
}


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def made(server: Any, tag: str) -> Iterator[None]:
    with httpx.Client(base_url=f"{server.base}/") as client:
        for name, (value, unit) in AMOUNTS.items():
            quantity = f'{{"value":{value},"system":"{UCUM}","code":"{unit}"}}'
            code, part = (f'{{"coding":[{{"system":"http://loinc.org","code":"x-{n}"}}]}}' for n in (1, 2))
            body = (
                f'{{"resourceType":"Observation","id":"{tag}-{name}","status":"final","code":{code},'
                f'"meta":{{"tag":[{{"code":"{tag}"}}]}},"valueQuantity":{quantity},'
                f'"component":[{{"code":{part},"valueQuantity":{quantity}}}]}}'
            )
            headers = {"Content-Type": "application/fhir+json"}
            assert client.put(f"Observation/{tag}-{name}", content=body, headers=headers).status_code == 201
        for code in ("F20.0", "F20.5", "F2", "G20"):
            condition = {
                "resourceType": "Condition",
                "id": f"{tag}-{code}",
                "meta": {"tag": [{"code": tag}]},
                "code": {"coding": [{"system": ICD10, "code": code, "display": "診断"}]},
                "subject": {"display": "x"},
            }
            assert client.put(f"Condition/{tag}-{code}", json=condition).status_code == 201
    yield


def found(api: httpx.Client, path: str, tag: str, **asked: str) -> set[str]:
    answer = api.get(path, params={"_tag": tag, **asked})
    assert answer.status_code == 200, answer.text
    return {entry["resource"]["id"].removeprefix(f"{tag}-") for entry in answer.json().get("entry", [])}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (f"5.4|{UCUM}|mg", {"mg", "g"}),
        (f"0.0054|{UCUM}|g", {"mg", "g"}),
        (f"5400|{UCUM}|ug", {"mg", "g"}),
        (f"5.39|{UCUM}|mg", set()),
        (f"gt5.4|{UCUM}|mg", {"more"}),
        (f"ge5.4|{UCUM}|mg", {"mg", "g", "more"}),
        (f"0.05|{UCUM}|1", {"percent"}),
        (f"310.15|{UCUM}|K", {"cel"}),
        (f"98.6|{UCUM}|[degF]", {"cel"}),
        ("5.4||mg", {"mg"}),
        ("5.4", {"mg", "percent"}),
        (f"5.4|{UCUM}|nonsense", set()),
    ],
)
def test_a_quantity_is_found_in_any_unit_of_its_dimension(
    api: httpx.Client, tag: str, asked: str, ids: set[str]
) -> None:
    assert found(api, "Observation", tag, **{"value-quantity": asked}) == ids
    assert found(api, "Observation", tag, **{"combo-value-quantity": asked}) == ids
    assert found(api, "Observation", tag, **{"component-code-value-quantity": f"x-2${asked}"}) == ids


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("F20", {"F20.0", "F20.5"}),
        ("f2", {"F20.0", "F20.5", "F2"}),
        ("F20.5", {"F20.5"}),
        ("F21,g", {"G20"}),
        ("0", set()),
    ],
)
def test_codes_are_found_by_their_beginning(api: httpx.Client, tag: str, asked: str, ids: set[str]) -> None:
    assert found(api, "Condition", tag, **{"code:code-text": asked}) == ids


def test_what_is_no_code_has_no_beginning_to_ask_for(api: httpx.Client) -> None:
    refused = api.get("Patient", params={"identifier:code-text": "1"})

    assert refused.status_code == 400
    assert "code-text" in refused.text
