"""What of a definition is kept in an archive: everything a program reads, nothing that only people read.

Narrative, mappings and prose go; snapshots, invariants, bindings, patterns and the concepts of code systems stay. A
differential goes only where there is a snapshot.
"""

from typing import Any

from fhir_service.fhir.resource import Resource

# Administrative and prose properties of any definition: https://hl7.org/fhir/R4/metadatatypes.html
PROSE = frozenset({"text", "contact", "publisher", "jurisdiction", "useContext", "purpose", "description", "mapping"})

# By type: what else only people read, or what repeats another property.
DROPPED: dict[str, frozenset[str]] = {
    "SearchParameter": frozenset({"xpath", "xpathUsage"}),
    "OperationDefinition": frozenset({"comment"}),
}

# https://hl7.org/fhir/R4/elementdefinition.html: the prose of an element, and what a snapshot repeats of its own parts.
ELEMENT_PROSE = frozenset({"definition", "comment", "requirements", "alias", "mapping", "example", "isModifierReason"})
CONSTRAINT_PROSE = frozenset({"xpath", "requirements"})

# Extensions that track how mature a page of the specification is.
EDITORIAL = "http://hl7.org/fhir/StructureDefinition/structuredefinition-"
EDITORIAL_CODES = frozenset(
    EDITORIAL + code for code in ("fmm", "fmm-no-warnings", "wg", "standards-status", "normative-version", "category")
)


def strip(definition: Resource) -> Resource:
    """Return a copy of the definition without what only people read."""
    dropped = PROSE | DROPPED.get(definition["resourceType"], frozenset())
    kept: Resource = {name: value for name, value in definition.items() if name not in dropped}
    if "extension" in kept:
        kept["extension"] = [each for each in kept["extension"] if each.get("url") not in EDITORIAL_CODES]
    if definition["resourceType"] == "StructureDefinition":
        if "snapshot" in kept:
            kept.pop("differential", None)
        for view in ("snapshot", "differential"):
            if view in kept:
                kept[view] = {"element": [_element(each) for each in kept[view].get("element", ())]}
    return {name: value for name, value in kept.items() if value not in ([], {})}


def _element(element: Any) -> Any:
    kept = {name: value for name, value in element.items() if name not in ELEMENT_PROSE}
    if "constraint" in kept:
        kept["constraint"] = [
            {name: value for name, value in constraint.items() if name not in CONSTRAINT_PROSE}
            for constraint in kept["constraint"]
        ]
    return kept
