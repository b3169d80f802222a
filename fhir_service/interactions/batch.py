"""The batch interaction: every entry is processed for itself, whatever becomes of the others.

https://hl7.org/fhir/R4/http.html#transaction
"""

import asyncio
import logging
from collections.abc import Mapping
from itertools import groupby

from fhir_service.fhir.bundle import Entry, EntryAnswer, answer_bundle, entries_of, read_entry
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.reference import references
from fhir_service.interactions.entries.bundle_entry import answer_of, entry_headers, refusal_of, request_of
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Services

AT_ONCE = 64  # entries that wait for the disk together
BREATH = 100  # entries that are read before other requests get their turn
_log = logging.getLogger("fhir_service")


async def batch(request: FhirRequest, services: Services) -> FhirResponse:
    """Process each entry as a request: 200 with an entry for each, in the order of the Bundle.

    As in a transaction, what deletes goes before what creates, updates and reads; within these groups entries run
    side by side, for they may not depend on each other.
    """
    answers: dict[int, EntryAnswer] = {}
    entries: list[Entry] = []
    for index, raw in enumerate(entries_of(request.body, services.max_entries)):
        if index % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        try:
            entries.append(read_entry(raw, index, request.base))
        except FhirError as error:
            answers[index] = refusal_of(error)

    shared = entry_headers(request)
    tasks: dict[int, asyncio.Task[EntryAnswer]] = {}
    named = frozenset(entry.full_url for entry in entries if entry.full_url and entry.full_url.startswith("urn:"))
    for _, group in groupby(sorted(entries, key=_order), key=_order):
        members = list(group)
        for start in range(0, len(members), AT_ONCE):
            chunk = members[start : start + AT_ONCE]
            async with asyncio.TaskGroup() as running:
                for entry in chunk:
                    done = _process(entry, request, shared, named, services)
                    tasks[entry.index] = running.create_task(done)
                    await asyncio.sleep(0)  # what comes from others has its turn before the next begins
    answers |= {index: task.result() for index, task in tasks.items()}
    return FhirResponse(200, answer_bundle("batch-response", (answers[index] for index in sorted(answers))))


def _order(entry: Entry) -> int:
    return entry.order


async def _process(
    entry: Entry, request: FhirRequest, shared: Mapping[str, str], named: frozenset[str], services: Services
) -> EntryAnswer:
    try:
        if entry.method == "POST" and not entry.path:
            raise _nested()
        if named and entry.path and entry.method in ("POST", "PUT"):
            _check_independent(entry, named)
        return answer_of(await services.dispatch(request_of(entry, request, shared), services), entry, request.base)
    except FhirError as error:
        return refusal_of(error)
    except Exception as error:  # a defect of ours: the other entries are none the worse for it
        _log.error("an entry of a batch failed: %s %s", entry.method, "/".join(entry.path), exc_info=error)
        return refusal_of(_defect())


def _check_independent(entry: Entry, named: frozenset[str]) -> None:
    """Raise 400 for references to what other entries make: nothing tells yet what that will be called.

    "References within a Bundle.entry.resource to another Bundle.entry.resource that is being created within the batch
    are considered to be non-conformant."
    """
    found = [each for each in references({"resourceType": entry.path[0], **entry.body}) if each.text in named]
    if found:
        raise FhirError(
            *(
                Issue(
                    "value",
                    f"バッチのエントリーは、ほかのエントリー({each.text[:200]})を参照できません。transactionで送ってください。",
                    f"An entry of a batch cannot refer to another one ({each.text[:200]}); send a transaction.",
                    (each.expression,),
                )
                for each in found
            ),
            status=400,
        )


def _defect() -> FhirError:
    ja = "サーバー内部でエラーが起きました。記録しましたので、管理者に時刻をお知らせください。"
    en = "Something went wrong inside the server; it has been logged, please tell the administrator the time."
    return FhirError(Issue("exception", ja, en, severity="fatal"))


def _nested() -> FhirError:
    return fhir_error(
        "not-supported",
        "バッチの中にバッチやトランザクションを入れることはできません。",
        "A batch cannot hold another batch or transaction.",
    )
