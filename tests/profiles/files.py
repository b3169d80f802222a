"""The files of `profiles/` and `terminology/`."""

from collections.abc import Iterator
from pathlib import Path

from fhir_service.fhir.json import decode
from fhir_service.fhir.resource import Resource

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "profiles"
TERMINOLOGY = ROOT / "terminology"
EXAMPLES = PROFILES / "examples"
OUTREACH = "https://example.jp/fhir/outreach"

# Folder of definitions, and the type of what is in it.
FOLDERS = {
    PROFILES / "structure-definitions": "StructureDefinition",
    PROFILES / "extensions": "StructureDefinition",
    PROFILES / "questionnaires": "Questionnaire",
    PROFILES / "measures": "Measure",
    PROFILES / "operations": "OperationDefinition",
    PROFILES / "search-parameters": "SearchParameter",
    PROFILES / "naming-systems": "NamingSystem",
    PROFILES / "capability-statements": "CapabilityStatement",
    TERMINOLOGY / "code-systems": "CodeSystem",
    TERMINOLOGY / "value-sets": "ValueSet",
}


def read(file: Path) -> Resource:
    resource: Resource = decode(file.read_bytes())
    return resource


def definition_files() -> list[Path]:
    """Return every file of a definition that has to be written as the README of its folder says."""
    return [file for folder in FOLDERS for file in sorted(folder.glob("*.json"))]


def profiles() -> list[Path]:
    return sorted((PROFILES / "structure-definitions").glob("*.json"))


def example_files() -> list[Path]:
    return sorted(EXAMPLES.glob("*/*.json"))


def elements() -> Iterator[tuple[str, Resource]]:
    """Give every element of our profiles and extensions, with the id of its definition."""
    for folder in ("structure-definitions", "extensions"):
        for file in sorted((PROFILES / folder).glob("*.json")):
            for element in read(file)["differential"]["element"]:
                yield file.stem, element


def constraints() -> Iterator[tuple[str, str, Resource]]:
    """Give every rule of our profiles: the id of the profile, its type, and the rule."""
    for file in profiles():
        profile = read(file)
        for element in profile["differential"]["element"]:
            for constraint in element.get("constraint", ()):
                yield file.stem, profile["type"], constraint
