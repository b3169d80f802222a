"""$versions: the versions of FHIR that this server speaks, which is R4 alone.

https://hl7.org/fhir/R4/capabilitystatement-operation-versions.html
"""

from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.parameters import given

VERSION = "4.0"


async def capabilitystatement_versions(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the versions, and the one that is spoken where nothing is said."""
    given(request, ())
    parameters = [{"name": name, "valueCode": VERSION} for name in ("version", "default")]
    return FhirResponse(200, {"resourceType": "Parameters", "parameter": parameters})


OPERATION = Operation(
    name="versions",
    definition="http://hl7.org/fhir/OperationDefinition/CapabilityStatement-versions",
    levels=frozenset({"system"}),
    methods=frozenset({"GET", "POST"}),
    run=capabilitystatement_versions,
    types=frozenset({"CapabilityStatement"}),
)
