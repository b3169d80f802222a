"""`$reindex` (one resource, a type, all, or what a search parameter is about) and `$index-status`.

A resource is indexed at once; more than one by a job, whose address comes back (202). Neither makes new versions.
"""

from collections.abc import Mapping, Sequence

import msgspec

from fhir_service.fhir.json import decode
from fhir_service.fhir.outcome import fhir_error
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.incomplete import Indexing
from fhir_service.interactions.answers.versions import not_found, standing
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Level, Operation, Services
from fhir_service.jobs.indexing import ParameterIndex
from fhir_service.jobs.reindex import KIND, Asked, Count, index, parameters
from fhir_service.jobs.runner import Jobs
from fhir_service.jobs.status import accepted, location
from fhir_service.operations.parameters import given, refused, text

_CANONICAL = "https://example.jp/fhir/outreach/OperationDefinition"
_ALL_LEVELS: frozenset[Level] = frozenset({"system", "type", "instance"})
_TYPE, _SEARCH_PARAMETER = "type", "searchParameter"

Incomplete = Mapping[str, Mapping[str, Indexing]]


def operations(jobs: Jobs, parameter_index: ParameterIndex) -> tuple[Operation, ...]:
    """Return the operations on these jobs and this index."""

    async def reindex(request: FhirRequest, services: Services) -> FhirResponse:
        if len(request.path) == 3:
            return await _one(Key(request.path[0], request.path[1]), request, services)
        types = sorted(set(await _types(request, services)))
        return accepted(request.base, await jobs.begin(KIND, msgspec.json.encode(Asked(types))))

    async def index_status(request: FhirRequest, services: Services) -> FhirResponse:
        given(request, ())
        code = await _code(request, services) if len(request.path) == 3 else None
        addresses = [location(request.base, job) for job in jobs.working(KIND)]
        return FhirResponse(200, _status(parameter_index.incomplete(), code, addresses))

    return (
        Operation("reindex", f"{_CANONICAL}/reindex", _ALL_LEVELS, frozenset({"POST"}), reindex),
        Operation(
            "index-status",
            f"{_CANONICAL}/index-status",
            frozenset({"system", "instance"}),
            frozenset({"GET", "POST"}),
            index_status,
            frozenset({"SearchParameter"}),
        ),
    )


def _status(incomplete: Incomplete, code: str | None, addresses: Sequence[str]) -> Resource:
    """Return what is not indexed yet (of one code) and the addresses of the jobs at work, as Parameters."""
    shown = [
        {
            "name": "parameter",
            "part": [
                {"name": "type", "valueCode": resource_type},
                {"name": "code", "valueCode": each},
                {"name": "indexed", "valueInteger": indexing.done},
                {"name": "total", "valueInteger": indexing.total},
            ],
        }
        for resource_type, codes in sorted(incomplete.items())
        for each, indexing in sorted(codes.items())
        if code in (None, each)
    ]
    jobs = [{"name": "job", "valueUri": address} for address in addresses]
    return {"resourceType": "Parameters", "parameter": [{"name": "complete", "valueBoolean": not shown}, *shown, *jobs]}


async def _one(key: Key, request: FhirRequest, services: Services) -> FhirResponse:
    """Index one resource anew: 200 with the counts."""
    given(request, ())
    version = standing(key, await services.store.read(key))
    indexed = await index([version], services.indexer.index, services.store)
    return FhirResponse(200, parameters([Count(key.type, 1, indexed, 1 - indexed)]))


async def _types(request: FhirRequest, services: Services) -> list[str]:
    """Return the types that are asked for; all if none is named."""
    known = services.definitions.resource_types
    if len(request.path) == 2:
        given(request, ())
        return [request.path[0]]
    types: list[str] = []
    for name, value in given(request, (_TYPE, _SEARCH_PARAMETER)):
        said = text(name, value)
        if name == _SEARCH_PARAMETER:
            types += await _types_of(said, services)
        elif said in known:
            types.append(said)
        else:
            raise refused(
                name, f"の「{said[:80]}」はR4のリソースの型ではありません", f"names no type of R4: {said[:80]}"
            )
    return types or sorted(known)


async def _types_of(parameter: str, services: Services) -> list[str]:
    """Return the types on which a search parameter, by canonical or `SearchParameter/id`, stands."""
    registry = services.indexer.registry
    url = parameter.partition("|")[0]
    if parameter.startswith("SearchParameter/"):
        version = await services.store.read(Key(*parameter.split("/", 1)))
        url = "" if version is None or version.deleted else decode(version.body).get("url", "")
    types = registry.definitions.resource_types
    found = [each for each in types if any(one.url == url for one in registry.declared(each).values())]
    if not found:
        raise refused(_SEARCH_PARAMETER, "の検索パラメータはありません", "names no search parameter in force")
    return found


async def _code(request: FhirRequest, services: Services) -> str:
    key = Key(request.path[0], request.path[1])
    if key.type != "SearchParameter":
        raise not_found(str(key))
    code = decode(standing(key, await services.store.read(key)).body).get("code")
    if not isinstance(code, str):
        raise fhir_error("not-found", "codeがありません。", "It has no code.")
    return code
