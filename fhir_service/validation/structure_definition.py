"""StructureDefinitions: a snapshot can be made of the differential, and one that is there says what that says.

Whoever checks by a profile whose definition is wrong is told so, as a warning.
https://hl7.org/fhir/R4/structuredefinition.html#interpretation
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_service.fhir.outcome import Issue
    from fhir_service.validation.run import Run

RULE = "definition"
MOST = 10  # of one definition


def structure_definition_rules(definition: Any, run: Run) -> Faults:
    """Return the faults of a StructureDefinition as a definition."""
    issues = run.validator.definitions.examine(definition)[:MOST]
    return [Fault("", each.code, each.ja, each.en, each.severity, RULE) for each in issues] or None


def definition_faults(issues: Iterable[Issue], url: str) -> list[Fault]:
    """Return what is wrong with the definition of a profile that is checked by, as warnings."""
    told = list(issues)[:MOST]
    return [Fault("", each.code, each.ja, each.en, "warning", RULE, url) for each in told]
