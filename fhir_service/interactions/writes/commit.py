"""One change committed, and what its failure means to the client.

https://hl7.org/fhir/R4/http.html#concurrency
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from fhir_service.fhir.outcome import fhir_error
from fhir_service.fhir.resource import Key, Resource, key_of
from fhir_service.interactions.answers.preconditions import expected as asked_for
from fhir_service.interactions.answers.preconditions import version_conflict
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.proposal import put
from fhir_service.interactions.writes.references import dangling, still_referenced
from fhir_service.interactions.writes.rules import keep_rules, version_judged
from fhir_service.storage.store import (
    Change,
    Committed,
    Condition,
    ConditionFailed,
    Exists,
    Finds,
    Put,
    Unreferenced,
    Version,
)

ATTEMPTS = 5


class Raced(Exception):
    """What was found before the commit is no longer so: it is to be resolved again."""


async def commit_one(change: Change, conditions: Sequence[Condition], base: str, services: Services) -> Committed:
    """Commit one change; raise FhirError for a condition that fails, `Raced` for a search that finds others now."""
    try:
        return (await services.store.commit((change,), conditions))[0]
    except ConditionFailed as failed:
        raise meaning(failed, change, base) from None


async def commit_update(
    resource: Resource,
    request: FhirRequest,
    services: Services,
    conditions: tuple[Condition, ...] = (),
    expected: int | None = None,
) -> Committed:
    """Commit a resource that has its id under If-Match (or `expected`) and the rules of its type.

    Raises `Raced` if another version came to stand after the rules were judged.
    """
    judged = await version_judged(resource, services)
    asked = await must_stand(key_of(resource), request.headers, services, judged)
    expected = judged if judged is not None else asked if asked is not None else expected
    change, integrity = await put(resource, request, services, expected=expected)
    try:
        return (await services.store.commit((change,), (*integrity, *conditions)))[0]
    except ConditionFailed as failed:
        if judged is not None and failed.condition is None:
            raise Raced from None
        raise meaning(failed, change, request.base) from None


async def must_stand(key: Key, headers: Mapping[str, str], services: Services, actual: int | None = None) -> int | None:
    """Return the version that the client expects at the commit, None if any will do; 412 if it does not stand now.

    What stands now (`actual`; 0: nothing) is read if it is not known and several versions, or any, are expected.
    """
    asked = asked_for(headers)
    if asked is None or (actual is None and asked.only is not None):
        return None if asked is None else asked.only
    if actual is None:
        version = await services.store.read(key)
        actual = 0 if version is None or version.deleted else version.version
    if not asked.allows(actual):
        raise version_conflict(str(key), actual)
    return actual if asked.versions else None


async def commit_amended(
    version: Version,
    before: Resource,
    after: Resource,
    request: FhirRequest,
    services: Services,
    conditions: tuple[Condition, ...] = (),
) -> Committed:
    """Commit what was made of a standing version, if that still stands: else 412 with If-Match, `Raced` without."""
    keep_rules(before, after, services)
    change, integrity = await put(after, request, services, method="PATCH", expected=version.version)
    try:
        return (await services.store.commit((change,), (*integrity, *conditions)))[0]
    except ConditionFailed as failed:
        if failed.condition is None and asked_for(request.headers) is None:
            raise Raced from None
        raise meaning(failed, change, request.base) from None


async def until_settled(attempt: Callable[[], Awaitable[FhirResponse]]) -> FhirResponse:
    """Return what `attempt` answers, resolving again while others get in between; 409 if that does not end."""
    for _ in range(ATTEMPTS):
        try:
            return await attempt()
        except Raced:
            continue
    raise fhir_error(
        "conflict",
        "ほかの更新と競合し続けたため、操作を終えられませんでした。やり直してください。",
        "Other writes kept changing what this interaction depends on; please retry.",
    )


def meaning(failed: ConditionFailed, change: Change, base: str) -> Exception:
    """Return what to raise for a commit of this change that failed: a FhirError, or `Raced` where a search moved."""
    key = key_of(change.resource) if isinstance(change, Put) else change.key
    match failed.condition:
        case Finds():
            return Raced()
        case Exists() if isinstance(change, Put):
            return dangling(failed.keys, change.resource, base)
        case Unreferenced():
            return still_referenced(key, failed.keys)
        case _:
            return version_conflict(str(key), failed.actual)
