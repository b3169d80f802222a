"""The eight search parameters of JP Core, over HTTP, on a server where its package is installed.

https://jpfhir.jp/fhir/core/
"""

from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_service.fhir.definitions.adding import add_package

CORE = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/"
REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def patient(id_: str, kanji: str, kana: str) -> dict[str, Any]:
    names = [
        {"use": "usual", "text": text, "extension": [{"url": REPRESENTATION, "valueCode": code}]}
        for code, text in (("IDE", kanji), ("SYL", kana))
    ]
    return {"resourceType": "Patient", "id": id_, "name": names}


def coverage(id_: str, *numbers: str) -> dict[str, Any]:
    parts = zip(("Symbol", "Number", "SubNumber"), numbers, strict=True)
    extensions = [{"url": f"{CORE}JP_Coverage_InsuredPerson{name}", "valueString": text} for name, text in parts]
    return {
        "resourceType": "Coverage",
        "id": id_,
        "status": "active",
        "extension": extensions,
        "beneficiary": {"display": "x"},
        "payor": [{"display": "x"}],
    }


MADE = (
    patient("watanabe", "渡邉 太郎", "ワタナベ タロウ"),
    patient("abe", "阿部 花子", "アベ ハナコ"),
    coverage("c", "記号１", "123", "01"),
    coverage("d", "記号２", "124", "02"),
    {
        "resourceType": "Organization",
        "id": "o",
        "name": "x",
        "extension": [
            {"url": f"{CORE}JP_Organization_PrefectureNo", "valueCoding": {"code": "13"}},
            {"url": f"{CORE}JP_Organization_InsuranceOrganizationCategory", "valueCoding": {"code": "6"}},
            {"url": f"{CORE}JP_Organization_InsuranceOrganizationNo", "valueIdentifier": {"value": "1234567"}},
        ],
    },
    {
        "resourceType": "MedicationRequest",
        "id": "m",
        "status": "active",
        "intent": "order",
        "subject": {"display": "x"},
        "medicationCodeableConcept": {"text": "x"},
        "dosageInstruction": [
            {"extension": [{"url": f"{CORE}JP_MedicationDosage_PeriodOfUse", "valuePeriod": {"start": "2026-11-22"}}]}
        ],
    },
)


@pytest.fixture(scope="module")
def jp(_servers: Any, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server with the package and what is to be found."""
    data = tmp_path_factory.mktemp("jp")
    add_package(shared / "data" / "packages" / "jp-core.r4-1.1.2-url.tgz", data / "packages", ())
    server = _servers(data_dir=data)
    with httpx.Client(base_url=f"{server.base}/") as client:
        for resource in MADE:
            made = client.put(f"{resource['resourceType']}/{resource['id']}", json=resource)
            assert made.status_code == 201, made.text
        yield client
    server.stop()


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("Patient?jp-kana-sort=わたなべ", ["watanabe"]),
        ("Patient?jp-kana-sort=渡邉", []),
        ("Patient?_sort=jp-kana-sort", ["abe", "watanabe"]),
        ("Patient?_sort=-jp-kana-sort", ["watanabe", "abe"]),
        ("Patient?name=渡辺", ["watanabe"]),
        ("Coverage?jp-insured-personsymbol=記号1", ["c"]),
        ("Coverage?jp-insured-personnumber=124", ["d"]),
        ("Coverage?jp-insured-personsubnumber:exact=01", ["c"]),
        ("Organization?jp-prefectureno=13", ["o"]),
        ("Organization?jp-insurance-organizationcategory=6", ["o"]),
        ("Organization?jp-insurance-organizationno=1234567", ["o"]),
        ("Organization?jp-insurance-organizationno=123", []),
        ("MedicationRequest?jp-medication-start=ge2026-11-22", ["m"]),
        ("MedicationRequest?jp-medication-start=lt2026-11-22", []),
    ],
)
def test_each_of_them_finds_what_it_is_for(jp: httpx.Client, search: str, ids: list[str]) -> None:
    answer = jp.get(search)

    assert answer.status_code == 200, answer.text
    assert [entry["resource"]["id"] for entry in answer.json().get("entry", [])] == ids


def test_the_capability_statement_names_them(jp: httpx.Client) -> None:
    rest = jp.get("metadata").json()["rest"][0]
    named = {each["name"] for resource in rest["resource"] for each in resource["searchParam"]}

    assert {name for name in named if name.startswith("jp-")} == {
        "jp-kana-sort", "jp-insured-personsymbol", "jp-insured-personnumber", "jp-insured-personsubnumber",
        "jp-prefectureno", "jp-insurance-organizationcategory", "jp-insurance-organizationno", "jp-medication-start",
    }  # fmt: skip
