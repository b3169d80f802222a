"""CodeSystems: properties that are declared so, codes that there are, a count and a value set that fit.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.system_code import of_system
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.questionnaire.enable_when import value_of

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
PARTS = frozenset({"filter", "concept", "valueSet"})
"""What makes of an include less than the whole system."""

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
    found += [*_whole(code_system, concepts, run), *_all_codes(code_system, run)]
    found += [*_alike(code_system, concepts), *_circles(declared, concepts)]
    return found or None


def _all_codes(code_system: Resource, run: Run) -> Iterator[Fault]:
    """Tell of a value set of all codes that is not of this system, or only of some of its codes.

    https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.valueSet
    """
    url, own = code_system.get("valueSet"), code_system.get("url")
    if not isinstance(url, str) or own is None:
        return
    named = run.definition(url)
    here, there = run.validator.definitions.name(own), run.validator.definitions.name(url)
    if here is not None and there is not None and here.package != there.package:
        return  # the value set that another version had is not here
    if named is None or named.get("resourceType") != "ValueSet" or code_system.get("content") == "supplement":
        return
    compose = named.get("compose", {})
    includes = compose.get("include", ())
    whole = [each for each in includes if each.get("system") == own and not PARTS & each.keys()]
    if includes and (len(whole) != len(includes) or len(whole) != 1 or "exclude" in compose):
        ja = f"値セット {url[:200]} は、このコード体系のすべてのコードだけからなる値セットではありません。"
        en = f"The value set {url[:200]} is not of all codes of this system, and of no others."
        yield _fault(".valueSet", ja, en, "code-system")


def _alike(code_system: Resource, concepts: list[tuple[str, Resource]]) -> Iterator[Fault]:
    """Tell of codes that differ in case only, where case means nothing."""
    if code_system.get("caseSensitive") is not False:
        return
    seen: dict[str, Any] = {}
    for place, concept in concepts:
        code = concept.get("code")
        if isinstance(code, str) and seen.setdefault(code.casefold(), code) != code:
            ja = f"コード「{code[:SHOWN]}」は、大文字と小文字を区別しなければ別のコードと同じです。"
            en = f"The code '{code[:SHOWN]}' is that of another concept, where case means nothing."
            yield _fault(f"{place}.code", ja, en, "code-system")


def _circles(declared: dict[Any, Resource], concepts: list[tuple[str, Resource]]) -> Iterator[Fault]:
    """Tell of codes that are above themselves."""
    names = {name for name, each in declared.items() if each.get("uri") == f"{DEFINED_BY}parent"} | {"parent"}
    above: dict[Any, set[Any]] = {}
    for _, concept in concepts:
        for each in concept.get("property", ()):
            if each.get("code") in names and isinstance(each.get("valueCode"), str):
                above.setdefault(concept.get("code"), set()).add(each["valueCode"])
    for place, concept in concepts:
        if (code := concept.get("code")) in above and code in _ancestors(code, above):
            ja = f"コード「{str(code)[:SHOWN]}」が自分自身の上位にあります。"
            yield _fault(place, ja, f"The code '{str(code)[:SHOWN]}' is above itself.", "code-system")
            return


def _ancestors(code: Any, above: dict[Any, set[Any]]) -> set[Any]:
    found: set[Any] = set()
    pending = [*above.get(code, ())]
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending += above.get(each, ())
    return found


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
    if uri.startswith(DEFINED_BY) and meant not in DEFINED:
        ja = f"{uri[:200]} というプロパティは、HL7 にありません。"
        yield _fault(f"{place}.uri", ja, f"HL7 defines no property {uri[:200]}.", "code-system")
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
    internal = INTERNAL & {name, meant} or (definition.get("type") == "code" and not {name, meant} & DEFINED.keys())
    if kind == "Code" and value not in codes and code_system.get("content") == "complete" and internal:
        ja = f"プロパティ「{shown}」が指すコード「{str(value)[:SHOWN]}」は、このコード体系にありません。"
        en = f"The code '{str(value)[:SHOWN]}' that the property '{shown}' names is not in this code system."
        yield _fault(place, ja, en, "code-system", "error" if meant in INTERNAL or definition else "warning")


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
            yield from of_system(str(supplemented).partition("|")[0], concept, f"{place}.code", run, "code-system")


def _fault(path: str, ja: str, en: str, rule: str, severity: Severity = "error") -> Fault:
    return Fault(path, "business-rule", ja, en, severity, rule=rule)
