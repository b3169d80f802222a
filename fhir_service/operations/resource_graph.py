"""[type]/[id]/$graph: a resource and all that a GraphDefinition says belongs to it, as one Bundle.

https://hl7.org/fhir/R4/resource-operation-graph.html
"""

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Key
from fhir_service.interactions.answers.versions import standing
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.graph import graph, graph_definition
from fhir_service.operations.parameters import given, single, text


async def resource_graph(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the resources of the graph as a collection, the one that was asked about first."""
    parameters = single(given(request, ("graph",)))
    if "graph" not in parameters:
        said = "パラメーター「graph」が必要です。", "The parameter graph is needed."
        raise FhirError(Issue("required", *said), status=400)
    key = Key(*request.path[:2])
    start = decode_resource(standing(key, await services.store.read(key)).body)
    definition = await graph_definition(text("graph", parameters["graph"]), request.base, services)
    found = await graph(definition, start, request.base, services)
    entries = [{"fullUrl": f"{request.base}/{each['resourceType']}/{each['id']}", "resource": each} for each in found]
    return FhirResponse(200, {"resourceType": "Bundle", "type": "collection", "entry": entries})


OPERATION = Operation(
    name="graph",
    definition="http://hl7.org/fhir/OperationDefinition/Resource-graph",
    levels=frozenset({"instance"}),
    methods=frozenset({"GET", "POST"}),
    run=resource_graph,
)
