"""What of a definition is kept in an archive: everything a program reads, nothing that only people read.

Narrative, mappings and prose go; snapshots, invariants, bindings, patterns and the concepts of code systems stay. A
differential goes only where there is a snapshot that says what it says.
"""

from typing import Any

from fhir_service.fhir.definitions.snapshot.contradiction import is_contradictory
from fhir_service.fhir.resource import Resource

# Administrative and prose properties of any definition: https://hl7.org/fhir/R4/metadatatypes.html
PROSE = frozenset({"text", "contact", "publisher", "jurisdiction", "useContext", "purpose", "description", "mapping"})

# By type: what else only people read, or what repeats another property.
DROPPED: dict[str, frozenset[str]] = {
    "SearchParameter": frozenset({"xpath", "xpathUsage"}),
    "OperationDefinition": frozenset({"comment"}),
}

# https://hl7.org/fhir/R4/elementdefinition.html: the prose of an element, and what a snapshot repeats of its own parts.
ELEMENT_PROSE = frozenset({"definition", "comment", "requirements", "alias", "mapping", "example"})
CONSTRAINT_PROSE = frozenset({"xpath", "requirements"})

# Extensions that track how mature a page of the specification is.
EDITORIAL = "http://hl7.org/fhir/StructureDefinition/structuredefinition-"
EDITORIAL_CODES = frozenset(
    EDITORIAL + code for code in ("fmm", "fmm-no-warnings", "wg", "standards-status", "normative-version", "category")
)


def strip(definition: Resource) -> Resource:
    """Return a copy of the definition without what only people read; what has another shape is left as it is."""
    dropped = PROSE | DROPPED.get(definition["resourceType"], frozenset())
    kept: Resource = {name: value for name, value in definition.items() if name not in dropped}
    if isinstance(kept.get("extension"), list):
        kept["extension"] = [each for each in kept["extension"] if not _is_editorial(each)]
    if definition["resourceType"] == "StructureDefinition":
        if "snapshot" in kept and not is_contradictory(definition):
            kept.pop("differential", None)
        for view in ("snapshot", "differential"):
            match kept.get(view):
                case {"element": [*elements]}:
                    kept[view] = {"element": list(map(_element, elements))}
    return {name: value for name, value in kept.items() if value not in ([], {})}


def _is_editorial(extension: Any) -> bool:
    return isinstance(extension, dict) and extension.get("url") in EDITORIAL_CODES


def _element(element: Any) -> Any:
    if not isinstance(element, dict):
        return element
    kept = {name: value for name, value in element.items() if name not in ELEMENT_PROSE}
    if isinstance(kept.get("constraint"), list):
        kept["constraint"] = list(map(_constraint, kept["constraint"]))
    return kept


def _constraint(constraint: Any) -> Any:
    if not isinstance(constraint, dict):
        return constraint
    return {name: value for name, value in constraint.items() if name not in CONSTRAINT_PROSE}
