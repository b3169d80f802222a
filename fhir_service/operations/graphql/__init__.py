"""GraphQL over the resources of this server.

https://hl7.org/fhir/R4/graphql.html
"""

from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services


async def graphql(request: FhirRequest, services: Services) -> FhirResponse:
    """Return what the query asks for; the library is loaded for the first, as it takes a tenth of a start."""
    from fhir_service.operations.graphql.operation import graphql as answer

    return await answer(request, services)


OPERATION = Operation(
    name="graphql",
    definition="http://hl7.org/fhir/OperationDefinition/Resource-graphql",
    levels=frozenset({"system", "instance"}),
    methods=frozenset({"GET", "POST"}),
    run=graphql,
)
