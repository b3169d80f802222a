"""The example instances of JP Core and JP-CLINS, which are meant to be valid, against the profiles they claim."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.policy import Policy
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator

EXAMPLES = Path(__file__).parents[2] / "profiles" / "examples"
DEFINITIONS = {
    "CapabilityStatement", "CodeSystem", "ConceptMap", "ImplementationGuide", "NamingSystem", "OperationDefinition",
    "SearchParameter", "StructureDefinition", "ValueSet",
}  # fmt: skip

# Examples that are not what they are meant to be: the code system is complete and has not the code.
DEFECTS = {
    "DiagnosticReport-jp-diagnosticreport-dentaloral-example-1": {
        ("DiagnosticReport.code.coding[0].code", "code-package")
    },
    "DiagnosticReport-jp-diagnosticreport-dentaloral-example-2": {
        ("DiagnosticReport.code.coding[0].code", "code-package")
    },
}


def validator_with(folder: Path, packages: list[Path]) -> Validator:
    """Return a validator that knows these packages, added in this order."""
    definitions = Definitions.load(packages=folder)
    for package in packages:
        definitions.install(package.read_bytes())
        definitions.reload()
    return Validator(definitions, LoadedTerminology(definitions), extra=RULES)


def examples(package: Path) -> Iterator[tuple[str, Resource]]:
    """Give the instances in a package."""
    with tarfile.open(package) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.name.endswith(".json") else None
            resource = json.decode(content.read()) if content else None
            if isinstance(resource, dict) and resource.get("resourceType", "StructureDefinition") not in DEFINITIONS:
                yield Path(member.name).stem, resource


def errors(issues: list[Issue]) -> set[tuple[str, str | None]]:
    return {(issue.expression[0], issue.rule) for issue in issues if issue.severity == "error"}


@pytest.mark.parametrize(
    ("packages", "least"),
    [
        (["jp-core.r4-1.1.2-url.tgz"], 48),
        (["jp-core.r4-1.2.0.tgz"], 76),
        (["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"], 2),
    ],
    ids=["JP Core 1.1.2", "JP Core 1.2.0", "JP-CLINS 1.5.2"],
)
def test_the_examples_of_a_package_are_valid(shared: Path, tmp_path: Path, packages: list[str], least: int) -> None:
    paths = [shared / "data" / "packages" / name for name in packages]
    validator = validator_with(tmp_path, paths)
    instances = dict(examples(paths[-1]))

    wrong = {name: found for name, each in instances.items() if (found := errors(validator.check(each)))}

    assert len(instances) >= least
    assert wrong.items() <= DEFECTS.items()


def test_the_example_documents_of_clins_are_valid(shared: Path, tmp_path: Path) -> None:
    names = ["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"]
    validator = validator_with(tmp_path, [shared / "data" / "packages" / name for name in names])
    files = sorted((shared / "data" / "examples" / "clins").glob("*.json"))

    wrong = {file.stem: found for file in files if (found := errors(validator.check(json.decode(file.read_bytes()))))}

    assert len(files) == 5
    assert wrong == {}


def test_a_discharge_summary_with_sections_that_the_guide_forgot_to_list_can_be_written(
    shared: Path, tmp_path: Path
) -> None:
    names = ["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"]
    policy = Policy(validator_with(tmp_path, [shared / "data" / "packages" / name for name in names]))
    summary = json.decode((EXAMPLES / "discharge-summary.json").read_bytes())

    # The profile of JP-CLINS fixes the codes 362, 372 and 642, its complete code system has none of them.
    assert {issue.rule for issue in policy.validate(summary) if issue.severity == "error"} == {"code-package"}
    assert errors(policy(summary)) == set()
    assert "code-package" in {issue.rule for issue in policy(summary)}
