"""The transaction interaction: all entries are done, in one commit, or none is.

https://hl7.org/fhir/R4/http.html#transaction
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from fhir_service.fhir.bundle import Entry, EntryAnswer, answer_bundle, answer_entry, entries_of, located, read_entry
from fhir_service.fhir.outcome import FhirError, fhir_error, operation_outcome
from fhir_service.fhir.resource import Key
from fhir_service.interactions.answers.preference import preference
from fhir_service.interactions.answers.versions import etag, location
from fhir_service.interactions.apart import apart
from fhir_service.interactions.entries.bundle_entry import (
    READ,
    answer_of,
    entry_headers,
    refusal_of,
    request_of,
    status_text,
)
from fhir_service.interactions.entries.transaction_commit import BREATH, ISSUES_SHOWN, commit
from fhir_service.interactions.entries.transaction_plan import decide
from fhir_service.interactions.entries.transaction_write import Write, write_of
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.commit import until_settled
from fhir_service.interactions.writes.written import stored
from fhir_service.storage.stamp import instant
from fhir_service.storage.store import Committed, Version

_MAY_CHANGE = frozenset({"not-found", "deleted"})  # what a read may meet before the transaction and not after it


async def transaction(request: FhirRequest, services: Services) -> FhirResponse:
    """Do all entries: 200 with an entry for each, in the order of the Bundle; else the error of the one that failed.

    A GET sees what the others did. What it could never do (an unknown parameter) fails the transaction; that there is
    nothing to read does not: its entry says so.
    """
    writes, reads = await _read(request, services)
    for read in reads:
        await _prove(read, services)

    async def attempt() -> FhirResponse:
        search = await decide(writes, request.base, services)
        committed = await commit(writes, search, request.base, services)
        answers: dict[int, EntryAnswer | bytes] = {}
        for n, write in enumerate(writes):
            if n % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            answers[write.entry.index] = answer_entry(_answer(write, committed))
        for entry, of_its_own in reads:
            answers[entry.index] = await _answer_read(entry, of_its_own, services)
        return FhirResponse(200, answer_bundle("transaction-response", (answers[n] for n in sorted(answers))))

    return await until_settled(attempt)


_Read = tuple[Entry, FhirRequest]


async def _read(request: FhirRequest, services: Services) -> tuple[list[Write], list[_Read]]:
    """Return the writes in the order of processing, and the reads; FhirError with the issues of all bad entries."""
    shared = entry_headers(request)
    entries: list[tuple[Entry, FhirRequest]] = []
    writes: list[Write] = []
    errors: list[FhirError] = []
    for n, raw in enumerate(entries_of(request.body, services.max_entries)):
        if n % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        try:
            entry = read_entry(raw, n, request.base)
            of_its_own = request_of(entry, request, shared)
            if entry.order == READ:
                entries.append((entry, of_its_own))
            else:
                writes.append(await apart(of_its_own.body, partial(write_of, entry, of_its_own, services)))
        except FhirError as error:
            errors.append(error)
    errors += _named_twice(writes)
    if errors:
        issues = [issue for error in errors for issue in error.issues]
        raise FhirError(*issues[:ISSUES_SHOWN], status=min(error.status for error in errors))
    return sorted(writes, key=lambda write: (write.entry.order, write.conditional)), entries


def _named_twice(writes: Sequence[Write]) -> list[FhirError]:
    """Return an error for each entry whose full URL another has already.

    https://hl7.org/fhir/R4/bundle-definitions.html (bdl-7)
    """
    seen: set[str] = set()
    errors: list[FhirError] = []
    for write in writes:
        if (full_url := write.entry.full_url) is None:
            continue
        if full_url in seen:
            where = f"{write.entry.expression}.fullUrl"
            shown = full_url[:200]
            errors.append(
                fhir_error(
                    "invalid",
                    f"fullUrl「{shown}」が重複しています。",
                    f'The fullUrl "{shown}" stands twice.',
                    (where,),
                    status=400,
                )
            )
        seen.add(full_url)
    return errors


async def _prove(read: _Read, services: Services) -> None:
    """Raise the error, located, of a read that could never be answered."""
    entry, request = read
    try:
        await services.dispatch(request, services)
    except FhirError as error:
        if error.issues[0].code not in _MAY_CHANGE:
            raise located(error, entry.index) from None


async def _answer_read(entry: Entry, request: FhirRequest, services: Services) -> EntryAnswer:
    try:
        return answer_of(await services.dispatch(request, services), entry, request.base)
    except FhirError as error:
        return refusal_of(error)


def _answer(write: Write, committed: dict[Key, Committed]) -> EntryAnswer:
    """Return what became of a write, with as much of the resource as `Prefer: return` asks for."""
    if write.entry.method == "DELETE" or write.key is None:
        return EntryAnswer(status_text(204))
    done = committed.get(write.key)
    version = write.match or (done.version if done else None)
    assert version is not None
    status = 201 if write.put is not None and done is not None and done.created else 200
    return _shown(write, version, status)


def _shown(write: Write, version: Version, status: int) -> EntryAnswer:
    base = write.request.base
    returns = preference(write.request.headers).returns
    full = returns == "representation"
    issues = write.warnings or [stored(version)]
    return EntryAnswer(
        status_text(status),
        resource=version.body if full else None,
        full_url=f"{base}/{version.key}" if full else None,
        location=location(base, version),
        etag=etag(version),
        last_modified=instant(version.updated),
        outcome=operation_outcome(issues) if returns == "OperationOutcome" else None,
    )
