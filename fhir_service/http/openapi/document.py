"""The OpenAPI document of this server: made of ROUTES, the operations, the definitions and the search parameters.

It is made when it is first asked for, and kept as the bytes that are sent.
https://spec.openapis.org/oas/v3.1.1.html
"""

import gzip
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import msgspec

import fhir_service
from fhir_service.fhir import json
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.http.openapi.parameters import COMMON, SearchParameters
from fhir_service.http.openapi.paths import JSON, SYSTEM, XML, interaction_paths, operation_items
from fhir_service.http.openapi.schemas import ref, schemas
from fhir_service.interactions.routes import ROUTES
from fhir_service.interactions.services import Operation, Services

_TOLD = (
    "精神障害者アウトリーチ支援のデータ連携サーバーのFHIR R4 API。"
    "The FHIR R4 API of the data service for community mental-health outreach. "
    "検索の修飾子(`name:exact`)、連鎖(`subject.name`)、`_has`はOpenAPIでは書けないため、ここにはありません。"
    "Modifiers, chains and `_has` cannot be written here: https://hl7.org/fhir/R4/search.html"
)


class Document(NamedTuple):
    """The bytes of the document's JSON: as they are, and packed."""

    plain: bytes
    packed: bytes

    @property
    def content(self) -> Resource:
        """The document as a value; it takes ten times the memory of its bytes, and is not kept."""
        read: Resource = msgspec.json.decode(self.plain)
        return read


def document_of(services: Services) -> Document:
    """Return the document of these services."""
    registry = services.indexer.registry
    known = (registry.version, registry.definitions.generation)
    return _made(registry, known, tuple(chain(*services.operations.values())))


@lru_cache(maxsize=2)
def _made(registry: SearchRegistry, known: tuple[int, int], operations: tuple[Operation, ...]) -> Document:
    """Return the document; `known` counts up with what the registry and its definitions know."""
    plain = json.encode(openapi(registry, operations))
    return Document(plain, gzip.compress(plain, 6, mtime=0))


def openapi(registry: SearchRegistry, operations: Iterable[Operation]) -> Resource:
    """Return the document as a value."""
    definitions = registry.definitions
    types = sorted(definitions.resource_types)
    search = SearchParameters(registry)
    paths: dict[str, Resource] = {}
    for address, method, operation in interaction_paths(ROUTES, types, search.of):
        paths.setdefault(address, {}).setdefault(method, operation)
    items: dict[str, Resource] = {}
    for address, name, item in operation_items(operations, definitions):
        items.setdefault(name, item)
        paths.setdefault(address, {"$ref": f"#/components/pathItems/{name}"})
    names = dict.fromkeys(operation.name for operation in operations)
    return {
        "openapi": "3.1.0",
        "info": {"title": "FHIR Service", "version": fhir_service.__version__, "description": _TOLD},
        "servers": [{"url": "fhir"}],
        "tags": [{"name": name} for name in (SYSTEM, *types, *(f"${name}" for name in names))],
        "paths": paths,
        "components": {
            "schemas": schemas(definitions),
            "parameters": COMMON | search.components,
            "responses": {"OperationOutcome": _outcome()},
            "pathItems": items,
        },
    }


def _outcome() -> Resource:
    content = {JSON: {"schema": ref("OperationOutcome")}, XML: {}}
    return {"description": "何がいけないか · what is wrong", "content": content}
