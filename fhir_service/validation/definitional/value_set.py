"""ValueSets: the systems, codes and filters that they name are there, and an expansion has what they compose.

https://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.system_code import of_system
from fhir_service.validation.definitional.value_set_filter import filter_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
ALL = frozenset({"version", "used", "displayLanguage", "includeDesignations", "includeDefinition", "excludeNested"})
"""The parameters of an expansion (up to a hyphen) by which no code is left out."""
PAGED = frozenset({"count", "offset", "limitedExpansion"})
"""The parameters of an expansion that may have left codes out."""


def value_set_rules(value_set: Resource, run: Run) -> Faults:
    """Return the faults of a ValueSet: systems that are none, codes that their system has not."""
    found: list[Fault] = []
    compose = value_set.get("compose", {})
    for kind in ("include", "exclude"):
        for index, include in enumerate(compose.get(kind, ())):
            found += _include(include, f".compose.{kind}[{index}]", run)
            found += _itself(include, value_set.get("url"), f".compose.{kind}[{index}]")
    if "expansion" in value_set:
        found += [*_expansion(value_set, run, composed=not found)] or _left_out(value_set)
    return found or None


def _itself(include: Resource, own: Any, place: str) -> Iterator[Fault]:
    for index, each in enumerate(include.get("valueSet", ())):
        if own is not None and each.partition("|")[0] == own:
            ja = "値セットが自分自身を取り込んでいます。"
            yield _fault(f"{place}.valueSet[{index}]", ja, "The value set includes itself.", "value-set")


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
    if (named := run.validator.definitions.name(system)) is not None and named.resource_type != "CodeSystem":
        ja = f"system「{system[:200]}」は {named.resource_type} で、コード体系ではありません。"
        yield _fault(f"{place}.system", ja, f"The system {system[:200]} is a {named.resource_type}.", "value-set")
        return
    for index, each in enumerate(include.get("filter", ())):
        yield from filter_faults(each, f"{place}.filter[{index}]", include, run)
    if "version" in include:
        return  # another version than the one that is here may have other codes
    for index, concept in enumerate(include.get("concept", ())):
        yield from of_system(system, concept, f"{place}.concept[{index}].code", run, "value-set")


def _expansion(value_set: Resource, run: Run, composed: bool) -> Iterator[Fault]:
    """Tell of codes of an expansion that their system has not or the value set does not compose, and of a low total."""
    expansion = value_set["expansion"]
    concepts = list(_contained(expansion.get("contains", ()), ".expansion.contains"))
    known = composed and "compose" in value_set
    contains = run.validator.terminology.composed(value_set) if known else None
    for place, each in concepts:
        system, code = each.get("system"), each.get("code")
        if system is None or code is None or "version" in each:
            continue
        if ":" not in system or run.validator.terminology.has_value_set(system):
            ja = f"system「{system[:200]}」はコード体系の URL ではありません。"
            yield _fault(
                f"{place}.system", ja, f"'{system[:200]}' is not the URL of a code system.", "value-set-expansion"
            )
            continue
        if faults := list(of_system(system, each, f"{place}.code", run, "value-set-expansion")):
            yield from faults
        elif contains is not None and each.get("abstract") is not True and contains(system, code) is False:
            ja = f"コード「{code[:SHOWN]}」は、この値セットの compose に含まれません。"
            en = f"The code '{code[:SHOWN]}' is not in what the value set composes."
            yield _fault(f"{place}.code", ja, en, "value-set-expansion")
    total, here = expansion.get("total"), sum("code" in each for _, each in concepts)
    yield from _paged(expansion, here, len(concepts))
    if isinstance(total, int) and total < here:
        ja = f"total は {total} ですが、コードは {here} 個あります。"
        yield _fault(
            ".expansion.total", ja, f"The total is {total}, but there are {here} codes.", "value-set-expansion"
        )


def _paged(expansion: Resource, here: int, most: int) -> Iterator[Fault]:
    """Tell of a total that is not reached, though no page says that there are more, and of a page behind the end.

    https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion.offset
    """
    total, offset = expansion.get("total"), expansion.get("offset")
    asked = {str(each.get("name")) for each in expansion.get("parameter", ())}
    if not isinstance(total, int):
        return
    if offset is not None and offset + here > total > 0:
        ja = f"total は {total} ですが、{offset} 番目から {here} 個あります。"
        en = f"The total is {total}, but there are {here} codes from {offset} on."
        yield _fault(".expansion.offset", ja, en, "value-set-expansion")
    elif offset is None and total > most and not PAGED & asked and "extension" not in expansion:
        ja = f"total は {total} ですが、コードは {here} 個しかありません(ページには offset が必要です)。"
        en = f"The total is {total}, but there are {here} codes only, and no offset as a page has."
        yield _fault(".expansion.total", ja, en, "value-set-expansion")


def _left_out(value_set: Resource) -> Iterator[Fault]:
    """Tell of a code that is composed by name, but not in an expansion that is whole."""
    expansion, compose = value_set["expansion"], value_set.get("compose", {})
    contained = _contained(expansion.get("contains", ()), "")
    here = {(each.get("system"), each.get("code")) for _, each in contained}
    asked = {str(each.get("name")).partition("-")[0] for each in expansion.get("parameter", ())}
    if (
        not here
        or asked - ALL
        or {"offset", "extension"} & expansion.keys()
        or {"exclude", "inactive"} & compose.keys()
    ):
        return
    for index, include in enumerate(compose.get("include", ())):
        for number, each in enumerate(include.get("concept", ()) if "valueSet" not in include else ()):
            if (include.get("system"), each.get("code")) not in here:
                code = str(each.get("code"))[:SHOWN]
                ja, en = f"コード「{code}」が expansion にありません。", f"The expansion lacks the code '{code}'."
                place = f".compose.include[{index}].concept[{number}]"
                yield _fault(place, ja, en, "value-set-expansion")
                return


def _contained(contains: list[Resource], place: str) -> Iterator[tuple[str, Resource]]:
    for index, each in enumerate(contains):
        yield f"{place}[{index}]", each
        yield from _contained(each.get("contains", ()), f"{place}[{index}].contains")


def _fault(path: str, ja: str, en: str, rule: str) -> Fault:
    return Fault(path, "business-rule", ja, en, rule=rule)
