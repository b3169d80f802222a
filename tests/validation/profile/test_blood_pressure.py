"""HL7's own blood pressure profile: its example is good, and each of its mutants is refused with place and rule."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.resource import Resource
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import places

BP = "http://hl7.org/fhir/StructureDefinition/bp"


@pytest.fixture(scope="session")
def measured(r4_examples: Path) -> Resource:
    resource: Resource = json.decode((r4_examples / "Observation-blood-pressure.json").read_bytes())
    return resource


def test_the_example_is_good(validator: Validator, measured: Resource) -> None:
    assert places(validator.check(measured, [BP])) == []


MUTANTS: dict[str, tuple[Callable[[Any], Any], tuple[str, str]]] = {
    "no category": (lambda r: r.pop("category"), ("Observation.category", "min")),
    "another category": (lambda r: r["category"][0]["coding"][0].update(code="laboratory"),
                         ("Observation.category", "min")),
    "another code": (lambda r: r["code"]["coding"][0].update(code="85354-8"), ("Observation.code.coding", "min")),
    "another system": (lambda r: r["code"]["coding"][0].update(system="http://e"), ("Observation.code.coding", "min")),
    "no subject": (lambda r: r.pop("subject"), ("Observation.subject", "min")),
    "a group as subject": (lambda r: r.update(subject={"reference": "Group/1"}), ("Observation.subject", "target")),
    "no time": (lambda r: r.pop("effectiveDateTime"), ("Observation.effective", "min")),
    "only a year": (lambda r: r.update(effectiveDateTime="2012"), ("Observation.effective", "vs-1")),
    "no components": (lambda r: r.pop("component"), ("Observation", "vs-2")),
    "no diastolic": (lambda r: r["component"].pop(1), ("Observation.component", "min")),
    "no systolic": (lambda r: r["component"].pop(0), ("Observation.component", "min")),
    "two systolic": (lambda r: r["component"].append(deepcopy(r["component"][0])), ("Observation.component", "max")),
    "another unit": (lambda r: r["component"][0]["valueQuantity"].update(code="kPa"),
                     ("Observation.component[0].value", "binding-required")),
    "another system of units": (lambda r: r["component"][0]["valueQuantity"].update(system="http://e"),
                                ("Observation.component[0].value", "binding-required")),
    "no value": (lambda r: r["component"][0].pop("valueQuantity"), ("Observation.component[0]", "vs-3")),
    "no such status": (lambda r: r.update(status="finished"), ("Observation.status", "binding-required")),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_each_mutant_is_refused(validator: Validator, measured: Resource, name: str) -> None:
    mutate, expected = MUTANTS[name]
    mutant = deepcopy(measured)
    mutate(mutant)

    assert expected in places(validator.check(mutant, [BP]))
