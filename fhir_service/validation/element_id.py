"""The ids of elements: no spaces, and no two in one resource are the same.

https://hl7.org/fhir/R4/element.html#id
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 64
NESTED = (dict, list)


def without_spaces(id_: Any, run: Run) -> Faults:
    """Return the fault of an element's id with a space in it."""
    if id_.__class__ is not str:
        return None
    run.element_ids.append(id_)
    if " " not in id_:
        return None
    ja = f"要素の id「{id_[:SHOWN]}」に空白は使えません(規則 element-id)。"
    en = f"The id of an element, '{id_[:SHOWN]}', must not contain spaces (rule element-id)."
    return [Fault("", "value", ja, en, rule="element-id")]


def element_id_rules(resource: Resource, run: Run) -> Faults:
    """Return the faults of a resource two elements of which have one id; resources inside have ids of their own."""
    ids = run.element_ids  # that `without_spaces` met: nearly always there are none
    if len(ids) < 2 or len(set(ids)) == len(ids):
        return None
    if resource.get("resourceType") == "StructureDefinition":
        return None  # an element has the same id in the snapshot and in the differential
    return _doubled(resource) or None


def _doubled(resource: Resource) -> list[Fault]:
    found: list[tuple[str, str]] = []
    for name, child in resource.items():
        if child.__class__ in NESTED:
            _ids(child, f".{name}", found)
    seen: set[str] = set()
    faults: list[Fault] = []
    for id_, place in found:
        if id_ in seen:
            ja = f"要素の id「{id_[:SHOWN]}」が、このリソースの中で重複しています。"
            en = f"Another element of the resource has the id '{id_[:SHOWN]}'."
            faults.append(Fault(f"{place}.id", "invalid", ja, en, rule="element-id"))
        seen.add(id_)
    return faults


def _ids(value: Any, place: str, found: list[tuple[str, str]]) -> None:
    if value.__class__ is list:
        for index, each in enumerate(value):
            if each.__class__ is dict:
                _ids(each, f"{place}[{index}]", found)
    elif "resourceType" not in value:
        for name, child in value.items():
            if child.__class__ in NESTED:
                _ids(child, f"{place}.{name}", found)
            elif name == "id" and child.__class__ is str:
                found.append((child, place))
