"""The create interaction, and its conditional form.

https://hl7.org/fhir/R4/http.html#create and https://hl7.org/fhir/R4/http.html#ccreate
"""

from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.commit import commit_one, until_settled
from fhir_service.interactions.writes.criteria import Criteria, criteria_of, decoded, single_match
from fhir_service.interactions.writes.proposal import proposed, put
from fhir_service.interactions.writes.rules import keep_rules
from fhir_service.interactions.writes.targets import checked_with_targets
from fhir_service.interactions.writes.written import unchanged, written


async def create(request: FhirRequest, services: Services) -> FhirResponse:
    """Store the body under a new id (the client's own is ignored): 201, or 200 with what the criteria find already."""
    resource = proposed(request, request.path[0])
    resource["id"] = services.new_id()
    warnings = await checked_with_targets(resource, request.base, services)
    keep_rules(None, resource, services)
    change, conditions = await put(resource, request, services, method="POST", expected=0)
    criteria = _criteria(request)
    if criteria is None:
        return written(await commit_one(change, conditions, request.base, services), request, warnings)

    async def attempt() -> FhirResponse:
        found = await single_match(request.path[0], criteria, request.base, services)
        if found.version is not None:
            return unchanged(found.version, request)
        committed = await commit_one(change, (*conditions, found.condition), request.base, services)
        return written(committed, request, warnings)

    return await until_settled(attempt)


def _criteria(request: FhirRequest) -> Criteria | None:
    if (header := request.headers.get("if-none-exist")) is not None:
        return decoded(header)
    # Not in the specification: `POST [type]?criteria` is how Aidbox and fhirpy spell a conditional create.
    return criteria_of(request.query) or None
