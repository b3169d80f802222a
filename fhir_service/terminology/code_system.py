"""A code system whose content is here: its codes, names, hierarchy and properties.

https://hl7.org/fhir/R4/codesystem.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fhir_service.fhir.resource import Resource
from fhir_service.terminology.extent import Extent, Rule

Links = Mapping[str, tuple[str, ...]]


# Systems of which packages hold extracts that they call complete (JP-CLINS has a LOINC of two codes).
LARGE = frozenset(
    {
        "http://loinc.org",
        "http://snomed.info/sct",
        "http://unitsofmeasure.org",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
        "http://hl7.org/fhir/sid/icd-10",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://www.whocc.no/atc",
        "http://dicom.nema.org/resources/ontology/DCM",
    }
)
MANY = 1_000  # codes that each of them has at least


@dataclass(frozen=True)
class CodeSystem:
    """The concepts by code, each with the code above it in the nesting."""

    url: str
    version: str | None
    complete: bool
    concepts: Mapping[str, Resource]
    parents: Mapping[str, str]

    @cached_property
    def codes(self) -> frozenset[str]:
        return frozenset(self.concepts)

    @cached_property
    def selectable(self) -> frozenset[str]:
        """The codes but for those that only group others (https://hl7.org/fhir/R4/codesystem-concept-properties.html)."""
        with_properties = ((code, concept) for code, concept in self.concepts.items() if "property" in concept)
        abstract = {code for code, concept in with_properties if "true" in values_of(concept, "notSelectable")}
        return self.codes - abstract if abstract else self.codes

    @cached_property
    def extent(self) -> Extent:
        """All codes that can be used; of a system that is here in part, those that are known and perhaps others."""
        if self.complete:
            return self.selectable
        codes = self.codes
        return Rule(lambda code: code in codes or None, whole=True)

    @cached_property
    def links(self) -> tuple[Links, Links]:
        """The codes directly above and directly below each code, by nesting and by properties.

        https://hl7.org/fhir/R4/codesystem-concept-properties.html
        """
        above: dict[str, dict[str, None]] = {code: {} for code in self.concepts}
        for code, concept in self.concepts.items():
            if (parent := self.parents.get(code)) is not None:
                above[code][parent] = None
            if "property" in concept:
                for each in (*codes_of(concept, "subsumedBy"), *codes_of(concept, "parent")):
                    above[code][each] = None
                for child in codes_of(concept, "child"):
                    above.setdefault(child, {})[code] = None
        below: dict[str, list[str]] = {}
        for code, parents in above.items():
            for parent in parents:
                below.setdefault(parent, []).append(code)
        return {code: tuple(each) for code, each in above.items()}, {code: tuple(each) for code, each in below.items()}

    def above(self, code: str) -> frozenset[str]:
        """Return the code and all that subsume it; nothing for a code that the system has not."""
        return reached(code, self.links[0]) if code in self.concepts else frozenset()

    def below(self, code: str) -> frozenset[str]:
        """Return the code and all that it subsumes; nothing for a code that the system has not."""
        return reached(code, self.links[1]) if code in self.concepts else frozenset()

    def display(self, code: str) -> str | None:
        """Return the display of a code, None if it has none."""
        display = self.concepts.get(code, {}).get("display")
        return display if isinstance(display, str) else None

    def names(self, code: str) -> tuple[str, ...]:
        """Return the display of a code, then its designations."""
        concept = self.concepts.get(code, {})
        designations = (each.get("value") for each in dicts(concept.get("designation")))
        names = (name for name in (concept.get("display"), *designations) if isinstance(name, str))
        return tuple(dict.fromkeys(names))


def read(definition: Resource) -> CodeSystem:
    """Return the code system of a resource that may be anything a client stored."""
    concepts: dict[str, Resource] = {}
    parents: dict[str, str] = {}
    for parent, code, concept in _flat(definition.get("concept")):
        concepts[code] = concept
        if parent is not None:
            parents[code] = parent
    return CodeSystem(
        url=definition["url"],
        version=definition.get("version"),
        complete=_is_complete(definition, len(concepts)),
        concepts=concepts,
        parents=parents,
    )


def _is_complete(definition: Resource, here: int) -> bool:
    """Whether all codes are here: it says so, counts no more, and is no extract under the name of a large system."""
    counted = definition.get("count")
    lacks = isinstance(counted, int) and counted > here
    return definition.get("content") == "complete" and not lacks and not (definition["url"] in LARGE and here < MANY)


def _flat(concepts: Any) -> Iterator[tuple[str | None, str, Resource]]:
    pending: list[tuple[str | None, Resource]] = [(None, each) for each in reversed(dicts(concepts))]
    while pending:
        parent, concept = pending.pop()
        code = concept.get("code")
        if isinstance(code, str):
            yield parent, code, concept
            if "concept" in concept:
                pending.extend((code, each) for each in reversed(dicts(concept["concept"])))


def dicts(value: Any) -> list[Resource]:
    """Return the objects of what ought to be a list of objects."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def codes_of(concept: Resource, name: str) -> Iterator[str]:
    """Give the codes that a concept has as a property."""
    for each in dicts(concept.get("property")):
        if each.get("code") == name and isinstance(each.get("valueCode"), str):
            yield each["valueCode"]


def values_of(concept: Resource, name: str) -> Iterator[str]:
    """Give the values of a property as text: those of R4 are codes, strings, booleans, numbers, times and Codings."""
    for each in dicts(concept.get("property")):
        if each.get("code") == name:
            for key, value in each.items():
                if key.startswith("value"):
                    yield text_of(value)


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code")) if isinstance(value, dict) else str(value)


def reached(code: str, links: Links) -> frozenset[str]:
    """Return the code and all that the links lead to."""
    found, frontier = {code}, [code]
    while frontier:
        frontier = [each for one in frontier for each in links.get(one, ()) if each not in found]
        found.update(frontier)
    return frozenset(found)
