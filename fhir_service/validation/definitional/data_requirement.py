"""DataRequirements: paths and search parameters of the type that is asked for.

https://hl7.org/fhir/R4/metadatatypes.html#DataRequirement
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.element_path import elements_at
from fhir_service.validation.definitional.expression import UNKNOWN, expression_faults
from fhir_service.validation.definitional.places import elements_in
from fhir_service.validation.definitional.profile_named import profile_faults
from fhir_service.validation.definitional.search_names import search_parameters
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
PATHS = ("codeFilter.path", "dateFilter.path", "sort.path", "mustSupport")
PARAMETERS = ("codeFilter.searchParam", "dateFilter.searchParam")


def data_requirement_rules(requirement: Resource, run: Run) -> Faults:
    """Return the faults of a DataRequirement."""
    kind = requirement.get("type")
    if kind not in run.validator.definitions.resource_types:
        return None
    found: list[Fault] = []
    for path in PATHS:
        for place, text in elements_in(requirement, path):
            if elements_at(f"{kind}.{text}", run.validator.definitions) is not None:
                continue  # also `medicationCodeableConcept`, which is no FHIRPath
            found += [each._replace(rule=UNKNOWN) for each in expression_faults(text, place, run, kind)]
    for path in PARAMETERS:
        for place, name in elements_in(requirement, path):
            if name not in search_parameters(kind, run):
                ja = f"{kind} に検索パラメーター「{str(name)[:SHOWN]}」はありません。"
                en = f"{kind} has no search parameter '{str(name)[:SHOWN]}'."
                found.append(Fault(place, "business-rule", ja, en, rule="search-parameter"))
    for place, url in elements_in(requirement, "profile"):
        found += profile_faults(url, [kind], place, run, "plan")
    return found or None
