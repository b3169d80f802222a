"""SearchParameters and OperationDefinitions: expressions that can be read, types that there are.

https://hl7.org/fhir/R4/searchparameter.html and https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.fhirpath.error import FhirPathError
from fhir_service.fhir.fhirpath.parser import parse
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
_BEGINNING = re.compile(r"(?:^|\|)[\s(]*([A-Z][A-Za-z]+)\b")  # of each part of a union: the type it begins with
ANY = frozenset({"Any", "Type", "Resource", "DomainResource", "Element"})


def search_parameter_rules(parameter: Resource, run: Run) -> Faults:
    """Return the faults of a SearchParameter: expressions that cannot be read, and another type than its origin's."""
    found = [*expression_faults(parameter.get("expression"), ".expression")]
    for index, component in enumerate(parameter.get("component", ())):
        found += expression_faults(component.get("expression"), f".component[{index}].expression")
    if parameter.get("type") == "composite" and len(parameter.get("component", ())) < 2:
        ja = "複合(composite)の検索パラメーターには、二つ以上の component が必要です。"
        en = "A search parameter of the type composite has two components or more."
        found.append(Fault("", "business-rule", ja, en, rule="search-parameter"))
    return [*found, *_elsewhere(parameter, run), *_derived(parameter, run)] or None


def _elsewhere(parameter: Resource, run: Run) -> Iterator[Fault]:
    """Tell where an expression begins with types of resources that are none of those the parameter is for."""
    named = {*_BEGINNING.findall(str(parameter.get("expression", "")))}
    bases = {*parameter.get("base", ())}
    resources = run.validator.definitions.resource_types
    if bases and named and named <= resources and not named & bases and not (named | bases) & ANY:
        ja = f"式は {', '.join(sorted(named))} のもので、base({', '.join(sorted(bases))})のものではありません。"
        en = f"The expression is about {', '.join(sorted(named))}, not about the base: {', '.join(sorted(bases))}."
        yield Fault(".expression", "business-rule", ja, en, rule="search-parameter")


def _derived(parameter: Resource, run: Run) -> Iterator[Fault]:
    """Tell where a parameter is not of the type, or not for the resources, of the one that it is derived from."""
    url = str(parameter.get("derivedFrom", ""))
    origin = run.validator.definitions.find(url) if url else None
    if origin is None or origin.get("resourceType") != "SearchParameter":
        return
    if origin.get("type") != parameter.get("type"):
        ja = f"元の検索パラメーター {url[:SHOWN]} の型は {origin.get('type')} です。"
        en = f"The search parameter {url[:SHOWN]} that it is derived from is of type {origin.get('type')}."
        yield Fault(".type", "business-rule", ja, en, rule="search-parameter")
    bases = {*origin.get("base", ())}
    for index, base in enumerate(parameter.get("base", ())):
        if base not in bases and not bases & ANY:
            ja = f"元の検索パラメーター {url[:SHOWN]} は {str(base)[:SHOWN]} のものではありません。"
            en = f"The search parameter {url[:SHOWN]} that it is derived from is not for {str(base)[:SHOWN]}."
            yield Fault(f".base[{index}]", "business-rule", ja, en, rule="search-parameter")


def expression_faults(text: Any, place: str) -> Iterator[Fault]:
    """Give the fault of a text that is no FHIRPath."""
    if not isinstance(text, str):
        return
    try:
        parse(text)
    except FhirPathError as error:
        said = error.issues[0]
        ja, en = f"FHIRPath の式として読めません: {said.ja}", f"It cannot be read as FHIRPath: {said.en}"
        yield Fault(place, "invalid", ja, en, rule="expression")
    except RecursionError:
        yield Fault(
            place, "too-costly", "式の入れ子が深すぎます。", "The expression is nested too deeply.", rule="expression"
        )


def operation_definition_rules(operation: Resource, run: Run) -> Faults:
    """Return the faults of an OperationDefinition: parameters of types that there are not, or named twice."""
    return list(_parameters(operation.get("parameter", ()), ".parameter", run)) or None


def _parameters(parameters: list[Resource], place: str, run: Run) -> Iterator[Fault]:
    seen: set[tuple[Any, Any]] = set()
    for index, each in enumerate(parameters):
        at = f"{place}[{index}]"
        name = (each.get("use"), each.get("name"))
        if name in seen:
            ja = f"同じ名前のパラメーター「{str(each.get('name'))[:SHOWN]}」が二つあります。"
            yield Fault(f"{at}.name", "business-rule", ja, "Another parameter has this name.", rule="operation")
        seen.add(name)
        kind, most = each.get("type"), each.get("max")
        if isinstance(kind, str) and kind not in ANY and not run.validator.definitions.has_type(kind):
            ja = f"型「{kind[:SHOWN]}」は FHIR R4 にありません。"
            yield Fault(f"{at}.type", "code-invalid", ja, f"FHIR R4 has no type '{kind[:SHOWN]}'.", rule="operation")
        if isinstance(most, str) and most.isdigit() and int(most) < int(each.get("min") or 0):
            ja = f"max({most})が min({each.get('min')})より小さくなっています。"
            yield Fault(f"{at}.max", "business-rule", ja, f"The max {most} is less than the min.", rule="operation")
        yield from _parameters(each.get("part", ()), f"{at}.part", run)
