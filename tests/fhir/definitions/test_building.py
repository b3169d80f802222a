"""The package of our own definitions: `fhir-service packages build`."""

import io
import json
import tarfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.adding import add_package
from fhir_service.fhir.definitions.building import CANONICAL, NAME, built
from fhir_service.fhir.definitions.folder import own_folders
from fhir_service.fhir.definitions.package import read_package
from fhir_service.fhir.outcome import FhirError
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator


@pytest.fixture(scope="module")
def package() -> bytes:
    return built(own_folders(), Definitions.load())


def members(package: bytes) -> dict[str, Any]:
    with tarfile.open(fileobj=io.BytesIO(package)) as tar:
        return {name: json.load(tar.extractfile(name), parse_float=Decimal) for name in tar.getnames()}  # type: ignore[arg-type]


def test_the_same_definitions_give_the_same_bytes(package: bytes) -> None:
    assert built(own_folders(), Definitions.load()) == package


def test_the_manifest_says_what_it_is_and_needs(package: bytes) -> None:
    manifest = members(package)["package/package.json"]

    assert manifest["name"] == NAME
    assert manifest["canonical"] == CANONICAL
    assert manifest["fhirVersions"] == ["4.0.1"]
    assert manifest["dependencies"] == {"hl7.fhir.r4.core": "4.0.1", "jp-core.r4": "1.2.0"}


def test_the_index_names_every_definition(package: bytes) -> None:
    files = members(package)
    named = {f"package/{each['filename']}" for each in files["package/.index.json"]["files"]}

    own = {name for name in files if name.count("/") == 1}
    assert named == own - {"package/package.json", "package/.index.json"}


def test_a_profile_on_r4_has_its_snapshot_and_one_on_jp_core_leaves_it_to_who_has_that(package: bytes) -> None:
    files = members(package)

    assert len(files["package/StructureDefinition-outreach-task.json"]["snapshot"]["element"]) > 40
    assert "snapshot" not in files["package/StructureDefinition-outreach-patient.json"]


def test_right_examples_are_in_it_and_wrong_ones_are_not(package: bytes) -> None:
    examples = [name for name in members(package) if name.startswith("package/example/")]

    assert "package/example/Task-task-full.json" in examples
    assert not any("-error-" in name for name in examples)


def test_our_validator_finds_nothing_wrong_with_its_definitions(package: bytes) -> None:
    definitions = Definitions.load()
    validator = Validator(definitions, LoadedTerminology(definitions), extra=RULES)
    own = {name: each for name, each in members(package).items() if "/example/" not in name}
    resources = {name: each for name, each in own.items() if "resourceType" in each}

    wrong = {
        name: [issue.en for issue in validator.check(each) if issue.severity in ("error", "fatal")]
        for name, each in resources.items()
    }

    assert len(resources) > 200
    assert {name: issues for name, issues in wrong.items() if issues} == {}


def test_it_can_be_added(package: bytes, tmp_path: Path) -> None:
    added = add_package(read_package(package), tmp_path, Definitions.load().sources)

    assert (added.package.name, added.missing) == (NAME, (("jp-core.r4", "1.2.0"),))
    assert not [issue for issue in added.issues if issue.severity == "error"]
    found = Definitions.load(packages=tmp_path, profiles=tmp_path).find(
        f"{CANONICAL}/StructureDefinition/outreach-task"
    )
    assert found is not None


def test_two_definitions_with_one_name_are_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_text('{"resourceType": "ValueSet", "id": "a"}', encoding="utf-8")

    with pytest.raises(FhirError, match=r"Two have the same type and id: ValueSet-a\.json"):
        built([tmp_path], Definitions.load())


def test_a_wrong_definition_is_refused(tmp_path: Path) -> None:
    wrong = {
        "resourceType": "StructureDefinition",
        "id": "wrong",
        "url": f"{CANONICAL}/StructureDefinition/wrong",
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient.nmae", "path": "Patient.nmae"}]},
    }
    (tmp_path / "wrong.json").write_text(json.dumps(wrong), encoding="utf-8")

    with pytest.raises(FhirError, match="Patient has no nmae"):
        built([tmp_path], Definitions.load(profiles=tmp_path))
