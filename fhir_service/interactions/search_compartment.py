"""Search within a compartment: of one type (`Patient/1/Observation`), or of all its types (`Patient/1/*`).

A resource is in the compartment if one of the parameters that the CompartmentDefinition names for its type leads to
the compartment's own resource, which is in it as well. Over all types, what is asked has to have a meaning on each;
`_type` says on which.
https://hl7.org/fhir/R4/http.html#vsearch and https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.parsing.clauses import Criterion
from fhir_service.fhir.search.parsing.values import Reading
from fhir_service.fhir.search.query import AnyOf, Clause, IdMatch
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.searches.searchset import Asked, answered, asked_of, together
from fhir_service.interactions.services import Services

_TYPE = "_type"


async def search_compartment_type(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of the resources of one type in the compartment as a searchset Bundle."""
    key, resource_type = Key(*request.path[:2]), request.path[2]
    asked = _asked(key, resource_type, f"{key}/{resource_type}", request, services)
    return await answered(asked, request, services)


async def search_compartment(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of the resources of several types in the compartment as a searchset Bundle."""
    key = Key(*request.path[:2])
    types = set(_members(key, services))
    named = [set(value.split(",")) for name, value in request.query if name == _TYPE]
    for each in named:
        if outside := sorted(each - types):
            raise _not_a_member(key, outside[0])
    chosen = sorted(types.intersection(*named))
    if not chosen:
        raise _not_a_member(key, "")
    asked = [_asked(key, each, f"{key}/*", request, services) for each in chosen]
    return await answered(together(asked, chosen if named else ()), request, services)


def _asked(key: Key, resource_type: str, scope: str, request: FhirRequest, services: Services) -> Asked:
    query = [pair for pair in request.query if pair[0] != _TYPE or not scope.endswith("*")]
    within = _within(key, resource_type, request.base, services)
    return asked_of(resource_type, scope, query, request, services, within)


def _within(key: Key, resource_type: str, base: str, services: Services) -> Clause:
    """Return the clause that a resource of this type is in the compartment."""
    codes = _members(key, services).get(resource_type)
    if codes is None:
        raise _not_a_member(key, resource_type)
    reading = Reading(services.indexer.registry, base, 0)
    clauses = [Criterion(code, str(key), reading).clause(resource_type) for code in codes]
    if resource_type == key.type:
        clauses.append(IdMatch((key.id,)))
    return AnyOf(tuple(clauses))


def _members(key: Key, services: Services) -> dict[str, tuple[str, ...]]:
    """Return the types of the compartment with their parameters; 404 if R4 has no such compartment."""
    try:
        return {key.type: (), **services.definitions.compartment(key.type)}
    except KeyError:
        ja, en = f"FHIR R4に{key.type}のコンパートメントはありません。", f"FHIR R4 has no compartment of a {key.type}."
        raise fhir_error("not-supported", ja, en, status=404) from None


def _not_a_member(key: Key, resource_type: str) -> FhirError:
    shown = resource_type[:60]
    ja = f"「{shown}」は{key.type}のコンパートメントに入る型ではありません。"
    return fhir_error("not-supported", ja, f'"{shown}" is no type of the {key.type} compartment.')
