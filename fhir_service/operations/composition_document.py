"""Composition/$document: the Composition and what it refers to as one document Bundle; with `persist`, stored.

"The server SHALL include all the resources that the Composition refers to directly"; here those that these refer to
also come along, MOST_HOPS far, so that the document can be read on its own. Whole Bundles and other people than those
whom the Composition names are not followed into. With `graph` a GraphDefinition says what comes along instead.
https://hl7.org/fhir/R4/composition-operation-document.html
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.reference import local_key, references
from fhir_service.fhir.resource import Key, Resource, key_of
from fhir_service.interactions.answers.versions import location, standing, version_headers
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.interactions.writes.commit import commit_one
from fhir_service.interactions.writes.proposal import checked, is_id, put
from fhir_service.operations.graph import graph, graph_definition
from fhir_service.operations.parameters import flag, given, refused, single, text

MOST_HOPS = 3
MOST_RESOURCES = 1_000
JAPAN = ZoneInfo("Asia/Tokyo")
_NOT_FOLLOWED = frozenset({"Bundle"})
_ONLY_IF_NAMED = frozenset({"Patient", "RelatedPerson", "Composition"})
_URI = "urn:ietf:rfc:3986"


class Asked(NamedTuple):
    """`graph` is the canonical of the GraphDefinition that says what belongs to the document."""

    composition: Key
    persist: bool
    graph: str | None


async def composition_document(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the document Bundle; one that is persisted has its id, and the answer its Location."""
    asked = _asked(request)
    composition = decode_resource(standing(asked.composition, await services.store.read(asked.composition)).body)
    if asked.graph is None:
        contents = await _contents(composition, request.base, services)
    else:
        definition = await graph_definition(asked.graph, request.base, services)
        contents = await _with_graph(definition, composition, request.base, services)
    id_ = services.new_id()
    document = _document(contents, id_, request.base, services)
    if not asked.persist:
        return FhirResponse(200, document)

    persisted = document | {"id": id_}
    checked(persisted, services)
    change, conditions = await put(persisted, request, services, method="POST", expected=0)
    version = (await commit_one(change, conditions, request.base, services)).version
    headers = (*version_headers(version), ("Location", location(request.base, version)))
    return FhirResponse(200, version.body, headers)


OPERATION = Operation(
    name="document",
    definition="http://hl7.org/fhir/OperationDefinition/Composition-document",
    levels=frozenset({"type", "instance"}),
    methods=frozenset({"GET", "POST"}),
    run=composition_document,
    types=frozenset({"Composition"}),
)


async def _with_graph(definition: Resource, composition: Resource, base: str, services: Services) -> list[Resource]:
    """Return the Composition, what the graph leads to, and what else the Composition refers to directly."""
    found = {key_of(each): each for each in await graph(definition, composition, base, services)}
    keys = [key for key in _referred([composition], base) if key not in found and key.type not in _NOT_FOLLOWED]
    versions = await services.store.read_many(keys)
    found |= {key: decode_resource(versions[key].body) for key in keys if key in versions}
    return [*found.values()]


async def _contents(composition: Resource, base: str, services: Services) -> list[Resource]:
    """Return the Composition, then what it refers to, hop by hop, each once."""
    found: dict[Key, Resource] = {Key("Composition", composition["id"]): composition}
    frontier, left_out = [composition], _NOT_FOLLOWED
    for _ in range(MOST_HOPS):
        keys = [key for key in _referred(frontier, base) if key not in found and key.type not in left_out]
        if len(found) + len(keys) > MOST_RESOURCES:
            raise _too_many()
        versions = await services.store.read_many(keys)
        reached = {key: decode_resource(versions[key].body) for key in keys if key in versions}
        found |= reached
        frontier, left_out = [*reached.values()], _NOT_FOLLOWED | _ONLY_IF_NAMED
    return [*found.values()]


def _referred(resources: Iterable[Resource], base: str) -> Iterable[Key]:
    """Return what these refer to on this server, in the order in which they name it."""
    keys = (local_key(found.text, base) for resource in resources for found in references(resource))
    return dict.fromkeys(key for key in keys if key is not None)


def _document(contents: Iterable[Resource], id_: str, base: str, services: Services) -> Resource:
    return {
        "resourceType": "Bundle",
        # A document is known by its identifier wherever it goes: https://hl7.org/fhir/R4/documents.html
        "identifier": {"system": _URI, "value": uuid5(NAMESPACE_URL, f"{base}/Bundle/{id_}").urn},
        "type": "document",
        "timestamp": services.now().astimezone(JAPAN).isoformat(timespec="milliseconds"),
        "entry": [{"fullUrl": f"{base}/{each['resourceType']}/{each['id']}", "resource": each} for each in contents],
    }


def _asked(request: FhirRequest) -> Asked:
    parameters = single(given(request, ("id", "persist", "graph")))
    persist = flag("persist", parameters.get("persist", "false"))
    graph_url = text("graph", parameters["graph"]) if "graph" in parameters else None
    if len(request.path) == 3:
        if "id" in parameters:
            raise refused("id", "はURLにあるときは指定できません", "cannot be given beside the id in the URL")
        return Asked(Key(*request.path[:2]), persist, graph_url)
    return Asked(_named(text("id", parameters.get("id", "")), request.base), persist, graph_url)


def _named(said: str, base: str) -> Key:
    """Return the Composition of this server that an id, a reference or a URL names."""
    key = Key("Composition", said) if is_id(said) else local_key(said, base)
    if key is None or key.type != "Composition":
        ja, en = "にはこのサーバーのCompositionを指定してください", "must name a Composition of this server"
        raise refused("id", ja, en)
    return key


def _too_many() -> FhirError:
    ja = f"文書に入るリソースが{MOST_RESOURCES:,}件を超えています。"
    return fhir_error("too-costly", ja, f"The document would hold more than {MOST_RESOURCES:,} resources.")
