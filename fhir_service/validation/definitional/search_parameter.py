"""SearchParameters: expressions that can be read, of the base and type that the parameter says.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.fhirpath.static import Selected
from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.element_path import elements_at
from fhir_service.validation.definitional.expression import read_expression
from fhir_service.validation.definitional.search_use import search_use_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
MOST_TYPES = 6  # that a message repeats
HL7 = "http://hl7.org/fhir/SearchParameter/"
_BEGINNING = re.compile(r"(?:^|\|)[\s(]*([A-Z][A-Za-z]+)\b")  # of each part of a union: the type it begins with
_CODE = re.compile(r"[\w$-]+")
_PLAIN = re.compile(r"[A-Z]\w*(\.\w+)+")
ANY = frozenset({"Any", "Type", "Resource", "DomainResource", "Element"})

# https://hl7.org/fhir/R4/search.html#table, and what R4's own parameters search besides. An Extension has any value.
_URIS = {"uri", "url", "canonical", "oid", "uuid"}
_AMOUNTS = {"Quantity", "Money", "Range", "Age", "Duration", "Distance", "Count", "SampledData"}
SEARCHED: dict[str, frozenset[str]] = {
    kind: frozenset(types | {"Extension"})
    for kind, types in {
        "number": {"decimal", "integer", "positiveInt", "unsignedInt", "Range"},
        "date": {"date", "dateTime", "instant", "Period", "Timing"},
        "string": {"string", "markdown", "HumanName", "Address", "code", "id", "CodeableConcept", "Annotation"} | _URIS,
        "token": {"code", "Coding", "CodeableConcept", "Identifier", "ContactPoint", "boolean", "string", "id"} | _URIS,
        "reference": {"Reference"} | _URIS,
        "quantity": _AMOUNTS,
        "uri": _URIS,
    }.items()
}


def search_parameter_rules(parameter: Resource, run: Run) -> Faults:
    """Return the faults of a SearchParameter: expressions that cannot be read, and another type than its origin's."""
    bases = parameter.get("base", ())
    reading = read_expression(parameter.get("expression"), ".expression", run, _only(bases, run))
    found = [*reading.faults, *_elsewhere(parameter, run), *_derived(parameter, run)]
    found += _kind(parameter.get("type"), reading.selects, ".type")
    found += [*_bases(parameter, reading.selects), *search_use_faults(parameter, run)]
    found += [*_targets(parameter, run), *_code(parameter)]
    if parameter.get("type") == "composite" or "component" in parameter:
        found += _components(parameter, reading.selects, run)
    return found or None


def _code(parameter: Resource) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/search.html: `.` chains, `:` begins a modifier."""
    code = str(parameter.get("code", ""))
    if code and _CODE.fullmatch(code) is None:
        ja = f"code「{code[:SHOWN]}」では検索できません(. : 空白などは URL で別の意味を持ちます)。"
        yield _fault(".code", ja, f"Nobody can search by '{code[:SHOWN]}': '.', ':' and spaces mean something else.")


def _only(types: Iterable[str], run: Run) -> str | None:
    """Return the one type that there is, None if there are several or R4 has no such type."""
    found = [*types]
    return found[0] if len(found) == 1 and run.validator.definitions.has_type(found[0]) else None


def _kind(kind: Any, selects: Selected, place: str) -> Iterator[Fault]:
    """Tell of a branch of an expression none of whose types a parameter of this type can search."""
    searched = SEARCHED.get(str(kind), frozenset())
    for types in selects.values():
        if searched and types and not searched & {*types} and not any(each.startswith("System.") for each in types):
            names = ", ".join(types[:MOST_TYPES])
            ja = f"検索パラメーターの型 {kind} では、式が選ぶ型({names})を検索できません。"
            yield _fault(place, ja, f"A parameter of type {kind} cannot search what is selected ({names}).")


def _bases(parameter: Resource, selects: Selected) -> Iterator[Fault]:
    """Tell of types that the parameter says to be for, and that the expression selects nothing of."""
    if "expression" not in parameter and parameter.get("type") not in ("special", "composite", None):
        ja, en = "式(expression)がないので、索引を作れません。", "Without an expression nothing can be indexed."
        yield _fault("", ja, en)._replace(severity="warning")
    bases = parameter.get("base", ())
    if len(bases) < 2 or not selects or None in selects or ANY & selects.keys():
        return
    for index, base in enumerate(bases):
        if base not in selects and base not in ANY:
            ja = f"式は {str(base)[:SHOWN]} から何も選びません。"
            yield _fault(f".base[{index}]", ja, f"The expression selects nothing of a {str(base)[:SHOWN]}.")


def _targets(parameter: Resource, run: Run) -> Iterator[Fault]:
    """Tell of targets that the elements of the expression cannot refer to."""
    targets = parameter.get("target", ())
    if targets and parameter.get("type") != "reference":
        ja = "target は型が reference の検索パラメーターだけに書きます。"
        yield _fault(".target", ja, "Only a search parameter of the type reference has targets.")
        return
    paths = [each.strip("() ") for each in str(parameter.get("expression", "")).split("|")]
    found = [elements_at(each, run.validator.definitions) for each in paths if _PLAIN.fullmatch(each)]
    elements = [element for each in found for element in each or ()]
    if len(found) < len(paths) or not elements or not all(each.targets for each in elements):
        return
    allowed = {target for each in elements for target in each.targets}
    for index, target in enumerate(targets):
        if target not in allowed:
            ja = f"式の要素は {str(target)[:SHOWN]} を参照できません({', '.join(sorted(allowed))})。"
            en = (
                f"The elements of the expression cannot refer to a {str(target)[:SHOWN]}: {', '.join(sorted(allowed))}."
            )
            yield _fault(f".target[{index}]", ja, en)


def _components(parameter: Resource, selects: Selected, run: Run) -> Iterator[Fault]:
    """Tell of the parts of a composite parameter: two or more, each with a definition and an expression that fits."""
    components = parameter.get("component", ())
    if parameter.get("type") != "composite":
        yield _fault(
            ".component", "component は複合の検索パラメーターだけに書きます。", "Only a composite has components."
        )
        return
    if len(components) < 2:
        ja = "複合(composite)の検索パラメーターには、二つ以上の component が必要です。"
        yield _fault("", ja, "A search parameter of the type composite has two components or more.")
    types = {each for found in selects.values() for each in found or ()}
    context = next(iter(types)) if len(types) == 1 else None
    for index, each in enumerate(components):
        place, url = f".component[{index}]", str(each.get("definition"))
        defined = run.definition(url)
        reading = read_expression(each.get("expression"), f"{place}.expression", run, context)
        yield from reading.faults
        if defined is None:
            if url.startswith(HL7):
                ja = f"検索パラメーター {url[:SHOWN]} は FHIR R4 にありません。"
                yield _fault(f"{place}.definition", ja, f"FHIR R4 has no search parameter {url[:SHOWN]}.")
        elif defined.get("type") == "composite":
            ja = "component の定義が、それ自身複合の検索パラメーターです。"
            yield _fault(f"{place}.definition", ja, "The definition of a component must not be a composite itself.")
        else:
            yield from _kind(defined.get("type"), reading.selects, f"{place}.expression")
            yield from _same_base(parameter, defined, f"{place}.definition")


def _same_base(parameter: Resource, defined: Resource, place: str) -> Iterator[Fault]:
    """Tell of a part that is not about what the composite is about."""
    about = {*defined.get("base", ())}
    if about and not about & ({*parameter.get("base", ())} | ANY):
        names = ", ".join(map(str, about))
        ja = f"component の定義は {names} のもので、この検索パラメーターの base のものではありません。"
        yield _fault(place, ja, f"The definition of the component is about {names}, not about the base.")


def _elsewhere(parameter: Resource, run: Run) -> Iterator[Fault]:
    """Tell of parts of an expression that begin with a type of resources which the parameter is not for."""
    named = {*_BEGINNING.findall(str(parameter.get("expression", "")))}
    bases = {*parameter.get("base", ())}
    resources = run.validator.definitions.resource_types
    foreign = ", ".join(sorted((named & resources) - bases)[:MOST_TYPES])
    if bases and foreign and not (named | bases) & ANY:
        ja = f"式は base にない {foreign} のものです。"
        en = f"The expression is about {foreign}, which the base has not."
        yield _fault(".expression", ja, en)


def _derived(parameter: Resource, run: Run) -> Iterator[Fault]:
    """Tell where a parameter is not of the type, or not for the resources, of the one that it is derived from."""
    url = str(parameter.get("derivedFrom", ""))
    origin = run.definition(url) if url else None
    if origin is None or origin.get("resourceType") != "SearchParameter":
        return
    if origin.get("type") != parameter.get("type"):
        ja = f"元の検索パラメーター {url[:SHOWN]} の型は {origin.get('type')} です。"
        en = f"The search parameter {url[:SHOWN]} that it is derived from is of type {origin.get('type')}."
        yield _fault(".type", ja, en)
    bases = {*origin.get("base", ())}
    for index, base in enumerate(parameter.get("base", ())):
        if base not in bases and not bases & ANY:
            ja = f"元の検索パラメーター {url[:SHOWN]} は {str(base)[:SHOWN]} のものではありません。"
            en = f"The search parameter {url[:SHOWN]} that it is derived from is not for {str(base)[:SHOWN]}."
            yield _fault(f".base[{index}]", ja, en)


def _fault(place: str, ja: str, en: str) -> Fault:
    return Fault(place, "business-rule", ja, en, rule="search-parameter")
