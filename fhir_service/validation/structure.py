"""The check of a write: R4 itself and the profiles that a resource claims, with the terminology of the definitions."""

from dataclasses import replace

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.run import Options
from fhir_service.validation.validator import MAX_ISSUES, Validator

__all__ = ["MAX_ISSUES", "StructureCheck"]

ON_WRITE = Options(extensible=False)

# Rules of R4 that a write may break with a warning. pat-1: of a relative it may only be known that there is a sister.
# extension-unknown: HL7 has published extensions for R4 after R4 itself, in packages that may not be here.
LOWERED = frozenset({"pat-1", "extension-unknown"})


class StructureCheck(Validator):
    """A validator of its own terminology, as writes need it."""

    def __init__(self, definitions: Definitions) -> None:
        super().__init__(definitions, LoadedTerminology(definitions))

    def __call__(self, resource: Resource) -> list[Issue]:
        """Return what is wrong with a resource that is to be stored."""
        found = self.check(resource, options=ON_WRITE)
        return [replace(each, severity="warning") if each.rule in LOWERED else each for each in found]
