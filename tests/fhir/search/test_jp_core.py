"""The search parameters of JP Core, installed as a package.

https://jpfhir.jp/fhir/core/
"""

from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.adding import add_package
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.registry import SearchRegistry

EXTENSIONS = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/"
REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


@pytest.fixture(scope="module", params=["jp-core.r4-1.1.2-url.tgz", "jp-core.r4-1.2.0.tgz"])
def jp_core(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Indexer:
    folder = tmp_path_factory.mktemp("packages")
    add_package(shared / "data" / "packages" / request.param, folder, ())
    definitions = Definitions.load(packages=folder)
    return Indexer(definitions, SearchRegistry(definitions))


def test_kana_names_are_found_to_sort_by(jp_core: Indexer) -> None:
    def name(representation: str, text: str) -> Resource:
        return {"use": "usual", "text": text, "extension": [{"url": REPRESENTATION, "valueCode": representation}]}

    patient = {"resourceType": "Patient", "id": "p", "name": [name("IDE", "山田 太郎"), name("SYL", "ヤマダ タロウ")]}

    entries = jp_core.index(patient)

    assert [each.text for each in entries.strings if each.code == "jp-kana-sort"] == ["ヤマダ タロウ"]


@pytest.mark.parametrize(
    ("extension", "value", "code", "found"),
    [
        ("PrefectureNo", {"valueCoding": {"system": "s", "code": "13"}}, "jp-prefectureno", ("s", "13")),
        (
            "InsuranceOrganizationCategory",
            {"valueCoding": {"code": "1"}},
            "jp-insurance-organizationcategory",
            (None, "1"),
        ),
        (
            "InsuranceOrganizationNo",
            {"valueIdentifier": {"value": "1234567"}},
            "jp-insurance-organizationno",
            (None, "1234567"),
        ),
    ],
)
def test_organizations_are_found_by_their_numbers(
    jp_core: Indexer, extension: str, value: Resource, code: str, found: tuple[str | None, str]
) -> None:
    url = f"{EXTENSIONS}JP_Organization_{extension}"
    organization = {"resourceType": "Organization", "id": "o", "extension": [{"url": url, **value}]}

    entries = jp_core.index(organization)

    assert [(each.system, each.value) for each in entries.tokens if each.code == code] == [found]


@pytest.mark.parametrize(
    ("extension", "code"),
    [
        ("InsuredPersonNumber", "jp-insured-personnumber"),
        ("InsuredPersonSymbol", "jp-insured-personsymbol"),
        ("InsuredPersonSubNumber", "jp-insured-personsubnumber"),
    ],
)
def test_coverages_are_found_by_the_parts_of_the_insurance_number(jp_core: Indexer, extension: str, code: str) -> None:
    url = f"{EXTENSIONS}JP_Coverage_{extension}"
    coverage = {
        "resourceType": "Coverage",
        "id": "c",
        "status": "active",
        "extension": [{"url": url, "valueString": "１２"}],
    }

    assert [each.folded for each in jp_core.index(coverage).strings if each.code == code] == ["12"]


def test_prescriptions_are_found_by_their_start(jp_core: Indexer) -> None:
    url = f"{EXTENSIONS}JP_MedicationDosage_PeriodOfUse"
    dosage = {"extension": [{"url": url, "valuePeriod": {"start": "2026-11-22"}}]}
    request = {"resourceType": "MedicationRequest", "id": "m", "dosageInstruction": [dosage]}

    assert [each.code for each in jp_core.index(request).dates] == ["jp-medication-start"]
