"""https://hl7.org/fhir/R4/search_filter.html and https://hl7.org/fhir/R4/search.html#list, over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

TAGS = "http://example.jp/filter"


@pytest.fixture(scope="module")
def tag() -> str:
    return str(uuid4())


@pytest.fixture(scope="module", autouse=True)
def patients(server: Any, tag: str) -> Iterator[dict[str, str]]:
    """Return the ids of three patients by their given names; each has an observation, two are on a list."""
    with httpx.Client(base_url=f"{server.base}/") as client:
        made = {}
        meta = {"tag": [{"system": TAGS, "code": tag}]}
        for given, birth, code in (
            ("Peter", "2014-10-10", "a"),
            ("Petra", "2010-01-01", "b"),
            ("花子", "1990-05-05", "c"),
        ):
            patient = {"resourceType": "Patient", "meta": meta, "name": [{"given": [given]}], "birthDate": birth}
            made[given] = client.post("Patient", json=patient | ({"gender": "female"} if code != "a" else {})).json()[
                "id"
            ]
            observation = {
                "resourceType": "Observation",
                "meta": meta,
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "subject": {"reference": f"Patient/{made[given]}"},
            }
            assert client.post("Observation", json=observation).status_code == 201
        listed = {
            "resourceType": "List",
            "id": tag,
            "status": "current",
            "mode": "working",
            "entry": [{"item": {"reference": f"Patient/{made[name]}"}} for name in ("Peter", "花子")],
        }
        assert client.put(f"List/{tag}", json=listed).status_code == 201
        yield made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('given eq "peter"', ["Peter"]),
        ('given sw "pet"', ["Peter", "Petra"]),
        ("given ew ra", ["Petra"]),
        ('name co "ETE"', ["Peter"]),
        ('given co "はな"', []),
        ('given eq "peter" and birthdate ge 2014-10-10', ["Peter"]),
        ('given eq "peter" and birthdate gt 2014-10-10', []),
        ("given eq peter or given eq petra and birthdate lt 2012-01-01", ["Petra"]),
        ("given eq peter or (given eq petra and birthdate lt 2012-01-01)", ["Peter", "Petra"]),
        ("not (given sw pet)", ["花子"]),
        ("not(birthdate lt 2000) and not(gender eq female)", ["Peter"]),
        ("gender pr false", ["Peter"]),
        ("gender pr true", ["Petra", "花子"]),
        ("gender in http://hl7.org/fhir/ValueSet/administrative-gender", ["Petra", "花子"]),
        ("birthdate po 2014-10", ["Peter"]),
        ("birthdate ne 2014-10-10", ["Petra", "花子"]),
        ("given ne peter", ["Petra", "花子"]),
        ("gender ne male", ["Petra", "花子"]),
        ("gender ne female", []),
        ("gender ne http://hl7.org/fhir/administrative-gender|female", []),
        ("gender ne http://hl7.org/fhir/administrative-gender|male", ["Petra", "花子"]),
        ("gender ne http://example.jp/gender|female", ["Petra", "花子"]),
        ("gender ne |female", []),
        ("_has:Observation:patient:code ne http://loinc.org|b", ["Peter", "花子"]),
        ("_has:Observation:patient:code ne http://example.jp|b", ["Peter", "Petra", "花子"]),
        ("_has:Observation:patient:code ne |b", ["Peter", "Petra", "花子"]),
        ("_has:Observation:patient:code eq http://loinc.org|b", ["Petra"]),
    ],
)
def test_a_filter_finds_what_it_says(
    api: httpx.Client, tag: str, patients: dict[str, str], text: str, expected: list[str]
) -> None:
    bundle = api.get("Patient", params={"_tag": tag, "_filter": text}).json()

    found = {entry["resource"]["id"] for entry in bundle.get("entry", ())}
    assert found == {patients[given] for given in expected}, bundle


def test_a_filter_goes_over_references(api: httpx.Client, tag: str, patients: dict[str, str]) -> None:
    for text in (
        "subject:Patient.given eq petra",
        f"subject re Patient/{patients['Petra']}",
        f"subject:Patient.id eq {patients['Petra']}",
        f"patient.id eq {patients['Petra']} and code eq http://loinc.org|b",
        "subject[given eq petra].birthdate lt 2012",
        "subject:Patient[given eq petra and (gender eq female)].birthdate lt 2012 and status eq final",
        f"subject ne Patient/{patients['Peter']} and subject[gender eq female].name ne 花子",
        "patient[given eq petra].name sw pet",
        f"subject ne {patients['Peter']} and subject ne {patients['花子']}",
        f"patient ne {patients['Peter']} and patient ne {patients['花子']}",
    ):
        bundle = api.get("Observation", params={"_tag": tag, "_filter": text}).json()
        assert [each["resource"]["code"]["coding"][0]["code"] for each in bundle["entry"]] == ["b"], text


@pytest.mark.parametrize(
    "text",
    [
        "given",
        "given eq",
        "given eq x and",
        "given eq x or or given eq y",
        "(given eq x",
        "given eq x)",
        "not given eq x",
        'given eq "x',
        'given eq "\\x"',
        "given gt x",
        "identifier ne http://example.jp/id|",
        "general-practitioner ne Practitioner/1/_history/1",
        "birthdate ge soon",
        "nothing eq x",
        'given sw ""',
        "general-practitioner[name eq x]",
        "general-practitioner[name eq x].name",
        "general-practitioner[].name eq x",
        "general-practitioner[name eq x.name eq y",
        "name[given eq x].family eq y",
        "general-practitioner[nothing eq x].name eq y",
        "general-practitioner[" * 30 + "name eq x" + "].name eq y" * 30,
        "(" * 1000,
        "(" * 100 + "given eq x" + ")" * 100,
        " and ".join(["given eq x"] * 65),
    ],
)
def test_what_is_no_filter_is_refused(api: httpx.Client, text: str) -> None:
    answer = api.get("Patient", params={"_filter": text})

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_list_finds_what_is_on_a_list(api: httpx.Client, tag: str, patients: dict[str, str]) -> None:
    def found(resource_type: str, **params: str) -> list[str]:
        bundle = api.get(resource_type, params={"_list": tag, **params}).json()
        return [entry["resource"]["id"] for entry in bundle.get("entry", ())]

    assert sorted(found("Patient")) == sorted([patients["Peter"], patients["花子"]])
    assert found("Patient", given="花子") == [patients["花子"]]
    assert found("Observation") == []
    assert api.get("Patient", params={"_list": "$current-problems"}).status_code == 400
