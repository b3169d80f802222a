"""ValueSets, CodeSystems and ConceptMaps: the codes and properties that they name are there.

https://hl7.org/fhir/R4/valueset.html, https://hl7.org/fhir/R4/codesystem.html and https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.enable_when import value_of
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80

# https://hl7.org/fhir/R4/codesystem-concept-properties.html: properties whose values are codes of the same system
INTERNAL = frozenset({"parent", "child", "subsumedBy"})
# https://hl7.org/fhir/R4/valueset-concept-property-type.html
PROPERTY_TYPES = {
    "code": "Code",
    "Coding": "Coding",
    "string": "String",
    "integer": "Integer",
    "boolean": "Boolean",
    "dateTime": "DateTime",
    "decimal": "Decimal",
}


def value_set_rules(value_set: Resource, run: Run) -> Faults:
    """Return the faults of a ValueSet: systems that are none, codes that their system has not."""
    found: list[Fault] = []
    compose = value_set.get("compose", {})
    for kind in ("include", "exclude"):
        for index, include in enumerate(compose.get(kind, ())):
            found += _include(include, f".compose.{kind}[{index}]", run)
    return found or None


def _include(include: Resource, place: str, run: Run) -> Iterator[Fault]:
    system = include.get("system")
    if system is None:
        return
    if ":" not in system and not system.startswith("#"):
        ja = f"system「{system[:SHOWN]}」は絶対 URI でなければなりません。"
        yield _fault(f"{place}.system", ja, f"The system '{system[:SHOWN]}' must be an absolute URI.", "value-set")
        return
    if run.validator.terminology.has_value_set(system):
        ja = f"system「{system[:200]}」は値セットです。コード体系の URL を入れるか、valueSet に書いてください。"
        en = f"The system {system[:200]} is a value set: give the URL of a code system, or name it in valueSet."
        yield _fault(f"{place}.system", ja, en, "value-set")
        return
    if "version" in include:
        return  # another version than the one that is here may have other codes
    for index, concept in enumerate(include.get("concept", ())):
        yield from _of_system(system, concept, f"{place}.concept[{index}].code", run, "value-set")


def _of_system(
    system: str, concept: Resource, place: str, run: Run, rule: str, severity: Severity = "error"
) -> Iterator[Fault]:
    code = concept.get("code")
    if isinstance(code, str) and run.validator.terminology.valid(system, code) is False:
        ja = f"コード体系 {system[:200]} に「{code[:SHOWN]}」というコードはありません。"
        yield _fault(place, ja, f"The code system {system[:200]} has no code '{code[:SHOWN]}'.", rule, severity)


def code_system_rules(code_system: Resource, run: Run) -> Faults:
    """Return the faults of a CodeSystem: properties that are not declared so, codes that it has not, a wrong count."""
    declared = {each.get("code"): each.get("type") for each in code_system.get("property", ())}
    concepts = list(_concepts(code_system.get("concept", ()), ".concept"))
    codes = {concept.get("code") for _, concept in concepts}
    found: list[Fault] = []
    for place, concept in concepts:
        for index, each in enumerate(concept.get("property", ())):
            found += _property(each, f"{place}.property[{index}]", declared, codes, code_system)
    return [*found, *_whole(code_system, concepts, run)] or None


def _concepts(concepts: list[Resource], place: str) -> Iterator[tuple[str, Resource]]:
    for index, concept in enumerate(concepts):
        yield f"{place}[{index}]", concept
        yield from _concepts(concept.get("concept", ()), f"{place}[{index}].concept")


def _property(
    each: Resource, place: str, declared: dict[Any, Any], codes: set[Any], code_system: Resource
) -> Iterator[Fault]:
    name = each.get("code")
    kind, value = value_of(each, "value")
    shown = str(name)[:SHOWN]
    if name not in declared:
        if name not in INTERNAL:
            ja = f"プロパティ「{shown}」が CodeSystem.property に定義されていません。"
            en = f"The property '{shown}' is not defined in CodeSystem.property."
            yield _fault(f"{place}.code", ja, en, "code-system", "warning")
    elif kind and PROPERTY_TYPES.get(str(declared[name])) not in (kind, None):
        ja = f"プロパティ「{shown}」の型は {declared[name]} と定義されていますが、{kind} です。"
        en = f"The property '{shown}' is defined as {declared[name]}, but is a {kind}."
        yield _fault(place, ja, en, "code-system")
    if name in INTERNAL and kind == "Code" and value not in codes and code_system.get("content") == "complete":
        ja = f"プロパティ「{shown}」が指すコード「{str(value)[:SHOWN]}」は、このコード体系にありません。"
        en = f"The code '{str(value)[:SHOWN]}' that the property '{shown}' names is not in this code system."
        yield _fault(place, ja, en, "code-system")


def _whole(code_system: Resource, concepts: list[tuple[str, Resource]], run: Run) -> Iterator[Fault]:
    content, count = code_system.get("content"), code_system.get("count")
    supplemented = code_system.get("supplements")
    here = len(concepts)
    if isinstance(count, int) and here and count != here and (content == "complete" or count < here):
        ja = f"count は {count} ですが、コードは {here} 個あります。"
        yield _fault(".count", ja, f"The count is {count}, but there are {here} codes.", "code-system")
    if content == "supplement" and supplemented is None:
        ja = "content が supplement の CodeSystem には、supplements が必要です。"
        yield _fault("", ja, "A supplement must say which code system it supplements.", "code-system")
    if content not in ("supplement", None) and supplemented is not None:
        ja = f"supplements がありますが、content が {content} です(supplement でなければなりません)。"
        yield _fault(
            ".content", ja, f"It supplements another code system, but its content is {content}.", "code-system"
        )
    if content == "supplement" and supplemented is not None:
        for place, concept in concepts:
            yield from _of_system(str(supplemented).partition("|")[0], concept, f"{place}.code", run, "code-system")


def concept_map_rules(concept_map: Resource, run: Run) -> Faults:
    """Return the faults of a ConceptMap: codes that the systems it maps between have not.

    They are warnings: HL7's own maps have two codes as one (`proposed,waitlist`).
    """
    found: list[Fault] = []
    for number, group in enumerate(concept_map.get("group", ())):
        source, target = group.get("source"), group.get("target")
        for index, element in enumerate(group.get("element", ())):
            place = f".group[{number}].element[{index}]"
            if source is not None and "sourceVersion" not in group:
                found += _of_system(source, element, f"{place}.code", run, "concept-map", "warning")
            if target is None or "targetVersion" in group:
                continue
            for position, each in enumerate(element.get("target", ())):
                found += _of_system(target, each, f"{place}.target[{position}].code", run, "concept-map", "warning")
    return found or None


def _fault(path: str, ja: str, en: str, rule: str, severity: Severity = "error") -> Fault:
    return Fault(path, "business-rule", ja, en, severity, rule=rule)
