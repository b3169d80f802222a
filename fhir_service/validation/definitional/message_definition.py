"""MessageDefinitions: the profiles of what a message is about are of its types.

https://hl7.org/fhir/R4/messagedefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.profile_named import profile_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


def message_definition_rules(message: Resource, run: Run) -> Faults:
    """Return the faults of a MessageDefinition."""
    found: list[Fault] = []
    for index, each in enumerate(message.get("focus", ())):
        found += profile_faults(each.get("profile"), [each.get("code")], f".focus[{index}].profile", run, "message")
    return found or None
