"""OperationDefinitions: parameters of types that there are, each once, with parts or a type.

https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
ANY = frozenset({"Any", "Type", "Resource", "DomainResource", "Element"})


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
