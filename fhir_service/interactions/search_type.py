"""The search interaction on one type, by GET or by POST `_search`.

https://hl7.org/fhir/R4/http.html#search
"""

from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.searches.searchset import answered, asked_of
from fhir_service.interactions.services import Services


async def search_type(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of matches, and what they include, as a searchset Bundle."""
    resource_type = request.path[0]
    return await answered(asked_of(resource_type, resource_type, request.query, request, services), request, services)
