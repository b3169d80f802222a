"""What a definition says twice, where it can be said once: by one table for all types of definitions.

R4 asks it of some (que-2, csd-1, cpb-9, cpb-12); of the others, nobody could tell which of the two counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.places import elements_in
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Check, Run

RULE = "definition-twice"
SHOWN = 80
Table = Mapping[str, Mapping[str, tuple[str, ...]]]
WHOLE: tuple[str, ...] = ()
"""As what makes two elements the same: all that they say."""

# By type the elements that repeat (`+` after a name: also inside itself), and what makes two of them the same.
ONCE: Table = {
    "CapabilityStatement": {
        "format": WHOLE,
        "rest.interaction": ("code",),
        "rest.operation": ("name", "definition"),
        "rest.resource.interaction": ("code",),
        "rest.resource.supportedProfile": WHOLE,
        "rest.resource.searchInclude": WHOLE,
        "rest.resource.searchRevInclude": WHOLE,
        "rest.resource.operation": ("name", "definition"),
        "messaging.supportedMessage": ("mode", "definition"),
    },
    "CodeSystem": {
        "filter": ("code",),
        "concept+.designation": ("language", "use", "value"),
        "concept+.property": WHOLE,
    },
    "CompartmentDefinition": {"resource.param": WHOLE},
    "ConceptMap": {"group.element": WHOLE, "group.element.target": WHOLE},
    "ExampleScenario": {"actor": ("actorId",), "instance": ("resourceId",)},
    "GraphDefinition": {"link": WHOLE},
    "ImplementationGuide": {
        "dependsOn": ("uri", "packageId", "version"),
        "global": ("type", "profile"),
        "definition.resource": ("reference",),
        "manifest.resource": ("reference",),
    },
    "MessageDefinition": {"focus": ("code", "profile"), "allowedResponse": ("message",)},
    "Library": {"parameter": ("name", "use")},
    "OperationDefinition": {"resource": WHOLE, "overload": ("parameterName",)},
    "Questionnaire": {"subjectType": WHOLE},
    "SearchParameter": {
        "base": WHOLE,
        "target": WHOLE,
        "comparator": WHOLE,
        "modifier": WHOLE,
        "chain": WHOLE,
    },
    "StructureDefinition": {"context": ("expression", "type")},
    "StructureMap": {"import": WHOLE, "structure": ("url", "mode", "alias")},
    "TerminologyCapabilities": {"codeSystem": ("uri",)},
    "TestScript": {"origin": ("index",), "destination": ("index",)},
    "ValueSet": {
        "compose.include.concept.designation": ("language", "use", "value"),
        "expansion.contains+": ("code", "system", "version"),
    },
}
# What changes nothing when it is said again, as in some of R4's own: a warning.
AGAIN: Table = {
    "CapabilityStatement": {"rest.searchParam": ("name",)},
    "NamingSystem": {"uniqueId": ("value", "type")},
    "StructureDefinition": {"mapping": ("identity",)},
    "ValueSet": {
        "compose.include": WHOLE,
        "compose.exclude": WHOLE,
        "compose.include.concept": ("code",),
        "compose.exclude.concept": ("code",),
        "expansion.parameter": WHOLE,
    },
}


def once_rules(resource_type: str) -> Check:
    """Return the check of what the definitions of a type say twice."""
    tables: tuple[tuple[Table, Severity], ...] = ((ONCE, "error"), (AGAIN, "warning"))
    asked = [(path, key, severity) for table, severity in tables for path, key in table.get(resource_type, {}).items()]

    def check(definition: Resource, _run: Run) -> Faults:
        found = [
            Fault(
                place,
                "business-rule",
                f"「{shown}」が二度書かれています。",
                f"'{shown}' is said twice.",
                severity,
                RULE,
            )
            for path, key, severity in asked
            for place, shown in _twice(definition, path, key)
        ]
        return found or None

    return check


def _twice(holder: Resource, path: str, key: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Give the places of what is there again, and how messages call it."""
    lists: dict[str, list[Any]] = {}
    for place, each in elements_in(holder, path):
        lists.setdefault(place.rpartition("[")[0], []).append(each)
    for place, listed in lists.items():
        yield from _same(listed, key, place)


def _same(listed: list[Any], key: tuple[str, ...], place: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, each in enumerate(listed):
        if key and key[0] not in each:
            continue
        said = repr([each.get(name) for name in key] if key else each)
        if said in seen:
            yield f"{place}[{index}]", str(each[key[0]] if key else each)[:SHOWN]
        seen.add(said)
