"""The definition of an extension: where it may stand, whether it modifies, what its value must be.

https://hl7.org/fhir/R4/defining-extensions.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fhir_service.fhir.fhirpath import Item
from fhir_service.validation.fault import Faults
from fhir_service.validation.profile.outline import Outline
from fhir_service.validation.run import Run

ANYWHERE = frozenset({"Element", "*"})
"""Contexts that every place fits: https://hl7.org/fhir/R4/defining-extensions.html#context"""

# Where the specification itself puts extensions of which 4.0.1 says that they stand elsewhere.
_HL7 = "http://hl7.org/fhir/StructureDefinition/"
WIDENED: Mapping[str, frozenset[str]] = {
    f"{_HL7}structuredefinition-fhir-type": frozenset({"ElementDefinition.type"}),
    f"{_HL7}structuredefinition-normative-version": ANYWHERE,
    f"{_HL7}translation": frozenset({"ValueSet.expansion.contains"}),
    f"{_HL7}regex": frozenset({"ElementDefinition.type"}),
    f"{_HL7}valueset-concept-comments": frozenset({"CodeSystem.concept"}),
}


@dataclass(frozen=True, slots=True)
class ExtensionDefinition:
    """`elements` are the places its contexts name, without `[x]`, `extensions` the extensions it may stand in.

    `expressions` are FHIRPath that chooses its places in a resource, `invariants` what must hold where it stands.
    `names` are the urls of the extensions that it defines inside itself.
    """

    url: str
    modifier: bool
    elements: frozenset[str]
    extensions: frozenset[str]
    expressions: tuple[str, ...]
    invariants: tuple[str, ...]
    names: frozenset[str]
    check: Callable[[Item, Run], Faults]

    def fits(self, places: frozenset[str]) -> bool:
        """Whether it may stand at a place that has these names."""
        return not self.elements.isdisjoint(places) or not self.elements.isdisjoint(ANYWHERE)


def extension_definition(outline: Outline, check: Callable[[Item, Run], Faults]) -> ExtensionDefinition:
    """Return what a StructureDefinition says of an extension; without a context it may stand anywhere."""
    contexts: dict[str, set[str]] = {"element": set(), "extension": set(), "fhirpath": set()}
    for kind, expression in outline.contexts:
        contexts.get(kind, contexts["element"]).add(expression)
    elements = frozenset(each.replace("[x]", "") for each in contexts["element"])
    return ExtensionDefinition(
        url=outline.url,
        modifier=outline.root.element.get("isModifier") is True,
        elements=(elements if outline.contexts else ANYWHERE) | WIDENED.get(outline.url, frozenset()),
        extensions=frozenset(contexts["extension"]),
        expressions=tuple(contexts["fhirpath"]),
        invariants=outline.context_invariants,
        names=outline.names,
        check=check,
    )
