"""What this server knows of terminology: the code systems that it holds, and the operations on them.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from collections.abc import Collection

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource

# Of a code system with another content (`not-present`, `example`, `supplement`) no code is known here.
_WITH_CODES = frozenset({"complete", "fragment"})


def terminology_capabilities(definitions: Definitions, operations: Collection[str], head: Resource) -> Resource:
    """Return the TerminologyCapabilities of these definitions and operations (by name); `head` says whose it is."""
    statement: Resource = {"resourceType": "TerminologyCapabilities", **head, "codeSystem": _code_systems(definitions)}
    if "expand" in operations:
        statement["expansion"] = {"hierarchical": False, "paging": True, "incomplete": False}
    if "validate-code" in operations:
        statement["validateCode"] = {"translations": False}
    if "translate" in operations:
        statement["translation"] = {"needsMap": False}
    if "closure" in operations:
        statement["closure"] = {"translation": False}
    return statement


def _code_systems(definitions: Definitions) -> list[Resource]:
    """Return the code systems whose codes are here, by URL; `below` and `above` work on them."""
    systems: dict[str, Resource] = {}
    for each in definitions.all("CodeSystem"):
        if each.get("content") in _WITH_CODES and "url" in each:
            version = {"version": [{"code": each["version"], "isDefault": True}]} if "version" in each else {}
            systems.setdefault(each["url"], {"uri": each["url"], **version, "subsumption": True})
    return [systems[url] for url in sorted(systems)]
