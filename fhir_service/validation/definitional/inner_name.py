"""What parts of a definition name in the definition itself is there, and the definition is not its own origin.

The comments of R4 on each of these elements say so: "Must be one of the server numbers listed in TestScript.origin".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.places import elements_in
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Check, Run

RULE = "definition-name"
SHOWN = 80

# By type: where something is named and by which element, and where what is named stands and which element names it.
INNER: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "ExampleScenario": (
        ("**.operation", "initiator", "actor", "actorId"),
        ("**.operation", "receiver", "actor", "actorId"),
        ("**.request", "resourceId", "instance", "resourceId"),
        ("**.response", "resourceId", "instance", "resourceId"),
        ("**.containedInstance", "resourceId", "instance", "resourceId"),
        ("**.request", "versionId", "instance.version", "versionId"),
        ("**.response", "versionId", "instance.version", "versionId"),
    ),
    "OperationDefinition": (("**.referencedFrom", "source", "parameter+", "name"),),
    "PlanDefinition": (("**.relatedAction", "actionId", "**.action", "id"),),
    "StructureDefinition": (("differential.element.mapping", "identity", "mapping", "identity"),),
    "TestScript": (
        ("metadata.capability", "origin", "origin", "index"),
        ("metadata.capability", "destination", "destination", "index"),
    ),
}

# By type the elements that name other definitions, of which none is the definition itself.
OTHERS: dict[str, tuple[str, ...]] = {
    "CodeSystem": ("supplements",),
    "ConceptMap": ("group.unmapped.url",),
    "ImplementationGuide": ("dependsOn.uri",),
    "MessageDefinition": ("base", "parent", "replaces"),
    "OperationDefinition": ("base",),
    "Questionnaire": ("derivedFrom",),
    "SearchParameter": ("derivedFrom",),
    "StructureMap": ("import",),
}


def inner_name_rules(resource_type: str) -> Check:
    """Return the check of what the definitions of a type name in themselves."""

    def check(definition: Resource, _run: Run) -> Faults:
        found = [
            fault
            for where, by, named, key in INNER.get(resource_type, ())
            for fault in _absent(definition, where, by, {each.get(key) for _, each in elements_in(definition, named)})
        ]
        url = definition.get("url")
        for path in OTHERS.get(resource_type, ()) if url else ():
            for place, each in elements_in(definition, path):
                if isinstance(each, str) and each.partition("|")[0] == url:
                    ja, en = "定義が自分自身を挙げています。", "The definition names itself."
                    found.append(Fault(place, "business-rule", ja, en, rule=RULE))
        return found or None

    return check


def _absent(definition: Resource, where: str, by: str, known: set[Any]) -> list[Fault]:
    found = []
    for place, each in elements_in(definition, where):
        value = each.get(by)
        for name in value if isinstance(value, list) else [value]:
            plain = name.partition(".")[0] if isinstance(name, str) and name not in known else name
            if plain is not None and plain not in known:
                ja = f"「{str(name)[:SHOWN]}」がこの定義の中にありません。"
                en = f"There is no '{str(name)[:SHOWN]}' in this definition."
                found.append(Fault(f"{place}.{by}", "business-rule", ja, en, rule=RULE))
    return found
