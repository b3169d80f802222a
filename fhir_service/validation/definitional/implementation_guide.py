"""ImplementationGuides: the profiles of types are of those types; what resources are grouped in is there.

https://hl7.org/fhir/R4/implementationguide.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.profile_named import profile_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


def implementation_guide_rules(guide: Resource, run: Run) -> Faults:
    """Return the faults of an ImplementationGuide."""
    found: list[Fault] = []
    for index, each in enumerate(guide.get("global", ())):
        place = f".global[{index}].profile"
        found += profile_faults(each.get("profile"), [each.get("type")], place, run, "implementation-guide")
    return found or None
