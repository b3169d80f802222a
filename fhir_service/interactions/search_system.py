"""The search interaction on several types, or on all: `GET [base]?_type=Patient,Practitioner&name=…`.

What is asked has to have a meaning on each type. The matches of all types stand in one order, so that of the sort keys
only those are possible that every type has: `_id` and `_lastUpdated`.
https://hl7.org/fhir/R4/http.html#vsearch
"""

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.searches.searchset import answered, asked_of, together
from fhir_service.interactions.services import Services

_TYPE = "_type"


async def search_system(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of matches of several types, and what they include, as a searchset Bundle."""
    criteria = [pair for pair in request.query if pair[0] != _TYPE]
    types = _types(request, services)
    asked = (asked_of(each, "", criteria, request, services) for each in types)
    named = types if any(name == _TYPE for name, _ in request.query) else ()
    return await answered(together(asked, named), request, services)


def _types(request: FhirRequest, services: Services) -> list[str]:
    """Return the types that every `_type` names, or all; 400 for what is no type."""
    types = set(services.definitions.resource_types)
    for name, value in request.query:
        if name == _TYPE:
            named = set(value.split(","))
            if unknown := sorted(named - services.definitions.resource_types):
                raise _unknown_type(unknown[0])
            types &= named
    if not types:
        raise _unknown_type("")
    return sorted(types)


def _unknown_type(name: str) -> FhirError:
    shown = name[:80]
    return fhir_error(
        "value",
        f"_typeの「{shown}」はFHIR R4のリソースの型ではありません。",
        f'"{shown}" in _type is no resource type of FHIR R4.',
        (f"http.{_TYPE}",),
    )
