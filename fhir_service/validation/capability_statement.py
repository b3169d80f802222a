"""CapabilityStatements: the search parameters that they name are of the type that they say.

https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchParam.type
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 120


def capability_statement_rules(statement: Resource, run: Run) -> Faults:
    """Return the faults of a CapabilityStatement: search parameters whose definition has another type."""
    found: list[Fault] = []
    for number, rest in enumerate(statement.get("rest", ())):
        found += _parameters(rest, f".rest[{number}]", run)
        for index, resource in enumerate(rest.get("resource", ())):
            found += _parameters(resource, f".rest[{number}].resource[{index}]", run)
    return found or None


def _parameters(holder: Resource, place: str, run: Run) -> Iterator[Fault]:
    for index, parameter in enumerate(holder.get("searchParam", ())):
        url, kind = parameter.get("definition"), parameter.get("type")
        defined = run.validator.definitions.find(url) if isinstance(url, str) else None
        if defined is None or defined.get("resourceType") != "SearchParameter" or defined.get("type") in (kind, None):
            continue
        wanted = defined["type"]
        ja = f"検索パラメーター {str(url)[:SHOWN]} の型は {wanted} ですが、{kind} と書かれています。"
        en = f"The search parameter {str(url)[:SHOWN]} is of type {wanted}, not {kind}."
        yield Fault(f"{place}.searchParam[{index}].type", "business-rule", ja, en, rule="search-parameter")
