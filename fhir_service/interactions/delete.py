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
    return await _delete(key, (), request, services)


async def conditional_delete(request: FhirRequest, services: Services) -> FhirResponse:
    """Delete the one resource that the criteria find: 204, also if they find none; 412 if they find several."""
    criteria = criteria_of(request.query)

    async def attempt() -> FhirResponse:
        found = await single_match(request.path[0], criteria, request.base, services)
        if found.version is None:
            return _deleted(f"{request.path[0]}?…", request)
        return await _delete(found.version.key, (found.condition,), request, services)

    return await until_settled(attempt)


async def _delete(
    key: Key, conditions: tuple[Condition, ...], request: FhirRequest, services: Services
) -> FhirResponse:
    if services.referential_integrity:
        conditions += (Unreferenced(frozenset((key,))),)
    await commit_one(Delete(key, expected_version(request.headers)), conditions, request.base, services)
    return _deleted(str(key), request)


def _deleted(what: str, request: FhirRequest) -> FhirResponse:
    if preference(request.headers).returns != "OperationOutcome":
        return FhirResponse(204)
    issue = Issue("informational", f"{what}を削除しました。", f"{what} is deleted.", severity="information")
    return FhirResponse(200, operation_outcome([issue]))
