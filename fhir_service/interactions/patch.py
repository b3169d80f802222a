"""The patch interaction, and its conditional form: JSON, XML or FHIRPath Patch, and a partial resource to be merged.

https://hl7.org/fhir/R4/http.html#patch; the merge (RFC 7386) is not in R4, but what fhirpy and Aidbox send.
"""

from fhir_service.fhir.resource import Key
from fhir_service.interactions.answers.preconditions import keep_expected
from fhir_service.interactions.answers.versions import not_found, standing
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.commit import commit_amended, until_settled
from fhir_service.interactions.writes.criteria import criteria_of, single_match
from fhir_service.interactions.writes.patched import patched
from fhir_service.interactions.writes.targets import checked_with_targets
from fhir_service.interactions.writes.written import written
from fhir_service.storage.store import Condition, Version


async def patch(request: FhirRequest, services: Services) -> FhirResponse:
    """Store the patched resource as a new version: 200; 404 if there is none, 410 if it is deleted.

    A change by others in between is no error: the patch is applied again, unless If-Match asks for a version.
    """
    key = Key(request.path[0], request.path[1])

    async def attempt() -> FhirResponse:
        version = standing(key, await services.store.read(key))
        return await _patch(version, (), request, services)

    return await until_settled(attempt)


async def conditional_patch(request: FhirRequest, services: Services) -> FhirResponse:
    """Patch the one resource that the criteria find: 404 if they find none, 412 if they find several."""
    criteria = criteria_of(request.query)

    async def attempt() -> FhirResponse:
        found = await single_match(request.path[0], criteria, request.base, services)
        if found.version is None:
            raise not_found(f"{request.path[0]}?…")
        return await _patch(found.version, (found.condition,), request, services)

    return await until_settled(attempt)


async def _patch(
    version: Version, conditions: tuple[Condition, ...], request: FhirRequest, services: Services
) -> FhirResponse:
    keep_expected(request.headers, version)

    before, after = await patched(version, request, services)
    warnings = await checked_with_targets(after, request.base, services)
    committed = await commit_amended(version, before, after, request, services, conditions)
    return written(committed, request, warnings)
