"""OperationDefinitions: parameters of types that there are, each once, with parts or a type.

https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.binding import CODED
from fhir_service.validation.definitional.element_definition import REFERRING
from fhir_service.validation.definitional.profile_named import profile_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
LEVELS = ("system", "type", "instance")
ANY = frozenset({"Any", "Type", "Resource", "DomainResource", "Element"})


def operation_definition_rules(operation: Resource, run: Run) -> Faults:
    """Return the faults of an OperationDefinition: parameters of types that there are not, or named twice."""
    parameters = operation.get("parameter", ())
    found = [*_parameters(parameters, ".parameter", run)]
    names = {each.get("name") for each in parameters}
    levels = [each for each in LEVELS if operation.get(each) is True]
    if {"type", "instance"} & {*levels} and not operation.get("resource"):
        ja = "型や個々のリソースの操作ですが、その型(resource)がありません。"
        found.append(_fault("", ja, "It is of types or instances, but says of none (resource)."))
    if not levels:
        ja = "system・type・instance のどれでも呼び出せません。"
        found.append(_fault("", ja, "It can be called at no level: system, type or instance."))
    if str(operation.get("code", "")).startswith("$"):
        ja, en = "code に $ は付けません。URL で付きます。", "The code has no $: that is added in URLs."
        found.append(_fault(".code", ja, en)._replace(severity="warning"))
    for index, overload in enumerate(operation.get("overload", ())):
        for number, name in enumerate(overload.get("parameterName", ())):
            if name not in names:
                ja = f"「{str(name)[:SHOWN]}」というパラメーターはありません。"
                en = f"There is no parameter '{str(name)[:SHOWN]}'."
                found.append(_fault(f".overload[{index}].parameterName[{number}]", ja, en))
    for name in ("inputProfile", "outputProfile"):
        found += profile_faults(operation.get(name), {"Parameters"}, f".{name}", run, "operation")
    return found or None


def _parameters(parameters: list[Resource], place: str, run: Run) -> Iterator[Fault]:
    seen: set[tuple[Any, Any]] = set()
    for index, each in enumerate(parameters):
        at = f"{place}[{index}]"
        name = (each.get("use"), each.get("name"))
        if name in seen:
            ja = f"同じ名前のパラメーター「{str(each.get('name'))[:SHOWN]}」が二つあります。"
            yield Fault(f"{at}.name", "business-rule", ja, "Another parameter has this name.", rule="operation")
        seen.add(name)
        kind = each.get("type")
        if isinstance(kind, str) and kind not in ANY and not run.validator.definitions.has_type(kind):
            ja = f"型「{kind[:SHOWN]}」は FHIR R4 にありません。"
            yield Fault(f"{at}.type", "code-invalid", ja, f"FHIR R4 has no type '{kind[:SHOWN]}'.", rule="operation")
        yield from _fitting(each, at, run)
        if kind is not None and "part" in each:
            ja, en = "型(type)と part の両方は書けません。", "A parameter has a type or parts, not both."
            yield _fault(f"{at}.part", ja, en)
        for number, part in enumerate(each.get("part", ())):
            if part.get("use") != each.get("use"):
                ja, en = "part の use が、全体と違います。", "The use of the part is not that of the whole."
                yield _fault(f"{at}.part[{number}].use", ja, en)
        yield from _parameters(each.get("part", ()), f"{at}.part", run)


def _fitting(parameter: Resource, at: str, run: Run) -> Iterator[Fault]:
    """Tell of a value set of what has no codes, and of targets that nothing can refer to."""
    kind = parameter.get("type")
    if "binding" in parameter and isinstance(kind, str) and kind not in CODED | ANY:
        ja = f"型が {kind[:SHOWN]} のパラメーターに、値セットは結び付けられません。"
        yield _fault(f"{at}.binding", ja, f"A value set cannot be bound to a parameter of type {kind[:SHOWN]}.")
    for index, url in enumerate(parameter.get("targetProfile", ())):
        found = run.definition(url) if kind in REFERRING else None
        if found is not None and found.get("kind") not in ("resource", "logical"):
            ja = f"{url[:SHOWN]} は参照先になりません。"
            yield _fault(f"{at}.targetProfile[{index}]", ja, f"Nothing can refer to what {url[:SHOWN]} is of.")


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="operation")
