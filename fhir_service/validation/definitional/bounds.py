"""How often something may be there, as definitions say it: a max that is a number or `*`, and not below the min."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.places import elements_in
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Check, Run

_NUMBER = re.compile("[0-9]{1,18}").fullmatch

# By type where elements with `min` and `max` stand; nothing: the value itself.
BOUNDED: dict[str, tuple[str, ...]] = {
    "GraphDefinition": ("**.link",),
    "MessageDefinition": ("focus",),
    "OperationDefinition": ("parameter", "**.part"),
    "ParameterDefinition": (),
    "StructureMap": ("**.source",),
}


def bound_rules(type_name: str) -> Check:
    """Return the check of the bounds in values of a type."""
    paths = BOUNDED[type_name]

    def check(value: Resource, _run: Run) -> Faults:
        held = [("", value)] if not paths else [each for path in paths for each in elements_in(value, path)]
        return [fault for place, each in held for fault in _bounds(each, place)] or None

    return check


def _bounds(element: Resource, place: str) -> Iterator[Fault]:
    most = element.get("max")
    if not isinstance(most, str) or most == "*":
        return
    if _NUMBER(most) is None:
        yield _fault(f"{place}.max", "max は数か * です。", "The max is a number or *.")
    elif int(most) < int(element.get("min") or 0):
        ja = f"max({most})が min({element.get('min')})より小さくなっています。"
        yield _fault(f"{place}.max", ja, f"The max {most} is less than the min.")


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="definition-bounds")
