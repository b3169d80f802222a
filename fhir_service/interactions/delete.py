"""The delete interaction, and its conditional form (for a single match).

https://hl7.org/fhir/R4/http.html#delete
"""

from fhir_service.fhir.outcome import Issue, operation_outcome
from fhir_service.fhir.resource import Key
from fhir_service.interactions.commit import commit_one, until_settled
from fhir_service.interactions.criteria import criteria_of, single_match
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.preconditions import expected_version
from fhir_service.interactions.preference import preference
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Condition, Delete, Unreferenced


async def delete(request: FhirRequest, services: Services) -> FhirResponse:
    """Delete the resource: 204, also if it is deleted already or never was; 409 while others refer to it."""
    key = Key(request.path[0], request.path[1])
    await _delete(key, (), request, services)
    return _told(key) if preference(request.headers).returns == "OperationOutcome" else FhirResponse(204)


async def conditional_delete(request: FhirRequest, services: Services) -> FhirResponse:
    """Delete the one resource that the criteria find: 200 with what it was, 204 if they find none; 412 if several."""
    criteria = criteria_of(request.query)

    async def attempt() -> FhirResponse:
        found = await single_match(request.path[0], criteria, request.base, services)
        if found.version is None:
            return FhirResponse(204)
        await _delete(found.version.key, (found.condition,), request, services)
        if preference(request.headers).returns == "minimal":
            return FhirResponse(204)
        return _told(found.version.key)  # the client does not know which it was

    return await until_settled(attempt)


async def _delete(key: Key, conditions: tuple[Condition, ...], request: FhirRequest, services: Services) -> None:
    if services.referential_integrity:
        conditions += (Unreferenced(frozenset((key,))),)
    await commit_one(Delete(key, expected_version(request.headers)), conditions, request.base, services)


def _told(key: Key) -> FhirResponse:
    issue = Issue("informational", f"{key}を削除しました。", f"{key} is deleted.", severity="information")
    return FhirResponse(200, operation_outcome([issue]))
