"""The codes of a value set: what its definition composes, or the expansion that it brings along.

https://hl7.org/fhir/R4/valueset.html#composition
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from fhir_service.fhir.resource import Resource
from fhir_service.terminology.code_system import CodeSystem, dicts
from fhir_service.terminology.extent import (
    NOTHING,
    UNKNOWN,
    Extent,
    Rule,
    Selection,
    both,
    minus,
    union,
    united,
)
from fhir_service.terminology.external import external, external_filter
from fhir_service.terminology.filters import Effort, picked

EMPTY = Selection()
CANNOT_TELL = Selection(rest=UNKNOWN)

ValueSets = Callable[[str], Selection | None]
CodeSystems = Callable[[str, str | None], CodeSystem | None]


def selected(definition: Resource, value_sets: ValueSets, code_systems: CodeSystems) -> Selection:
    """Return the codes of this value set; `value_sets` gives those that it imports, None for one that is not here."""
    compose = definition.get("compose")
    if not isinstance(compose, dict):
        return _expanded(definition) or CANNOT_TELL
    effort = Effort()
    included, excluded = (
        united([_included(each, value_sets, code_systems, effort) for each in dicts(compose.get(name))] or [EMPTY])
        for name in ("include", "exclude")
    )
    found = included.combined(excluded, minus)
    if any(isinstance(each, Rule) for each in (*found.systems.values(), found.rest)):
        return _expanded(definition) or found
    return found


def _included(include: Resource, value_sets: ValueSets, code_systems: CodeSystems, effort: Effort) -> Selection:
    """Return what one include or exclude names: "the intersection" of its system and its value sets."""
    listed = include.get("valueSet")
    parts = [value_sets(each) or CANNOT_TELL for each in (listed if isinstance(listed, list) else ())]
    system = include.get("system")
    if isinstance(system, str):
        parts.append(Selection({system: _of_system(system, include, code_systems, effort)}))
    found, *others = parts or [EMPTY]
    for other in others:
        found = found.combined(other, both)
    return found


def _of_system(system: str, include: Resource, code_systems: CodeSystems, effort: Effort) -> Extent:
    if "concept" in include:
        return frozenset(_texts(dicts(include["concept"]), "code"))
    version = include.get("version")
    known = code_systems(system, version if isinstance(version, str) else None)
    if known is None and version and (other := code_systems(system, None)) is not None:
        known = replace(other, complete=False)  # what another version has, this one may have
    filters = dicts(include.get("filter"))
    if known is None:
        kept = external(system)
        for each in filters:
            kept = both(kept, external_filter(system, each))
        return kept
    kept = known.selectable if filters else known.extent
    for each in filters:
        found = picked(known, each, effort)
        kept = both(kept, UNKNOWN if found is None else found)
    return union(kept, UNKNOWN) if filters and not known.complete else kept


def _texts(values: Iterable[Resource], name: str) -> Iterable[str]:
    return (each[name] for each in values if isinstance(each.get(name), str))


def _expanded(definition: Resource) -> Selection | None:
    """Return the expansion that came with the definition, None if there is none or it is not whole.

    https://hl7.org/fhir/R4/valueset.html#expansion
    """
    expansion = definition.get("expansion")
    if not isinstance(expansion, dict) or not isinstance(expansion.get("contains"), list):
        return None
    codes = list(_contained(expansion["contains"]))
    total = expansion.get("total")
    if expansion.get("offset") or (isinstance(total, int) and total > len(codes)):
        return None
    if any(_says_partial(each) for each in dicts(expansion.get("parameter"))):
        return None
    systems: dict[str, set[str]] = {}
    for system, code in codes:
        systems.setdefault(system, set()).add(code)
    return Selection({system: frozenset(each) for system, each in systems.items()}, NOTHING)


def _says_partial(parameter: Resource) -> bool:
    # https://hl7.org/fhir/R4/extension-valueset-toocostly.html and the parameter of the same meaning
    return parameter.get("name") == "limitedExpansion" and parameter.get("valueBoolean") is True


def _contained(contains: Any) -> Iterable[tuple[str, str]]:
    pending = dicts(contains)
    while pending:
        each = pending.pop()
        pending.extend(dicts(each.get("contains")))
        match each:
            case {"abstract": True}:
                continue
            case {"system": str(system), "code": str(code)}:
                yield system, code


def is_whole(extent: Extent) -> bool:
    """Whether all codes of a system are meant, though they cannot be counted."""
    return isinstance(extent, Rule) and extent.whole
