"""ValueSets, CodeSystems and ConceptMaps: the codes and properties that they name are there.

https://hl7.org/fhir/R4/valueset.html, https://hl7.org/fhir/R4/codesystem.html and https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.fhirpath import ucum
from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.enable_when import value_of
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80

# https://hl7.org/fhir/R4/codesystem-concept-properties.html and R5's: the types of the properties that HL7 defines
DEFINED_BY = "http://hl7.org/fhir/concept-properties#"
DEFINED = {
    "status": "code",
    "inactive": "boolean",
    "effectiveDate": "dateTime",
    "deprecationDate": "dateTime",
    "retirementDate": "dateTime",
    "deprecated": "dateTime",
    "notSelectable": "boolean",
    "parent": "code",
    "child": "code",
    "partOf": "code",
    "synonym": "code",
    "comment": "string",
    "itemWeight": "decimal",
}
INTERNAL = frozenset({"parent", "child", "partOf", "synonym"})
"""The properties whose values are codes of the same system."""

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
    if ":" not in system:
        ja = f"system「{system[:SHOWN]}」は絶対 URI でなければなりません。"
        rule = "include-system" if system.startswith("#") else "value-set"
        yield _fault(f"{place}.system", ja, f"The system '{system[:SHOWN]}' must be an absolute URI.", rule)
        return
    if "|" in system:
        ja = f"system「{system[:SHOWN]}」に版(|)は付けられません。版は version に書きます。"
        en = f"The system '{system[:SHOWN]}' must not have a version after a |: that belongs in version."
        yield _fault(f"{place}.system", ja, en, "include-system")
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


def _of_system(system: str, concept: Resource, place: str, run: Run, rule: str) -> Iterator[Fault]:
    code = concept.get("code")
    if isinstance(code, str) and run.validator.terminology.valid(system, code) is False:
        ja = f"コード体系 {system[:200]} に「{code[:SHOWN]}」というコードはありません。"
        en = f"The code system {system[:200]} has no code '{code[:SHOWN]}'."
        yield _fault(place, ja, en, "unit" if system == ucum.SYSTEM else rule)


def code_system_rules(code_system: Resource, run: Run) -> Faults:
    """Return the faults of a CodeSystem: properties that are not declared so, codes that it has not, a wrong count."""
    properties = code_system.get("property", ())
    declared = {each.get("code"): each for each in properties}
    concepts = list(_concepts(code_system.get("concept", ()), ".concept"))
    codes = {concept.get("code") for _, concept in concepts}
    found = [*_declarations(properties)]
    for place, concept in concepts:
        for index, each in enumerate(concept.get("property", ())):
            found += _property(each, f"{place}.property[{index}]", declared, codes, code_system)
    return [*found, *_whole(code_system, concepts, run)] or None


def _concepts(concepts: list[Resource], place: str) -> Iterator[tuple[str, Resource]]:
    for index, concept in enumerate(concepts):
        yield f"{place}[{index}]", concept
        yield from _concepts(concept.get("concept", ()), f"{place}[{index}].concept")


def _declarations(properties: list[Resource]) -> Iterator[Fault]:
    """Tell of declared properties that have the code or URI of another, or not the meaning that HL7 gives their URI."""
    seen: set[tuple[str, Any]] = set()
    for index, each in enumerate(properties):
        for name in ("code", "uri"):
            value = each.get(name)
            if value is not None and (name, value) in seen:
                ja = f"プロパティの {name}「{str(value)[:SHOWN]}」が重複しています。"
                en = f"Another property has the {name} '{str(value)[:SHOWN]}'."
                yield _fault(f".property[{index}].{name}", ja, en, "property-twice")
            seen.add((name, value))
        if isinstance(uri := each.get("uri"), str):
            yield from _declared_uri(uri, each, f".property[{index}]")


def _declared_uri(uri: str, declared: Resource, place: str) -> Iterator[Fault]:
    if ":" not in uri:
        ja = f"プロパティの uri「{uri[:SHOWN]}」は絶対 URI でなければなりません。"
        yield _fault(f"{place}.uri", ja, f"The uri '{uri[:SHOWN]}' of the property must be absolute.", "code-system")
    meant, code, kind = uri.removeprefix(DEFINED_BY), declared.get("code"), declared.get("type")
    if not uri.startswith(DEFINED_BY) or meant not in DEFINED:
        return
    if code in DEFINED and code != meant:
        ja = f"{uri} は「{meant}」を意味しますが、プロパティのコードは「{code}」です。"
        yield _fault(
            f"{place}.uri", ja, f"{uri} means '{meant}', but the code of the property is '{code}'.", "code-system"
        )
    if kind != DEFINED[meant]:
        ja = f"{uri} の型は {DEFINED[meant]} ですが、{kind} と定義されています。"
        yield _fault(f"{place}.type", ja, f"{uri} is of type {DEFINED[meant]}, but declared as {kind}.", "code-system")


def _property(
    each: Resource, place: str, declared: dict[Any, Resource], codes: set[Any], code_system: Resource
) -> Iterator[Fault]:
    name = each.get("code")
    kind, value = value_of(each, "value")
    shown = str(name)[:SHOWN]
    definition = declared.get(name, {})
    wanted = PROPERTY_TYPES.get(str(definition.get("type")))
    if not definition and name not in INTERNAL:
        ja = f"プロパティ「{shown}」が CodeSystem.property に定義されていません。"
        en = f"The property '{shown}' is not defined in CodeSystem.property."
        yield _fault(f"{place}.code", ja, en, "code-system", "warning")
    elif kind and wanted not in (kind, None):
        ja = f"プロパティ「{shown}」の型は {definition['type']} と定義されていますが、{kind} です。"
        en = f"The property '{shown}' is defined as {definition['type']}, but is a {kind}."
        yield _fault(place, ja, en, "code-system")
    meant = str(definition.get("uri", "")).removeprefix(DEFINED_BY)
    if kind == "Code" and value not in codes and code_system.get("content") == "complete" and INTERNAL & {name, meant}:
        ja = f"プロパティ「{shown}」が指すコード「{str(value)[:SHOWN]}」は、このコード体系にありません。"
        en = f"The code '{str(value)[:SHOWN]}' that the property '{shown}' names is not in this code system."
        yield _fault(place, ja, en, "code-system", "error" if meant in INTERNAL else "warning")


def _whole(code_system: Resource, concepts: list[tuple[str, Resource]], run: Run) -> Iterator[Fault]:
    content, count = code_system.get("content"), code_system.get("count")
    supplemented = code_system.get("supplements")
    here = len(concepts)
    few = content in ("example", "fragment")
    if isinstance(count, int) and ((content == "complete" and count != here) or (few and 0 < count <= here)):
        ja = f"count は {count} ですが、コードは {here} 個あります。"
        en = f"The count is {count}, but there are {here} codes."
        yield _fault(".count", ja, en, "code-system", "warning" if few else "error")
    if content == "not-present" and concepts:
        ja = "content が not-present の CodeSystem に、コードがあります。"
        yield _fault(concepts[0][0], ja, "There are codes, but the content says that none is present.", "code-system")
    if supplemented is not None and "caseSensitive" in code_system:
        ja = "補足(supplement)に caseSensitive は書けません。"
        yield _fault(".caseSensitive", ja, "A supplement must not say caseSensitive.", "code-system")
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
    """Return the faults of a ConceptMap: codes that the systems, or the value sets, it maps between have not."""
    found: list[Fault] = []
    source_set, target_set = value_of(concept_map, "source")[1], value_of(concept_map, "target")[1]
    for number, group in enumerate(concept_map.get("group", ())):
        source = None if "sourceVersion" in group else group.get("source")
        target = None if "targetVersion" in group else group.get("target")
        for index, element in enumerate(group.get("element", ())):
            place = f".group[{number}].element[{index}]"
            found += _mapped(source, source_set, element, f"{place}.code", run)
            for position, each in enumerate(element.get("target", ())):
                found += _mapped(target, target_set, each, f"{place}.target[{position}].code", run)
    return found or None


def _mapped(system: str | None, value_set: Any, concept: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of a code that is not in the system, or in the value set, of its side of a map."""
    code = concept.get("code")
    if system is None or not isinstance(code, str):
        return
    if faults := list(_of_system(system, concept, place, run, "concept-map")):
        yield from faults
    elif isinstance(value_set, str) and run.validator.terminology.contains(value_set, system, code) is False:
        ja = f"値セット {value_set[:200]} に「{code[:SHOWN]}」というコードはありません。"
        yield _fault(place, ja, f"The value set {value_set[:200]} has no code '{code[:SHOWN]}'.", "concept-map")


def _fault(path: str, ja: str, en: str, rule: str, severity: Severity = "error") -> Fault:
    return Fault(path, "business-rule", ja, en, severity, rule=rule)
