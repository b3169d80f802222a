"""Parameters that say what others say answer as if they had rows of their own, over HTTP.

https://hl7.org/fhir/R4/observation.html#search
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

LOINC = "http://loinc.org"


def _concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": LOINC, "code": code}]}


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module")
def api(server: Any, tag: str) -> Iterator[httpx.Client]:
    """Observations of a patient, of a group, of nobody, and of a patient known by a number only."""
    meta = {"tag": [{"system": "http://example.jp/kinship", "code": tag}]}
    subjects: dict[str, dict[str, Any]] = {
        "of-patient": {"subject": {"reference": f"Patient/{tag}"}},
        "of-group": {"subject": {"reference": f"Group/{tag}"}},
        "of-nobody": {},
        "of-number": {"subject": {"type": "Patient", "identifier": {"system": "urn:x", "value": "7"}}},
        "of-thing": {"subject": {"type": "Device", "identifier": {"system": "urn:x", "value": "7"}}},
    }
    with httpx.Client(base_url=f"{server.base}/") as client:
        for resource in (
            {"resourceType": "Patient", "id": tag, "meta": meta, "name": [{"family": "山田"}]},
            {"resourceType": "Group", "id": tag, "meta": meta, "type": "person", "actual": True},
        ):
            assert client.put(f"{resource['resourceType']}/{tag}", json=resource).status_code == 201
        for number, (name, subject) in enumerate(subjects.items()):
            resource = {
                "resourceType": "Observation",
                "id": f"{name}-{tag}",
                "meta": meta,
                "status": "final",
                "code": _concept("whole"),
                "component": [{"code": _concept(f"part-{number}"), "valueQuantity": {"value": number}}],
                **subject,
            }
            assert client.put(f"Observation/{name}-{tag}", json=resource).status_code == 201
        yield client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Observation?patient=Patient/{tag}", {"of-patient"}),
        ("Observation?patient={tag}", {"of-patient"}),
        ("Observation?subject={tag}", {"of-patient", "of-group"}),
        ("Observation?subject=Group/{tag}", {"of-group"}),
        ("Observation?patient:identifier=urn:x|7", {"of-number"}),
        ("Observation?subject:identifier=urn:x|7", {"of-number", "of-thing"}),
        ("Observation?patient:missing=true", {"of-group", "of-nobody", "of-thing"}),
        ("Observation?patient:missing=false", {"of-patient", "of-number"}),
        ("Observation?patient.family=山田", {"of-patient"}),
        ("Observation?patient:Patient.family=山田", {"of-patient"}),
        ("Patient?_has:Observation:patient:code=whole", {""}),
        ("Observation?combo-code=whole", {"of-patient", "of-group", "of-nobody", "of-number", "of-thing"}),
        ("Observation?combo-code=part-1,part-2", {"of-group", "of-nobody"}),
        ("Observation?combo-code:not=part-1,part-2", {"of-patient", "of-number", "of-thing"}),
        ("Observation?combo-code:not=whole", set()),
        ("Observation?combo-value-quantity=ge3", {"of-number", "of-thing"}),
        ("Observation?combo-value-quantity:missing=true", set()),
        ("Observation?combo-data-absent-reason:missing=false", set()),
        ("Observation?_filter=combo-code eq part-1 and subject pr true", {"of-group"}),
        ("Observation?_filter=combo-data-absent-reason pr false and patient pr true", {"of-patient", "of-number"}),
    ],
)
def test_they_find_what_their_own_values_would(api: httpx.Client, tag: str, query: str, expected: set[str]) -> None:
    bundle = api.get(f"{query.format(tag=tag)}&_tag={tag}&_total=accurate").json()

    assert {entry["resource"]["id"].removesuffix(tag).rstrip("-") for entry in bundle.get("entry", [])} == expected
    assert bundle["total"] == len(expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Observation?_include=Observation:patient", {"Patient"}),
        ("Observation?_include=Observation:subject", {"Patient", "Group"}),
        ("Patient?_revinclude=Observation:patient", {"Observation"}),
        ("Group?_revinclude=Observation:patient", set()),
        ("Group?_revinclude=Observation:subject", {"Observation"}),
    ],
)
def test_they_include_what_their_own_references_would(
    api: httpx.Client, tag: str, query: str, expected: set[str]
) -> None:
    bundle = api.get(f"{query}&_tag={tag}").json()

    included = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "include"]
    assert {each["resourceType"] for each in included} == expected


@pytest.mark.parametrize("sort", ["combo-value-quantity", "-combo-value-quantity", "combo-code"])
def test_they_sort_by_all_their_values(api: httpx.Client, tag: str, sort: str) -> None:
    bundle = api.get(f"Observation?_tag={tag}&_sort={sort}").json()

    order = ["of-patient", "of-group", "of-nobody", "of-number", "of-thing"]
    ids = [entry["resource"]["id"].removesuffix(f"-{tag}") for entry in bundle["entry"]]
    assert ids == (order[::-1] if sort.startswith("-") else order)
