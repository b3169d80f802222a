"""The capabilities interaction: what this server does, computed from what is registered.

https://hl7.org/fhir/R4/http.html#capabilities and https://hl7.org/fhir/R4/capabilitystatement.html
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import fhir_service
from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import fhir_error
from fhir_service.fhir.patch.apply import JSON_PATCH, MERGE_PATCH, XML_PATCH
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.first_entry import leads_inside
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.interactions.answers.preference import preference
from fhir_service.interactions.answers.subsets import subset_asked_for
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.route import Route
from fhir_service.interactions.services import Operation, Services
from fhir_service.interactions.terminology_capabilities import terminology_capabilities

FORMATS = ("application/fhir+json", "application/fhir+xml", "json", "xml")
PATCH_FORMATS = (JSON_PATCH, XML_PATCH, MERGE_PATCH, "application/fhir+json", "application/fhir+xml")
# https://hl7.org/fhir/R4/valueset-type-restful-interaction.html and valueset-system-restful-interaction.html
TYPE_INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip
SYSTEM_INTERACTIONS = ("transaction", "batch", "search-system", "history-system")
# https://hl7.org/fhir/R4/resourcelist.html: the resource types that are normative in R4, which `mode=normative` shows.
NORMATIVE = frozenset({
    "Binary", "Bundle", "CapabilityStatement", "CodeSystem", "Observation", "OperationDefinition", "OperationOutcome",
    "Parameters", "Patient", "StructureDefinition", "ValueSet",
})  # fmt: skip
_KNOWN = frozenset({"mode", "_summary", "_elements", "_format", "_pretty"})
# What is asked of every type without an expression: https://hl7.org/fhir/R4/search_filter.html, search.html#list and
# #content
_OF_EVERY_TYPE: tuple[Resource, ...] = (
    {"name": "_content", "definition": "http://hl7.org/fhir/SearchParameter/Resource-content", "type": "string"},
    {"name": "_filter", "definition": "http://hl7.org/fhir/SearchParameter/filter", "type": "special"},
    {
        "name": "_list",
        "type": "special",
        "documentation": "What the List with this id has as items, but for those that it marks as deleted.",
    },
)
_OF_NARRATIVES: Resource = {
    "name": "_text",
    "definition": "http://hl7.org/fhir/SearchParameter/DomainResource-text",
    "type": "string",
}


@dataclass(frozen=True, slots=True)
class Registered:
    """What the statement is computed from."""

    routes: tuple[Route, ...]
    registry: SearchRegistry
    operations: tuple[Operation, ...]
    referential_integrity: bool
    conditional_delete: str = "single"
    version: int = 0  # of the search parameters, which change while the server runs
    generation: int = 0  # of the definitions, likewise

    @property
    def types(self) -> list[str]:
        return sorted(self.registry.definitions.resource_types)

    def does(self, code: str, pattern: str | None = None) -> bool:
        """Whether there is such an interaction, with this pattern if one is given."""
        return any(route.code == code and pattern in (None, route.pattern) for route in self.routes)


def capability_statement(request: FhirRequest, services: Services, routes: tuple[Route, ...]) -> FhirResponse:
    """Return the CapabilityStatement of these routes, the search parameters and the operations.

    With `mode=normative` it is of the normative types alone; `mode=terminology` is a TerminologyCapabilities.
    """
    registry = services.indexer.registry
    registered = Registered(
        routes,
        registry,
        tuple(chain(*services.operations.values())),
        services.referential_integrity,
        services.conditional_delete,
        registry.version,
        registry.definitions.generation,
    )
    kind, make = _STATEMENTS[_mode(request)]
    statement = make(registered, request.base, services.now().date().isoformat())
    return FhirResponse(200, subset_asked_for(request, statement, services, kind))


def _mode(request: FhirRequest) -> str:
    asked = dict(request.query)
    if (unknown := asked.keys() - _KNOWN) and not preference(request.headers).lenient:
        name = min(unknown)[:40]
        ja, en = f"「{name}」はmetadataのパラメーターではありません。", f'"{name}" is no parameter of metadata.'
        raise fhir_error("value", ja, en, (f"http.{name}",))
    if (mode := asked.get("mode", "full")) not in _STATEMENTS:
        known = ", ".join(_STATEMENTS)
        ja = f"mode={mode[:40]}には対応していません。使えるもの: {known}。"
        raise fhir_error("value", ja, f"mode={mode[:40]} is not supported; there are {known}.", ("http.mode",))
    return mode


@lru_cache(maxsize=4)  # as many addresses as one server is usually called by
def _full(registered: Registered, base: str, date: str) -> bytes:
    return json.encode(_statement(registered, base, date, registered.types))


@lru_cache(maxsize=4)
def _normative(registered: Registered, base: str, date: str) -> bytes:
    return json.encode(_statement(registered, base, date, sorted(NORMATIVE)))


@lru_cache(maxsize=4)
def _terminology(registered: Registered, base: str, date: str) -> bytes:
    names = frozenset(each.name for each in registered.operations)
    return json.encode(terminology_capabilities(registered.registry.definitions, names, _head(base, date)))


_STATEMENTS: dict[str, tuple[str, Callable[[Registered, str, str], bytes]]] = {
    "full": ("CapabilityStatement", _full),
    "normative": ("CapabilityStatement", _normative),
    "terminology": ("TerminologyCapabilities", _terminology),
}


def _head(base: str, date: str) -> Resource:
    """Return what is said of this server in either statement."""
    return {
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "fhir-service", "version": fhir_service.__version__},
        "implementation": {"description": "精神科アウトリーチ支援のためのFHIR R4サーバー", "url": base},
    }


def _statement(registered: Registered, base: str, date: str, types: list[str]) -> Resource:
    pointing_here = _revincludes(registered.types, registered.registry)
    profiles = _profiles(registered.registry.definitions)
    compartments = registered.registry.definitions.all("CompartmentDefinition")
    rest = {
        "mode": "server",
        "security": {"cors": True},
        "resource": [_resource(name, registered, pointing_here[name], profiles[name]) for name in types],
        "interaction": [{"code": code} for code in SYSTEM_INTERACTIONS if registered.does(code)],
        "operation": _operations(each for each in registered.operations if "system" in each.levels),
        "compartment": sorted(each["url"] for each in compartments),
    }
    return {
        "resourceType": "CapabilityStatement",
        **_head(base, date),
        "fhirVersion": "4.0.1",
        "format": list(FORMATS),
        "patchFormat": list(PATCH_FORMATS),
        "rest": [_filled(rest)],
    }


def _resource(name: str, registered: Registered, revincludes: list[str], profiles: list[str]) -> Resource:
    parameters = registered.registry.parameters(name)
    return _filled(
        {
            "type": name,
            "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
            "supportedProfile": profiles,
            "interaction": [{"code": code} for code in TYPE_INTERACTIONS if registered.does(code)],
            "versioning": "versioned",
            "readHistory": registered.does("vread"),
            "updateCreate": True,
            "conditionalCreate": registered.does("create"),
            "conditionalRead": "full-support",
            "conditionalUpdate": registered.does("update", "[type]"),
            "conditionalDelete": registered.conditional_delete
            if registered.does("delete", "[type]")
            else "not-supported",
            "referencePolicy": ["literal", "logical", *(["enforced"] if registered.referential_integrity else [])],
            "searchInclude": sorted(f"{name}:{code}" for code, each in parameters.items() if _leads_on(each)),
            "searchRevInclude": revincludes,
            "searchParam": [
                *without_expression(name, registered.registry.definitions),
                *(_search_parameter(each) for _, each in sorted(parameters.items())),
            ],
            "operation": _operations(
                each
                for each in registered.operations
                if each.levels & {"type", "instance"} and (not each.types or name in each.types)
            ),
        }
    )


def without_expression(resource_type: str, definitions: Definitions) -> tuple[Resource, ...]:
    """Return the search parameters of a type that are of no element, as the statement tells them."""
    has_narrative = definitions.is_a(resource_type, "DomainResource")
    return (*_OF_EVERY_TYPE, _OF_NARRATIVES) if has_narrative else _OF_EVERY_TYPE


def _search_parameter(parameter: SearchParameter) -> Resource:
    described = {"documentation": parameter.description} if parameter.description else {}
    return {"name": parameter.code, "definition": parameter.url, "type": parameter.type, **described}


def _profiles(definitions: Definitions) -> Mapping[str, list[str]]:
    """Return for each type the profiles on it that are here beside R4's own: resources that claim them are checked."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for each in chain.from_iterable(source.all("StructureDefinition") for source in definitions.sources[1:]):
        if each.get("derivation") == "constraint" and each.get("kind") == "resource":
            found[str(each.get("type"))][each["url"]] = None
    return defaultdict(list, {name: sorted(urls) for name, urls in found.items()})


def _revincludes(types: list[str], registry: SearchRegistry) -> Mapping[str, list[str]]:
    """Return for each type the reference parameters of others that may point to it, as `_revinclude` names them."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in types:
        for code, parameter in sorted(registry.parameters(name).items()):
            for target in parameter.targets if _leads_on(parameter) else ():
                found[target].append(f"{name}:{code}")
    return found


def _leads_on(parameter: SearchParameter) -> bool:
    return parameter.type == "reference" and not leads_inside(parameter)


def _operations(operations: Iterable[Operation]) -> list[Resource]:
    return [{"name": each.name, "definition": each.definition} for each in operations]


def _filled(element: Resource) -> Resource:
    """Leave out the empty lists, which FHIR's JSON does not have."""
    return {name: value for name, value in element.items() if value != []}
