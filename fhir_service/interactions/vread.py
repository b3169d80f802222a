"""The vread interaction: one version of a resource.

https://hl7.org/fhir/R4/http.html#vread
"""

from fhir_service.fhir.resource import Key
from fhir_service.interactions.answers.preconditions import is_current
from fhir_service.interactions.answers.subsets import subset_asked_for
from fhir_service.interactions.answers.versions import not_found, standing, version_headers
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services

_DIGITS = 18  # of the greatest version number that is looked for


async def vread(request: FhirRequest, services: Services) -> FhirResponse:
    """Return that version as stored; 404 for a version that never was, 410 for one that is a deletion."""
    key, vid = Key(request.path[0], request.path[1]), request.path[3]
    if not (vid.isascii() and vid.isdecimal() and len(vid) <= _DIGITS):
        raise not_found(f"{key}/_history/{vid}")
    version = standing(key, await services.store.vread(key, int(vid)))

    if is_current(version, request.headers):
        return FhirResponse(304, None, version_headers(version))
    body = subset_asked_for(request, version.body, services)
    return FhirResponse(200, body, version_headers(version), version=version)
