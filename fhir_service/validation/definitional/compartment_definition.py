"""CompartmentDefinitions: each type once, with search parameters by which it can refer to what the compartment is of.

https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.validation.definitional.search_names import search_parameters
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
ITSELF = "{def}"
"""In R4's own: the resource itself that the compartment is of."""


def compartment_definition_rules(compartment: Resource, run: Run) -> Faults:
    """Return the faults of a CompartmentDefinition."""
    found: list[Fault] = []
    about, seen = str(compartment.get("code")), set()
    for index, each in enumerate(compartment.get("resource", ())):
        place, kind = f".resource[{index}]", str(each.get("code"))
        if kind in seen:
            ja, en = f"型 {kind[:SHOWN]} が二つあります。", f"The type {kind[:SHOWN]} stands twice."
            found.append(_fault(f"{place}.code", ja, en))
        seen.add(kind)
        if kind not in run.validator.definitions.resource_types:
            continue
        known = search_parameters(kind, run)
        for number, name in enumerate(each.get("param", ())):
            parameter = known.get(name)
            if name == ITSELF or (parameter is not None and _refers(parameter, about)):
                continue
            ja = f"{kind} には、{about} を参照する検索パラメーター「{str(name)[:SHOWN]}」がありません。"
            en = f"{kind} has no search parameter '{str(name)[:SHOWN]}' that refers to a {about}."
            found.append(_fault(f"{place}.param[{number}]", ja, en))
    return found or None


def _refers(parameter: SearchParameter, about: str) -> bool:
    return parameter.type == "reference" and (not parameter.targets or about in parameter.targets)


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="compartment")
