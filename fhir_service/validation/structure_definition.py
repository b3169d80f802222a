"""StructureDefinitions: a snapshot can be made of the differential, and one that is there says what that says.

The expressions of its constraints can be read.

Whoever checks by a profile whose definition is wrong is told so, as a warning.
https://hl7.org/fhir/R4/structuredefinition.html#interpretation
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.search_parameter import expression_faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_service.fhir.outcome import Issue
    from fhir_service.validation.run import Run

RULE = "definition"
MOST = 10  # of one definition


def structure_definition_rules(definition: Any, run: Run) -> Faults:
    """Return the faults of a StructureDefinition as a definition."""
    issues = run.validator.definitions.examine(definition)[:MOST]
    found = [Fault("", each.code, each.ja, each.en, each.severity, RULE) for each in issues]
    return [*found, *_expressions(definition, set())][:MOST] or None


def _expressions(definition: Any, seen: set[str]) -> Iterator[Fault]:
    """Give the faults of constraints that are no FHIRPath, each expression once."""
    for view in ("differential", "snapshot"):
        for index, element in enumerate(definition.get(view, {}).get("element", ())):
            for number, constraint in enumerate(element.get("constraint", ())):
                text = constraint.get("expression")
                if text is not None and text not in seen:
                    seen.add(text)
                    place = f".{view}.element[{index}].constraint[{number}].expression"
                    yield from expression_faults(text, place)


def definition_faults(issues: Iterable[Issue], url: str) -> list[Fault]:
    """Return what is wrong with the definition of a profile that is checked by, as warnings."""
    told = list(issues)[:MOST]
    return [Fault("", each.code, each.ja, each.en, "warning", RULE, url) for each in told]
