"""What JP-CLINS 1.5.2 and JP Core ask of resources: each change of a good one breaks one documented constraint."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.resource import Resource
from fhir_service.validation.validator import Validator
from tests.validation.test_japanese_packages import examples, validator_with

CORE = "http://jpfhir.jp/fhir/core"
GONE: Any = object()
"""In place of a value: takes it away."""

LABS = "Bundle-Bundle-CLINS-Observations-Example-01"
REFERRAL = "Bundle-Bundle-CLINS-Referral-Example-01"
PATIENT = "entry[0].resource"
ALBUMIN = "entry[1].resource"
HEAD = "entry[0].resource"
LOCAL = "urn:oid:1.2.392.100495.20.3.51."

# document, place, what to put there, the rule that it breaks
BROKEN: list[tuple[str, str, Any, str]] = [
    (LABS, "meta.lastUpdated", GONE, "min"),
    (LABS, "meta.tag", GONE, "min"),
    (LABS, "meta.tag[0].code", "Procedure", "bundle-meta-tag-resourceType-valid"),
    (LABS, "meta.tag[0].code", "Condition", "mustHaveOneMoreResources-with-designatedResourceType"),
    (LABS, "meta.tag[0].system", "http://hospital.jp/tag", "bundle-meta-tag-resourceType-exists"),
    (LABS, "identifier", GONE, "min"),
    (LABS, "identifier.value", GONE, "min"),
    (LABS, "identifier.value", "1318814790-2024-0123", "valid-value-bundleIdenfifier"),
    (LABS, "identifier.system", "http://hospital.jp/bundles", "fixed"),
    (LABS, "type", "batch-response", "fixed"),
    (LABS, "timestamp", GONE, "min"),
    (LABS, "entry[0]", GONE, "first-bundle-entry-is-Patient"),
    (LABS, "entry[1].link", [{"relation": "self", "url": "http://hospital.jp/1"}], "max"),
    (LABS, f"{PATIENT}.meta.lastUpdated", GONE, "min"),
    (LABS, f"{PATIENT}.identifier[1]", GONE, "valid-system-insurance-patientIdentifier"),
    (LABS, f"{PATIENT}.identifier[1].value", GONE, "valid-value-insurance-patientIdentifier"),
    (LABS, f"{PATIENT}.identifier[1].value", "1234:あ:い:01", "valid-value-insurance-patientIdentifier"),
    (LABS, f"{PATIENT}.identifier[0].system", f"{LOCAL}21318814790", "valid-system-local-patientID"),
    (LABS, f"{PATIENT}.identifier[0].system", f"{LOCAL}1131881479", "valid-system-local-patientID"),
    (LABS, f"{PATIENT}.identifier[0].value", GONE, "min"),
    (LABS, f"{PATIENT}.name[0].text", "牧野　爛漫", "kanjiName-kanaName-donot-contain-ZenkakuKuuhaku"),
    (LABS, f"{PATIENT}.name", GONE, "min"),
    (LABS, f"{PATIENT}.name[1].family", GONE, "min"),
    (LABS, f"{PATIENT}.name[0].extension[0].valueCode", "KANJI", "binding-required"),
    (LABS, f"{PATIENT}.gender", GONE, "min"),
    (LABS, f"{PATIENT}.birthDate", GONE, "min"),
    (LABS, f"{PATIENT}.address[0].text", GONE, "min"),
    (LABS, f"{PATIENT}.address", [{"text": "高知県高知市"}, {"text": "高知県南国市"}], "max"),
    (LABS, f"{ALBUMIN}.extension[0]", GONE, "all-entries-needs-extension-of-institutionNumber"),
    (LABS, f"{ALBUMIN}.extension[0].valueIdentifier.value", "9918814790", "all-entries-needs-valid-institutionNumber"),
    (LABS, f"{ALBUMIN}.extension[0].valueIdentifier.system", "http://hospital.jp/no", "fixed"),
    (LABS, f"{ALBUMIN}.extension[1]", GONE, "observation-needs-extension-of-Department"),
    (LABS, f"{ALBUMIN}.contained[0].meta", GONE, "observation-needs-contained-of-Encounter"),
    (LABS, f"{ALBUMIN}.identifier[0].system", "http://hospital.jp/observations", "min"),
    (LABS, f"{ALBUMIN}.identifier[0].value", GONE, "min"),
    (LABS, f"{ALBUMIN}.category[0].coding[0].code", "blood", "code-package"),
    (LABS, f"{ALBUMIN}.category", GONE, "min"),
    (LABS, f"{ALBUMIN}.subject.reference", "Practitioner/1", "target"),
    (LABS, f"{ALBUMIN}.code.coding", GONE, "min"),
    (LABS, f"{ALBUMIN}.code.text", GONE, "min"),
    (REFERRAL, "type", "collection", "fixed"),
    (REFERRAL, "identifier", GONE, "bdl-9"),
    (REFERRAL, "timestamp", GONE, "bdl-10"),
    (REFERRAL, "entry[3]", GONE, "document-reference"),
    (REFERRAL, f"{HEAD}.extension", GONE, "min"),
    (REFERRAL, f"{HEAD}.extension[0].url", "http://hl7.org/fhir/StructureDefinition/no-such", "extension-unknown"),
    (REFERRAL, f"{HEAD}.identifier", GONE, "min"),
    (REFERRAL, f"{HEAD}.identifier.system", "http://hospital.jp/documents", "fixed"),
    (REFERRAL, f"{HEAD}.status", "preliminary", "fixed"),
    (REFERRAL, f"{HEAD}.type.coding[0].code", "18842-5", "fixed"),
    (REFERRAL, f"{HEAD}.category", GONE, "min"),
    (REFERRAL, f"{HEAD}.category[0].coding[0].code", "HOME", "binding-required"),
    (REFERRAL, f"{HEAD}.subject", GONE, "min"),
    (REFERRAL, f"{HEAD}.encounter.reference", "urn:uuid:0a48a4bf-0d87-4efb-aafd-d45e0842a4dd", "target"),
    (REFERRAL, f"{HEAD}.author", GONE, "required"),
    (REFERRAL, f"{HEAD}.title", "紹介状", "fixed"),
    (REFERRAL, f"{HEAD}.custodian", GONE, "min"),
    (REFERRAL, f"{HEAD}.event", GONE, "min"),
    (REFERRAL, f"{HEAD}.event[0].code[0].text", "発行", "fixed"),
    (REFERRAL, f"{HEAD}.event[0].period", GONE, "min"),
    (REFERRAL, f"{HEAD}.section[0]", GONE, "min"),
    (REFERRAL, f"{HEAD}.section[0].title", "紹介先", "fixed"),
    (REFERRAL, f"{HEAD}.section[0].code.coding[0].code", "999", "binding-required"),
    (REFERRAL, f"{HEAD}.section[2]", GONE, "checkExist-CDASection-or-CompositionSection"),
    (REFERRAL, f"{HEAD}.section[0].entry", GONE, "min"),
]

SYSTEMS = f"{CORE}/mhlw/IdSystem"
REGISTRATION = {"system": f"{SYSTEMS}/medicalRegistrationNumber", "value": "999999-00002"}
CERTIFICATES = f"{CORE}/CodeSystem/JP_MedicalLicenseCertificate_CS"
LICENSED = {"coding": [{"system": CERTIFICATES, "code": "medical-registration"}]}
COVERAGE = "Coverage-jp-coverage-example-1"
DIAGNOSIS = "Condition-jp-condition-diagnosis-example-1"
DOCTOR = "Practitioner-jp-practitioner-example-male-1"
DRUG = "MedicationRequest-jp-medicationrequest-example-1"
CLINIC = "Organization-jp-organization-example-clinic"
SOMEONE = "Patient-jp-patient-example-1"
VITAL = "Observation-jp-observation-vitalsigns-example-1"
SUPPLY = "dispenseRequest.expectedSupplyDuration"

# example of JP Core 1.2.0, place, what to put there, the rule that it breaks
BROKEN_CORE: list[tuple[str, str, Any, str]] = [
    (SOMEONE, "identifier[0].value", GONE, "min"),
    (SOMEONE, "identifier", GONE, "min"),
    (SOMEONE, "name[0].extension[0].valueCode", "kanji", "binding-required"),
    (SOMEONE, "managingOrganization", {"reference": "Practitioner/1"}, "target"),
    (SOMEONE, "communication", [{"preferred": True}], "required"),
    (COVERAGE, "identifier[0].value", GONE, "min"),
    (
        COVERAGE,
        "identifier[1]",
        {"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": "2"},
        "max",
    ),
    (
        COVERAGE,
        "extension[0]",
        {"url": f"{CORE}/Extension/StructureDefinition/JP_Coverage_InsuredPersonSymbol", "valueInteger": 1},
        "type",
    ),
    (COVERAGE, "beneficiary.reference", "RelatedPerson/1", "target"),
    (COVERAGE, "payor", GONE, "required"),
    (DIAGNOSIS, "extension[0].valueCodeableConcept", GONE, "ext-1"),
    (DIAGNOSIS, "subject.reference", "Group/1", "target"),
    (DIAGNOSIS, "clinicalStatus.coding[0].code", "cured", "code"),
    (DIAGNOSIS, "encounter", {"reference": "EpisodeOfCare/1"}, "target"),
    (DOCTOR, "qualification[1]", {"identifier": [REGISTRATION], "code": LICENSED}, "max"),
    (DOCTOR, "qualification[0].identifier[0].system", "http://hospital.jp/doctors", "fixed"),
    (CLINIC, "extension[0].valueString", "13", "structure"),
    (
        CLINIC,
        "extension[3]",
        {
            "url": f"{CORE}/Extension/StructureDefinition/JP_Organization_PrefectureNo",
            "valueCoding": {"system": f"{CORE}/mhlw/CodeSystem/PrefectureNo-2digits", "code": "14"},
        },
        "max",
    ),
    (DRUG, "identifier[0]", GONE, "min"),
    (DRUG, "identifier[1].value", GONE, "min"),
    (DRUG, "identifier[4]", {"system": f"{SYSTEMS}/Medication-RPGroupNumber", "value": "3"}, "max"),
    (DRUG, "identifier[3].system", "urn:oid:1.2.392.100495.20.3.11.9999", "jp-inv-local-prescriptionid"),
    (DRUG, "authoredOn", GONE, "min"),
    (DRUG, "medicationReference", {"reference": "Medication/1"}, "type"),
    (DRUG, "requester", {"reference": "CareTeam/1"}, "target"),
    (DRUG, f"{SUPPLY}.unit", "日間", "fixed"),
    (DRUG, f"{SUPPLY}.code", "wk", "fixed"),
    (VITAL, "category[0]", GONE, "min"),
    (VITAL, "category[0].coding[0].code", "laboratory", "fixed"),
    (VITAL, "subject", GONE, "min"),
    (VITAL, "subject.reference", "Group/1", "target"),
    (VITAL, "hasMember", [{"reference": "ImagingStudy/1"}], "target"),
]


@pytest.fixture(scope="module")
def core(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Validator, dict[str, Resource]]:
    """JP Core 1.2.0 and its examples."""
    package = shared / "data" / "packages" / "jp-core.r4-1.2.0.tgz"
    return validator_with(tmp_path_factory.mktemp("packages"), [package]), dict(examples(package))


@pytest.fixture(scope="module")
def validator(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Validator:
    names = ["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"]
    packages = [shared / "data" / "packages" / name for name in names]
    return validator_with(tmp_path_factory.mktemp("packages"), packages)


def changed(resource: Resource, place: str, value: Any) -> Resource:
    """Return a resource with another value at a place (`name[0].text`), or without one."""
    made: Any = deepcopy(resource)
    *steps, last = (int(step) if step.isdigit() else step for step in re.findall(r"\w+", place))
    holder = made
    for step in steps:
        holder = holder[step]
    if value is GONE:
        del holder[last]
    elif last == len(holder):
        holder.append(value)
    else:
        holder[last] = value
    return json.decode(json.encode(made))


def broken(validator: Validator, resource: Resource) -> set[str]:
    return {issue.rule or issue.code for issue in validator.check(resource) if issue.severity == "error"}


@pytest.mark.parametrize(
    ("document", "place", "value", "rule"), BROKEN, ids=[f"{place} {rule}" for _, place, _, rule in BROKEN]
)
def test_a_broken_constraint_of_clins_is_found(
    validator: Validator, shared: Path, document: str, place: str, value: Any, rule: str
) -> None:
    good = json.decode((shared / "data" / "examples" / "clins" / f"{document}.json").read_bytes())

    assert broken(validator, good) == set()
    assert rule in broken(validator, changed(good, place, value))


@pytest.mark.parametrize(
    ("example", "place", "value", "rule"),
    BROKEN_CORE,
    ids=[f"{example.partition('-')[0]}.{place} {rule}" for example, place, _, rule in BROKEN_CORE],
)
def test_a_broken_constraint_of_jp_core_is_found(
    core: tuple[Validator, dict[str, Resource]], example: str, place: str, value: Any, rule: str
) -> None:
    validator, instances = core

    assert broken(validator, instances[example]) == set()
    assert rule in broken(validator, changed(instances[example], place, value))
