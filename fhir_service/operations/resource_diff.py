"""$diff: what turned one version of a resource into another, or what would turn one resource into another.

The answer is a FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html), so that it can be sent as one. R4 has no such
operation; names and levels are those of HAPI FHIR, and its definition is our own (`profiles/operations/diff.json`).
"""

import asyncio
from typing import Any, NamedTuple

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.patch.diff import patch_between
from fhir_service.fhir.patch.fhirpath_patch import OPERATION_LIMIT
from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Key, Resource
from fhir_service.interactions.answers.versions import not_found, standing
from fhir_service.interactions.apart import LARGE
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.parameters import given, refused, single, text, whole_number
from fhir_service.storage.store import Version


class Named(NamedTuple):
    """A resource, or a version of it."""

    key: Key
    version: int | None = None


async def resource_diff(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the Parameters of the patch; without any `parameter` if nothing differs."""
    if len(request.path) == 3:
        before, after = await _of_instance(request, services)
    else:
        before, after = await _of_two(request, services)
    if before.key.type != after.key.type:
        ja = f"{before.key.type}と{after.key.type}は型が違うため比べられません。"
        raise fhir_error("invalid", ja, f"A {before.key.type} cannot be compared with a {after.key.type}.")

    def patch_of_both() -> Resource:
        return patch_between(decode_resource(before.body), decode_resource(after.body), services.definitions)

    is_large = len(before.body) + len(after.body) > LARGE
    patch = await asyncio.to_thread(patch_of_both) if is_large else patch_of_both()
    if len(patch.get("parameter", ())) > OPERATION_LIMIT:
        ja = f"違いが{OPERATION_LIMIT:,}か所を超えています。"
        raise fhir_error("too-costly", ja, f"They differ in more than {OPERATION_LIMIT:,} places.")
    return FhirResponse(200, patch)


OPERATION = Operation(
    name="diff",
    definition="https://example.jp/fhir/outreach/OperationDefinition/diff",
    levels=frozenset({"system", "instance"}),
    methods=frozenset({"GET", "POST"}),
    run=resource_diff,
)


async def _of_instance(request: FhirRequest, services: Services) -> tuple[Version, Version]:
    """Return the versions of the instance: the one before it and the one that stands, unless others are named."""
    parameters = single(given(request, ("from", "to", "fromVersion", "toVersion")))
    key = Key(*request.path[:2])
    after = await _read(_side("to", parameters, key, request.base) or Named(key), services)
    named = _side("from", parameters, key, request.base)
    if named is None and after.version < 2:
        ja, en = f"{key}の最初の版より前の版はありません。", f"There is no version before the first of {key}."
        raise fhir_error("not-found", ja, en)
    return await _read(named or Named(key, after.version - 1), services), after


async def _of_two(request: FhirRequest, services: Services) -> tuple[Version, Version]:
    """Return the two resources that are named."""
    parameters = single(given(request, ("from", "to")))
    before, after = (_side(name, parameters, None, request.base) for name in ("from", "to"))
    if before is None or after is None:
        said = "fromとtoが必要です。", "The parameters from and to are needed."
        raise FhirError(Issue("required", *said), status=400)
    return await _read(before, services), await _read(after, services)


def _side(name: str, parameters: dict[str, Any], key: Key | None, base: str) -> Named | None:
    """Return what `from` or `fromVersion` (`to`, `toVersion`) names; None if neither is given."""
    if (number := f"{name}Version") in parameters and key is not None:
        if name in parameters:
            raise refused(number, f"は{name}と同時に指定できません", f"cannot be given beside {name}")
        return Named(key, whole_number(number, parameters[number]))
    if name not in parameters:
        return None
    said = text(name, parameters[name])
    parsed = parse_reference(said)
    digits = parsed.version or "0"
    if parsed.key is None or not parsed.is_local(base) or not (digits.isascii() and digits.isdecimal()):
        ja = "にはこのサーバーのリソース(Patient/1)かその版(Patient/1/_history/2)を指定してください"
        raise refused(name, ja, "must name a resource of this server (Patient/1) or a version (Patient/1/_history/2)")
    if key is not None and parsed.key != key:
        raise refused(name, f"は{key}の版ではありません", f"is no version of {key}")
    return Named(parsed.key, int(digits[:18]) or None)


async def _read(named: Named, services: Services) -> Version:
    if named.version is None:
        return standing(named.key, await services.store.read(named.key))
    version = await services.store.vread(named.key, named.version)
    if version is None:
        raise not_found(f"{named.key}/_history/{named.version}")
    return standing(named.key, version)
