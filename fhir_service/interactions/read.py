"""The read interaction, and its conditional form.

https://hl7.org/fhir/R4/http.html#read and https://hl7.org/fhir/R4/http.html#cread
"""

from fhir_service.fhir.resource import Key
from fhir_service.interactions.answers.preconditions import is_current
from fhir_service.interactions.answers.subsets import subset_asked_for
from fhir_service.interactions.answers.versions import standing, version_headers
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services


async def read(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the resource as stored: 200, or 304 if the client has it already; 404 unknown, 410 deleted."""
    key = Key(request.path[0], request.path[1])
    version = standing(key, await services.store.read(key))

    if is_current(version, request.headers):
        return FhirResponse(304, None, version_headers(version))
    body = subset_asked_for(request, version.body, services)
    return FhirResponse(200, body, version_headers(version), version=version)
