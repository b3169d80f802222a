"""The definition of an extension: where it may stand, whether it modifies, what its value must be.

https://hl7.org/fhir/R4/defining-extensions.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Faults
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
    f"{_HL7}valueset-concept-comments": frozenset({"CodeSystem.concept", "ConceptSet.concept"}),
}


@dataclass(frozen=True, slots=True)
class ExtensionDefinition:
    """`elements` are the places its contexts name, without `[x]`; `open` if one of them is not such a name."""

    url: str
    modifier: bool
    elements: frozenset[str]
    open: bool
    check: Callable[[Item, Run], Faults]

    def fits(self, places: frozenset[str]) -> bool:
        """Whether it may stand at a place that has these names."""
        return self.open or not self.elements.isdisjoint(places | ANYWHERE)


def extension_definition(
    definition: Resource, root: Resource, check: Callable[[Item, Run], Faults]
) -> ExtensionDefinition:
    """Return what a StructureDefinition (with the root of its snapshot) says of an extension."""
    contexts = [each for each in definition.get("context", ()) if isinstance(each, dict)]
    named = {str(each.get("expression", "")).replace("[x]", "") for each in contexts if each.get("type") == "element"}
    others = any(each.get("type") != "element" for each in contexts) or not contexts
    return ExtensionDefinition(
        url=definition["url"],
        modifier=root.get("isModifier") is True,
        elements=frozenset(named) | WIDENED.get(definition["url"], frozenset()),
        open=others,
        check=check,
    )
