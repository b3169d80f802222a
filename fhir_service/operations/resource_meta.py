"""$meta, $meta-add and $meta-delete: the profiles, tags and security labels of a resource, a type or the system.

https://hl7.org/fhir/R4/resource-operation-meta.html, …-meta-add.html and …-meta-delete.html

R4 leaves it open whether labels can change without a new version. Here a change makes one: what a version says, its
security labels above all, never changes afterwards, and who changed them stands in the history. Nothing to change, no
new version.
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Key, Resource
from fhir_service.interactions.answers.preconditions import keep_expected
from fhir_service.interactions.answers.versions import not_found, standing, version_headers
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Level, Operation, Services
from fhir_service.interactions.writes.commit import commit_amended, until_settled
from fhir_service.operations.parameters import given, single

Meta = dict[str, Any]
Amend = Callable[[Meta, Meta], Meta]

# What a Meta holds besides version and time: the member, and what tells its items apart.
# "The identity of a tag or security label is the system+code"; a profile is its URL.
_SETS: dict[str, Callable[[Any], Any]] = {
    "profile": lambda profile: profile,
    "security": lambda coding: (coding.get("system"), coding.get("code")),
    "tag": lambda coding: (coding.get("system"), coding.get("code")),
}
_YIELD_EVERY = 200  # resources of a scan, so that others are answered meanwhile


class _OnlyMeta(msgspec.Struct):
    meta: Meta = {}


_decode_meta = msgspec.json.Decoder(_OnlyMeta).decode


async def meta(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the Meta of the instance, or all profiles, tags and labels in use on the type or the system."""
    given(request, ())
    match request.path:
        case type_, id_, _:
            return _answer(
                _decode_meta(standing(Key(type_, id_), await services.store.read(Key(type_, id_))).body).meta
            )
        case _, _, _, _, _:
            return _answer(_decode_meta(await _version(request, services)).meta)
    return _answer(await _in_use(request.path[0] if len(request.path) == 2 else None, services))


async def _version(request: FhirRequest, services: Services) -> bytes:
    """Return the version that the path names: `[type]/[id]/_history/[vid]/$meta`."""
    key, vid = Key(*request.path[:2]), request.path[3]
    number = int(vid) if vid.isascii() and vid.isdecimal() and len(vid) < 19 else None
    found = await services.store.vread(key, number) if number is not None else None
    if found is None:
        raise not_found(f"{key}/_history/{vid}")
    return standing(key, found).body


async def _change(amend: Amend, request: FhirRequest, services: Services) -> FhirResponse:
    """Store the resource with its Meta amended; 412 where If-Match asks for another version than stands."""
    key = Key(*request.path[:2])
    asked = _meta_given(request, key, services)

    async def attempt() -> FhirResponse:
        version = standing(key, await services.store.read(key))
        keep_expected(request.headers, version)
        before = decode_resource(version.body)
        amended = amend(before.get("meta", {}), asked)
        if amended != before.get("meta", {}):
            after = {name: value for name, value in (before | {"meta": amended}).items() if value}
            version = (await commit_amended(version, before, after, request, services)).version
        return _answer(_decode_meta(version.body).meta, version_headers(version))

    return await until_settled(attempt)


def add(standing: Meta, asked: Meta) -> Meta:
    """Return what stands and what of the other is not among it; version and display of a label do not count."""
    amended = dict(standing)
    for name, identity in _SETS.items():
        items = _distinct([*standing.get(name, ()), *asked.get(name, ())], identity)
        if items:
            amended[name] = items
    return amended


def without(standing: Meta, asked: Meta) -> Meta:
    """Return what stands, less what the other names."""
    amended = dict(standing)
    for name, identity in _SETS.items():
        gone = {identity(item) for item in asked.get(name, ())}
        kept = [item for item in standing.get(name, ()) if identity(item) not in gone]
        if kept:
            amended[name] = kept
        else:
            amended.pop(name, None)
    return amended


def _distinct(items: list[Any], identity: Callable[[Any], Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for item in items:
        found.setdefault(identity(item), item)
    return [*found.values()]


async def _in_use(resource_type: str | None, services: Services) -> Meta:
    found: dict[str, dict[Any, Any]] = {name: {} for name in _SETS}
    seen = 0
    async for version in services.store.scan(resource_type):
        standing = _decode_meta(version.body).meta
        for name, identity in _SETS.items():
            for item in standing.get(name, ()):
                found[name].setdefault(identity(item), item)
        seen += 1
        if seen % _YIELD_EVERY == 0:
            await asyncio.sleep(0)
    return {name: [items[each] for each in sorted(items, key=str)] for name, items in found.items() if items}


def _meta_given(request: FhirRequest, key: Key, services: Services) -> Meta:
    """Return the parameter `meta`, checked as that of a resource of the type would be."""
    asked = single(given(request, ("meta",))).get("meta")
    if not isinstance(asked, dict):
        said = "パラメーター「meta」(valueMeta)が必要です。", "The parameter meta (valueMeta) is needed."
        raise FhirError(Issue("required", *said, ("Parameters.parameter",)), status=400)
    place = f"{key.type}.meta"
    if wrong := list(_within(place, services.check({"resourceType": key.type, "id": key.id, "meta": asked}))):
        raise FhirError(*wrong, status=400)
    return asked


def _within(place: str, issues: list[Issue]) -> Iterator[Issue]:
    for issue in issues:
        if any(expression.startswith(place) for expression in issue.expression) and issue.severity == "error":
            yield issue


def _answer(meta: Meta, headers: tuple[tuple[str, str], ...] = ()) -> FhirResponse:
    """Return the Parameters; a Meta that says nothing is the parameter alone, as FHIR has no empty objects."""
    parameter: Resource = {"name": "return"}
    if meta:
        parameter["valueMeta"] = meta
    return FhirResponse(200, {"resourceType": "Parameters", "parameter": [parameter]}, headers)


_DEFINITION = "http://hl7.org/fhir/OperationDefinition/Resource-"
_ALL: frozenset[Level] = frozenset({"system", "type", "instance"})
_INSTANCE: frozenset[Level] = frozenset({"instance"})
_POST = frozenset({"POST"})

OPERATIONS = (
    Operation("meta", f"{_DEFINITION}meta", _ALL, frozenset({"GET", "POST"}), meta),
    Operation("meta-add", f"{_DEFINITION}meta-add", _INSTANCE, _POST, partial(_change, add)),
    Operation("meta-delete", f"{_DEFINITION}meta-delete", _INSTANCE, _POST, partial(_change, without)),
)
