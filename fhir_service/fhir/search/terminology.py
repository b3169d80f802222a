"""The codes that a value set or a subtree of a code system holds: what `:in`, `:above` and `:below` ask of tokens.

`Terminology` is all that search asks, so that a terminology service can answer in place of the loaded definitions.
https://hl7.org/fhir/R4/search.html#modifiers and https://hl7.org/fhir/R4/valueset.html#expansion
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Resource

Member = tuple[str, str | None]
"""System and code; code None stands for every code of a system whose content is not here."""

MOST_MEMBERS = 50_000
MOST_NESTED = 20


class Terminology(Protocol):
    """What search asks; each raises FhirError (400) for what it does not know."""

    def members(self, value_set: str) -> frozenset[Member]:
        """Return the codes of a value set, by its canonical URL (with or without `|version`)."""
        ...

    def below(self, system: str, code: str) -> frozenset[Member]:
        """Return a code and all that it subsumes."""
        ...

    def above(self, system: str, code: str) -> frozenset[Member]:
        """Return a code and all that subsume it."""
        ...


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A code system: the codes directly below and above each code."""

    below: dict[str, list[str]] = field(default_factory=dict)
    above: dict[str, list[str]] = field(default_factory=dict)


class LoadedTerminology:
    """Answers from the ValueSets and CodeSystems that the loaded definitions hold."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._hierarchy: Callable[[str], Hierarchy | None] = lru_cache(maxsize=64)(self._read_hierarchy)
        self.members: Callable[[str], frozenset[Member]] = lru_cache(maxsize=256)(self._members)

    def below(self, system: str, code: str) -> frozenset[Member]:
        found = self._known(system)
        return frozenset((system, each) for each in _reached(code, found.below, system, found))

    def above(self, system: str, code: str) -> frozenset[Member]:
        found = self._known(system)
        return frozenset((system, each) for each in _reached(code, found.above, system, found))

    def _members(self, value_set: str, depth: int = 0) -> frozenset[Member]:
        definition = self._definitions.find(value_set)
        if definition is None or definition["resourceType"] != "ValueSet" or depth > MOST_NESTED:
            raise unknown("ValueSet", value_set)
        compose = definition.get("compose", {})
        found: set[Member] = set()
        for include in compose.get("include", ()):
            found |= self._included(include, value_set, depth)
            if len(found) > MOST_MEMBERS:
                raise _not_expandable(value_set, f"more than {MOST_MEMBERS} codes")
        for exclude in compose.get("exclude", ()):
            found = _without(found, self._included(exclude, value_set, depth), value_set)
        return frozenset(found)

    def _included(self, include: Resource, value_set: str, depth: int) -> set[Member]:
        """Return what one include or exclude names: "the intersection" of its system and its value sets."""
        parts = [set(self._members(each, depth + 1)) for each in include.get("valueSet", ())]
        if "system" in include:
            parts.append(self._of_system(include, value_set))
        found, *others = parts or [set()]
        for other in others:
            found = {member for member in found if _holds(other, member)} | {
                member for member in other if _holds(found, member)
            }
        return found

    def _of_system(self, include: Resource, value_set: str) -> set[Member]:
        system = include["system"]
        if "concept" in include:
            return {(system, concept["code"]) for concept in include["concept"]}
        hierarchy = self._hierarchy(system)
        if "filter" not in include:
            return {(system, code) for code in hierarchy.above} if hierarchy else {(system, None)}
        if hierarchy is None:
            raise unknown("CodeSystem", system)
        kept = set(hierarchy.above)
        for each in include["filter"]:
            if (make := FILTERS.get((each.get("property"), each.get("op")))) is None:
                raise _not_expandable(value_set, f"filter {each.get('property')} {each.get('op')}")
            kept &= make(each["value"], hierarchy, system)
        return {(system, code) for code in kept}

    def _known(self, system: str) -> Hierarchy:
        found = self._hierarchy(system)
        if found is None:
            raise unknown("CodeSystem", system)
        return found

    def _read_hierarchy(self, system: str) -> Hierarchy | None:
        """Return the codes of a system, None if not all of them are here."""
        definition = self._definitions.find(system)
        if definition is None or definition["resourceType"] != "CodeSystem" or definition.get("content") != "complete":
            return None
        found = Hierarchy()
        for parent, concept in _concepts(definition.get("concept", ())):
            code = concept["code"]
            parents = [parent, *_property(concept, "subsumedBy"), *_property(concept, "parent")]
            _link(found, code, (each for each in parents if each is not None))
            for child in _property(concept, "child"):
                _link(found, child, (code,))
        return found


def _link(hierarchy: Hierarchy, code: str, parents: Iterable[str]) -> None:
    hierarchy.above.setdefault(code, [])
    for parent in parents:
        hierarchy.above[code].append(parent)
        hierarchy.below.setdefault(parent, []).append(code)


def _concepts(concepts: Iterable[Resource], parent: str | None = None) -> Iterator[tuple[str | None, Resource]]:
    for concept in concepts:
        yield parent, concept
        yield from _concepts(concept.get("concept", ()), concept["code"])


def _property(concept: Resource, code: str) -> Iterator[str]:
    # https://hl7.org/fhir/R4/codesystem-concept-properties.html
    for each in concept.get("property", ()):
        if each.get("code") == code and "valueCode" in each:
            yield each["valueCode"]


def _reached(code: str, links: Mapping[str, list[str]], system: str, hierarchy: Hierarchy) -> set[str]:
    """Return the code and all that the links lead to."""
    if code not in hierarchy.above:
        raise unknown("CodeSystem", f"{system}|{code}")
    found, frontier = {code}, [code]
    while frontier:
        frontier = [each for one in frontier for each in links.get(one, ()) if each not in found]
        found.update(frontier)
    return found


def _is_a(code: str, hierarchy: Hierarchy, system: str) -> set[str]:
    return _reached(code, hierarchy.below, system, hierarchy)


# https://hl7.org/fhir/R4/valueset-filter-operator.html
FILTERS: dict[tuple[str | None, str | None], Callable[[str, Hierarchy, str], set[str]]] = {
    ("concept", "is-a"): _is_a,
    ("concept", "descendent-of"): lambda code, hierarchy, system: _is_a(code, hierarchy, system) - {code},
    ("concept", "is-not-a"): lambda code, hierarchy, system: set(hierarchy.above) - _is_a(code, hierarchy, system),
    ("concept", "="): lambda code, hierarchy, system: {code} & set(hierarchy.above),
    ("parent", "="): lambda code, hierarchy, system: set(hierarchy.below.get(code, ())),
}


def _holds(members: set[Member], member: Member) -> bool:
    return member in members or (member[0], None) in members


def _without(found: set[Member], excluded: set[Member], value_set: str) -> set[Member]:
    kept = {member for member in found if not _holds(excluded, member)}
    if any(code is None and any(system == each for each, _ in excluded) for system, code in kept):
        raise _not_expandable(value_set, "codes excluded from a code system that is not loaded")
    return kept


def unknown(resource_type: str, canonical: str) -> FhirError:
    shown = canonical[:200]
    return FhirError(
        Issue(
            "not-supported",
            f"{resource_type}「{shown}」はこのサーバーに読み込まれていないため、検索に使えません。",
            f"The {resource_type} '{shown}' is not among the loaded definitions, so it cannot be searched by.",
        )
    )


def _not_expandable(value_set: str, why: str) -> FhirError:
    return FhirError(
        Issue(
            "too-costly",
            f"ValueSet「{value_set[:200]}」は展開できません({why})。",
            f"The ValueSet '{value_set[:200]}' cannot be expanded: {why}.",
        )
    )
