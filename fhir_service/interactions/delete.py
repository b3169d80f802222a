"""The delete interaction, and its conditional form: for a single match, or for several if the server is set so.

Several are deleted in one commit, all or none; more than the server's limit are refused, and nothing is deleted then.
https://hl7.org/fhir/R4/http.html#delete
"""

from collections.abc import Sequence

from fhir_service.fhir.outcome import Issue, operation_outcome
from fhir_service.fhir.resource import Key
from fhir_service.interactions.answers.preconditions import Expected, version_conflict
from fhir_service.interactions.answers.preconditions import expected as asked_for
from fhir_service.interactions.answers.preference import preference
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.commit import Raced, commit_one, must_stand, until_settled
from fhir_service.interactions.writes.criteria import criteria_of, query_of, single_match, too_many_match
from fhir_service.interactions.writes.references import still_referenced
from fhir_service.storage.store import Condition, ConditionFailed, Delete, Finds, Unreferenced, Version

_KEYS_SHOWN = 100


async def delete(request: FhirRequest, services: Services) -> FhirResponse:
    """Delete the resource: 204, also if it is deleted already or never was; 409 while others refer to it."""
    key = Key(request.path[0], request.path[1])
    await _delete(key, (), request, services)
    return _told([key]) if preference(request.headers).returns == "OperationOutcome" else FhirResponse(204)


async def conditional_delete(request: FhirRequest, services: Services) -> FhirResponse:
    """Delete what the criteria find: 200 with what it was, 204 if they find nothing; 412 if they find too many."""
    criteria = criteria_of(request.query)

    async def attempt() -> FhirResponse:
        if services.conditional_delete == "multiple":
            keys = await _delete_all(request, services)
        else:
            found = await single_match(request.path[0], criteria, request.base, services)
            keys = [found.version.key] if found.version else []
            for key in keys:
                await _delete(key, (found.condition,), request, services)
        if not keys or preference(request.headers).returns == "minimal":
            return FhirResponse(204)
        return _told(keys)  # the client does not know which they were

    return await until_settled(attempt)


async def _delete(key: Key, conditions: tuple[Condition, ...], request: FhirRequest, services: Services) -> None:
    expected = None
    if asked_for(request.headers) is not None:
        # The client has to know what it deletes before it is told what else stands in the way.
        found = await services.store.read(key)
        actual = 0 if found is None or found.deleted else found.version
        expected = await must_stand(key, request.headers, services, actual)
    if services.referential_integrity:
        conditions += (Unreferenced(frozenset((key,))),)
    await commit_one(Delete(key, expected), conditions, request.base, services)


async def _delete_all(request: FhirRequest, services: Services) -> list[Key]:
    """Delete everything that the criteria find, in one commit."""
    query = query_of(request.path[0], criteria_of(request.query), request.base, services)
    page = await services.store.search(query, count=services.max_delete + 1)
    if len(page.matches) > services.max_delete:
        raise too_many_match(request.path[0], services.max_delete)
    keys = [version.key for version in page.matches]
    if not keys:
        return keys
    conditions: list[Condition] = [Finds(query, frozenset(keys))]
    if services.referential_integrity:
        conditions.append(Unreferenced(frozenset(keys)))
    asked = asked_for(request.headers)
    changes = [Delete(version.key, _expected(version, asked)) for version in page.matches]
    try:
        await services.store.commit(changes, conditions)
    except ConditionFailed as failed:
        if isinstance(failed.condition, Unreferenced):
            raise still_referenced(f"{request.path[0]}?…", failed.keys) from None
        if failed.change is not None:
            raise version_conflict(f"{request.path[0]}?…", failed.actual) from None
        raise Raced from None
    return keys


def _expected(version: Version, asked: Expected | None) -> int | None:
    if asked is None or not asked.versions:
        return None
    return version.version if asked.allows(version.version) else -1


def _told(keys: Sequence[Key]) -> FhirResponse:
    shown = ", ".join(map(str, keys[:_KEYS_SHOWN])) + (" …" if len(keys) > _KEYS_SHOWN else "")
    if len(keys) == 1:
        said = f"{shown}を削除しました。", f"{shown} is deleted."
    else:
        said = f"{len(keys):,}件を削除しました: {shown}", f"{len(keys):,} are deleted: {shown}"
    return FhirResponse(200, operation_outcome([Issue("informational", *said, severity="information")]))
