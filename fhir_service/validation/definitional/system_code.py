"""A code that a definition names: its code system has it.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fhir_service.fhir.fhirpath import ucum
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80


def of_system(system: str, concept: Resource, place: str, run: Run, rule: str) -> Iterator[Fault]:
    """Tell of a concept whose code its system has not."""
    code = concept.get("code")
    if isinstance(code, str) and run.validator.terminology.valid(system, code) is False:
        ja = f"コード体系 {system[:200]} に「{code[:SHOWN]}」というコードはありません。"
        en = f"The code system {system[:200]} has no code '{code[:SHOWN]}'."
        yield Fault(place, "business-rule", ja, en, rule="unit" if system == ucum.SYSTEM else rule)
