"""Every kind of mutation of the official examples is found, wherever it is made."""

from pathlib import Path

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.validator import Validator
from tests.validation.mutation import MUTATIONS, Mutate, mutants

EXAMPLES = (
    "Appointment-example", "AuditEvent-example", "CarePlan-example", "CareTeam-example", "ClinicalImpression-example",
    "Communication-example", "Composition-example", "Condition-example", "Consent-consent-example-basic",
    "DiagnosticReport-f201", "Encounter-f001", "EpisodeOfCare-example", "Flag-example", "Goal-example",
    "Immunization-example", "Location-1", "MedicationRequest-medrx0302", "Observation-f001", "Observation-example",
    "Organization-f001", "Patient-example", "Practitioner-f001", "Procedure-example", "Provenance-example",
    "QuestionnaireResponse-3141", "RelatedPerson-f001", "RiskAssessment-genetic", "Schedule-example",
    "ServiceRequest-example", "Task-example1",
)  # fmt: skip
LEAST = {"concept_of_no_value_set": 1, "broken_invariant": 5}  # of every other kind there are more


@pytest.fixture(scope="module")
def checked() -> tuple[Validator, LoadedTerminology, Definitions]:
    definitions = Definitions.load()
    terminology = LoadedTerminology(definitions)
    return Validator(definitions, terminology), terminology, definitions


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda each: each.__name__)
def test_every_mutant_of_an_example_is_refused(
    checked: tuple[Validator, LoadedTerminology, Definitions], r4_examples: Path, mutate: Mutate
) -> None:
    validator, terminology, definitions = checked
    missed: list[tuple[str, str]] = []
    count = 0
    for example in EXAMPLES:
        resource = json.decode((r4_examples / f"{example}.json").read_bytes())
        for place, mutant in mutants(resource, mutate, definitions, terminology, step=2):
            count += 1
            if not any(issue.severity == "error" for issue in validator.check(mutant)):
                missed.append((example, place))

    assert missed == []
    assert count >= LEAST.get(mutate.__name__, 10)
