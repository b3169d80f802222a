"""ConceptMaps: the codes that they map are there.

https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.coding import coding_rules
from fhir_service.validation.definitional.system_code import of_system
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.questionnaire.enable_when import value_of

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
NONE = frozenset({"unmatched", "disjoint", None})
"""What says that there is no target: https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html"""


def concept_map_rules(concept_map: Resource, run: Run) -> Faults:
    """Return the faults of a ConceptMap: codes that the systems, or the value sets, it maps between have not."""
    found: list[Fault] = []
    source_set, target_set = value_of(concept_map, "source")[1], value_of(concept_map, "target")[1]
    for number, group in enumerate(concept_map.get("group", ())):
        source = None if "sourceVersion" in group else group.get("source")
        target = None if "targetVersion" in group else group.get("target")
        unmapped = group.get("unmapped", {})
        if target is not None:
            found += of_system(target, unmapped, f".group[{number}].unmapped.code", run, "concept-map")
        for index, element in enumerate(group.get("element", ())):
            place = f".group[{number}].element[{index}]"
            if "code" not in element and "_code" not in element and "target" in element:
                ja, en = "対応元の code がありません。", "There is no code that is mapped."
                found.append(_fault(place, ja, en, "concept-map")._replace(severity="warning"))  # as one of R4's own
            found += _mapped(source, source_set, element, f"{place}.code", run)
            for position, each in enumerate(element.get("target", ())):
                at = f"{place}.target[{position}]"
                found += _mapped(target, target_set, each, f"{at}.code", run)
                found += _target(each, at, run)
    return found or None


def _target(target: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of a target without a code that is not said to be none, and of codes of what it depends on."""
    equivalence = target.get("equivalence")
    if "code" not in target and "_code" not in target and equivalence not in NONE:
        ja = f"equivalence が {equivalence} なのに、対応先の code がありません。"
        yield _fault(place, ja, f"The equivalence is {equivalence}, but there is no code.", "concept-map")
    for name in ("dependsOn", "product"):
        for index, each in enumerate(target.get(name, ())):
            if "system" in each:
                concept, at = {"code": each.get("value")}, f"{place}.{name}[{index}].value"
                yield from of_system(str(each["system"]).partition("|")[0], concept, at, run, "concept-map")


def _mapped(system: str | None, value_set: Any, concept: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of a code that is not in the system, or in the value set, of its side of a map."""
    code = concept.get("code")
    if system is None or not isinstance(code, str):
        return
    if faults := list(of_system(system, concept, place, run, "concept-map")):
        yield from faults
        return
    yield from _display(system, concept, place, run)
    if isinstance(value_set, str) and run.validator.terminology.contains(value_set, system, code) is False:
        ja = f"値セット {value_set[:200]} に「{code[:SHOWN]}」というコードはありません。"
        yield _fault(place, ja, f"The value set {value_set[:200]} has no code '{code[:SHOWN]}'.", "concept-map")


def _display(system: str, concept: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Warn of a name that the code system does not give."""
    for each in coding_rules({"system": system, **concept}, run) or ():
        if each.rule == "display":
            yield each._replace(path=place.removesuffix("code") + "display", severity="warning")


def _fault(path: str, ja: str, en: str, rule: str) -> Fault:
    return Fault(path, "business-rule", ja, en, rule=rule)
