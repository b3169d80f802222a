"""StructureDefinition/$snapshot: a StructureDefinition that is stored or loaded here, with its snapshot.

One that is sent along with the request is not taken; store it first, or ask `$validate` what is wrong with it.
https://hl7.org/fhir/R4/structuredefinition-operation-snapshot.html
"""

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Key
from fhir_service.interactions.answers.versions import not_found, standing
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.parameters import given, single, text


async def structuredefinition_snapshot(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the definition with a snapshot, its own or one that is generated; 404 if it is not here."""
    canonical = await _canonical(request, services)
    snapshot = services.definitions.snapshot(canonical)
    definition = services.definitions.find(canonical)
    if snapshot is None or definition is None:
        raise not_found(canonical[:200])
    return FhirResponse(200, {**definition, "snapshot": {"element": snapshot.elements}})


async def _canonical(request: FhirRequest, services: Services) -> str:
    parameters = single(given(request, ("url",)))
    if len(request.path) == 3:
        key = Key(*request.path[:2])
        stored = decode_resource(standing(key, await services.store.read(key)).body)
        version = f"|{stored['version']}" if "version" in stored else ""
        return f"{stored['url']}{version}"
    if "url" not in parameters:
        said = "パラメーター「url」が必要です。", "The parameter url is needed."
        raise FhirError(Issue("required", *said), status=400)
    return text("url", parameters["url"])


OPERATION = Operation(
    name="snapshot",
    definition="http://hl7.org/fhir/OperationDefinition/StructureDefinition-snapshot",
    levels=frozenset({"type", "instance"}),
    methods=frozenset({"GET", "POST"}),
    run=structuredefinition_snapshot,
    types=frozenset({"StructureDefinition"}),
)
