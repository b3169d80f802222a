"""CapabilityStatements: the search parameters, profiles and operations that they name are of the types that they say.

https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchParam.type
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.validation.definitional.profile_named import profile_faults
from fhir_service.validation.definitional.search_names import search_parameters
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 120
RULE = "capability"
ANY = frozenset({"Any", "Resource", "DomainResource"})


def capability_statement_rules(statement: Resource, run: Run) -> Faults:
    """Return the faults of a CapabilityStatement: definitions that it names and that are of another type."""
    found: list[Fault] = []
    for number, rest in enumerate(statement.get("rest", ())):
        found += _parameters(rest, f".rest[{number}]", run)
        for index, resource in enumerate(rest.get("resource", ())):
            place = f".rest[{number}].resource[{index}]"
            found += _parameters(resource, place, run)
            found += _about(resource, place, run)
            found += _includes(resource, place, run)
    return found or None


def _parameters(holder: Resource, place: str, run: Run) -> Iterator[Fault]:
    for index, parameter in enumerate(holder.get("searchParam", ())):
        url, kind = parameter.get("definition"), parameter.get("type")
        defined = run.definition(url) if isinstance(url, str) else None
        if defined is None or defined.get("resourceType") != "SearchParameter" or defined.get("type") in (kind, None):
            continue
        wanted = defined["type"]
        ja = f"検索パラメーター {str(url)[:SHOWN]} の型は {wanted} ですが、{kind} と書かれています。"
        en = f"The search parameter {str(url)[:SHOWN]} is of type {wanted}, not {kind}."
        yield Fault(f"{place}.searchParam[{index}].type", "business-rule", ja, en, rule="search-parameter")


def _about(resource: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of profiles, search parameters and operations that are of other types of resources."""
    kind = resource.get("type")
    yield from profile_faults(resource.get("profile"), [kind], f"{place}.profile", run, RULE)
    for index, url in enumerate(resource.get("supportedProfile", ())):
        yield from profile_faults(url, [kind], f"{place}.supportedProfile[{index}]", run, RULE)
    for name, types in (("searchParam", "base"), ("operation", "resource")):
        for index, each in enumerate(resource.get(name, ())):
            url = each.get("definition")
            defined = run.definition(url) if isinstance(url, str) else None
            about = {*(defined or {}).get(types, ())}
            if about and kind not in about and not about & ANY:
                ja = f"{str(url)[:SHOWN]} は {kind} のものではありません。"
                yield _fault(f"{place}.{name}[{index}].definition", ja, f"{str(url)[:SHOWN]} is not for {kind}.")


def _includes(resource: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of includes by search parameters that there are not."""
    own = {each.get("name") for each in resource.get("searchParam", ())}
    for name in ("searchInclude", "searchRevInclude"):
        for index, text in enumerate(resource.get(name, ())):
            kind, _, parameter = str(text).partition(":")
            parameter = parameter.partition(":")[0]
            if not parameter or parameter == "*" or parameter in own:
                continue
            known = kind in run.validator.definitions.resource_types
            found = search_parameters(kind, run).get(parameter) if known else None
            if found is not None and not _leads(found, resource.get("type"), name):
                ja = f"「{str(text)[:SHOWN]}」は、取り込める参照ではありません。"
                en = f"'{str(text)[:SHOWN]}' is no reference that can be included here."
                yield _fault(f"{place}.{name}[{index}]", ja, en)
            if found is None:
                ja = f"「{str(text)[:SHOWN]}」という検索パラメーターは知られていません。"
                yield _fault(
                    f"{place}.{name}[{index}]", ja, f"The search parameter '{str(text)[:SHOWN]}' is not known."
                )


def _leads(parameter: SearchParameter, kind: Any, name: str) -> bool:
    """Whether an include follows a reference, and one back leads here."""
    back = name == "searchRevInclude"
    return parameter.type == "reference" and (not back or not parameter.targets or kind in parameter.targets)


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule=RULE)
