"""The update interaction, and its conditional form; both create what is not there yet.

https://hl7.org/fhir/R4/http.html#update and https://hl7.org/fhir/R4/http.html#cond-update
"""

from fhir_service.fhir.resource import Key, Resource
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.commit import commit_update, until_settled
from fhir_service.interactions.writes.criteria import criteria_of, refuse_taken, single_match
from fhir_service.interactions.writes.proposal import proposed, same_id
from fhir_service.interactions.writes.targets import checked_with_targets
from fhir_service.interactions.writes.written import written
from fhir_service.storage.store import Version


async def update(request: FhirRequest, services: Services) -> FhirResponse:
    """Store the body as the new version of this id: 200, or 201 if there was none (or it was deleted)."""
    resource = proposed(request, request.path[0])
    same_id(resource, request.path[1])
    warnings = await checked_with_targets(resource, request.base, services)

    async def attempt() -> FhirResponse:
        return written(await commit_update(resource, request, services), request, warnings)

    return await until_settled(attempt)


async def conditional_update(request: FhirRequest, services: Services) -> FhirResponse:
    """Update the one resource that the criteria find, or create one if they find none."""
    proposal = proposed(request, request.path[0])
    criteria = criteria_of(request.query)
    warnings = await checked_with_targets(proposal, request.base, services)

    async def attempt() -> FhirResponse:
        found = await single_match(request.path[0], criteria, request.base, services)
        resource = await _aimed(proposal, found.version, services)
        expected = 0 if found.version is None else None
        committed = await commit_update(resource, request, services, (found.condition,), expected)
        return written(committed, request, warnings)

    return await until_settled(attempt)


async def _aimed(proposal: Resource, match: Version | None, services: Services) -> Resource:
    """Return the proposal with the id that it will have."""
    if "id" not in proposal:
        return proposal | {"id": services.new_id() if match is None else match.key.id}
    if match is None:
        await refuse_taken(Key(proposal["resourceType"], proposal["id"]), services)
    else:
        same_id(proposal, match.key.id)
    return proposal
