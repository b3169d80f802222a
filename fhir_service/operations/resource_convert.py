"""$convert: a resource in the other format; it is not stored, and need not be what this server would store.

https://hl7.org/fhir/R4/resource-operation-convert.html
"""

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.parameters import RESOURCE, given, single


async def resource_convert(request: FhirRequest, services: Services) -> FhirResponse:
    """Return what was sent, in the format that is asked for (Accept, `_format`)."""
    parameters = single(given(request, ("input", RESOURCE)))
    match parameters.get("input", parameters.get(RESOURCE)):
        case {"resourceType": str(name)} as resource if name in services.definitions.resource_types:
            return FhirResponse(200, resource)
        case _:
            said = "変換するリソースが必要です。", "A resource that is to be converted is needed."
            raise FhirError(Issue("required", *said), status=400)


OPERATION = Operation(
    name="convert",
    definition="http://hl7.org/fhir/OperationDefinition/Resource-convert",
    levels=frozenset({"system"}),
    methods=frozenset({"POST"}),
    run=resource_convert,
)
