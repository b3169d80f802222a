"""StructureDefinitions: what they say fits what they are derived from, and can be read."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, told
from tests.validation.profile.conftest import element, profile


@pytest.mark.parametrize(("kind", "expected"), [("resource", []), ("complex-type", ["definition-kind"])])
def test_a_profile_is_of_the_kind_that_it_constrains(validator: Validator, kind: str, expected: list[str]) -> None:
    definition = {
        "resourceType": "StructureDefinition",
        "url": "http://example.jp/fhir/StructureDefinition/x",
        "name": "X",
        "status": "draft",
        "kind": kind,
        "abstract": False,
        "type": "Composition",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Composition",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Composition", "path": "Composition"}]},
    }

    assert [rule for rule, _, at in told(validator, definition) if at == "kind"] == expected


def test_the_constraints_of_a_structure_definition_can_be_read(validator: Validator) -> None:
    rule = {"key": "x-1", "severity": "error", "human": "?", "expression": "name.exists("}
    definition = profile("Patient", element("Patient.name", constraint=[rule]))

    assert told(validator, definition) == [("expression", "error", "differential.element[1].constraint[0].expression")]


def test_a_profile_of_a_type_is_of_that_type(validator: Validator) -> None:
    def of(code: str, canonical: str) -> Told:
        kind = [{"code": code, "profile": [f"http://hl7.org/fhir/StructureDefinition/{canonical}"]}]
        return told(validator, profile("Observation", element("Observation.value[x]", type=kind)))

    assert of("Quantity", "SimpleQuantity") == []
    assert of("Quantity", "Count") == [("definition", "error", "differential.element[1].type[0].profile[0]")]


def test_the_type_of_a_logical_model_is_a_url(validator: Validator) -> None:
    def model(kind: str) -> dict[str, Any]:
        base = "http://hl7.org/fhir/StructureDefinition/Element"
        return profile(kind, kind="logical", derivation="specialization", baseDefinition=base)

    assert ("definition", "error", "type") in told(validator, model("Visit"))
    assert ("definition", "error", "type") not in told(validator, model("https://example.jp/fhir/Visit"))


def test_a_profile_does_not_loosen_a_required_binding(validator: Validator) -> None:
    def bound(strength: str) -> Told:
        binding = {"strength": strength, "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}
        return told(validator, profile("Patient", element("Patient.gender", binding=binding)))

    assert bound("required") == []
    assert bound("example") == [("definition", "error", "StructureDefinition")]
