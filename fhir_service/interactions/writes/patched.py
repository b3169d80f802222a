"""A version and what a patch makes of it; beside the other requests where either is large.

https://hl7.org/fhir/R4/http.html#patch
"""

import asyncio

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.patch.apply import apply_patch
from fhir_service.fhir.resource import Resource
from fhir_service.interactions.apart import LARGE, MANY, has_more
from fhir_service.interactions.exchange import FhirRequest
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Version


async def patched(version: Version, request: FhirRequest, services: Services) -> tuple[Resource, Resource]:
    """Return what a version holds, and that as the patch in the request wants it."""

    def applied() -> tuple[Resource, Resource]:
        before = decode_resource(version.body)
        return before, apply_patch(before, request.body, request.media_type, services.definitions)

    sizes = (len(version.body), len(request.raw), len(request.body) if isinstance(request.body, bytes) else 0)
    is_large = max(sizes) > LARGE or has_more(request.body, MANY)
    return await asyncio.to_thread(applied) if is_large else applied()
