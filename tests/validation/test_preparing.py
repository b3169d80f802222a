"""What first validations need is made of all definitions before any is asked for."""

import json
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.resource import Key
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.compiled import Compiled
from fhir_service.validation.preparing import is_prepared, prepare
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import element, profile

EXAMPLES = Path(__file__).parents[2] / "profiles" / "examples"


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


@pytest.fixture(scope="module")
def folder(definitions: Definitions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "compiled"
    prepare(definitions, Compiled(folder, definitions))
    return folder


@pytest.mark.parametrize("name", ["outreach-patient", "outreach-encounter", "outreach-document-referral"])
def test_a_first_validation_reads_no_definition_where_all_is_prepared(
    definitions: Definitions, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = Compiled(folder, definitions)
    validator = Validator(definitions, LoadedTerminology(definitions, compiled), extra=RULES, compiled=compiled)
    resource = decode_resource((EXAMPLES / name / "full.json").read_bytes())
    found = definitions.find

    def find(canonical: str, *within: object) -> object:
        assert found(canonical) is None, canonical
        return None

    monkeypatch.setattr(definitions, "find", find)
    monkeypatch.setattr(definitions, "snapshot", find)

    assert not [issue for issue in validator.check(resource) if issue.severity == "error"]


def test_what_is_prepared_is_so_for_these_definitions_alone(folder: Path) -> None:
    definitions = Definitions.load()
    compiled = Compiled(folder, definitions)
    before = is_prepared(compiled)

    definitions.put(Key("StructureDefinition", "a"), json.dumps(profile("Patient", element("Patient.name"))).encode())
    after = is_prepared(compiled)
    prepare(definitions, compiled)
    compiled.renew()

    assert (before, after, is_prepared(compiled)) == (True, False, True)
    assert next(definitions.stored())[0] == Key("StructureDefinition", "a")


def test_definitions_that_cannot_be_used_are_passed_over(tmp_path: Path) -> None:
    definitions = Definitions.load()
    wrong = [{}, {"snapshot": {"element": [1]}}, {"baseDefinition": "http://nowhere"}, {"type": []}]
    for number, each in enumerate(wrong):
        body = {"resourceType": "StructureDefinition", "url": f"http://x/{number}", "derivation": "constraint", **each}
        definitions.put(Key("StructureDefinition", str(number)), json.dumps(body).encode())
    compiled = Compiled(tmp_path / "compiled", definitions)

    prepare(definitions, compiled)
    compiled.renew()

    assert is_prepared(compiled)
