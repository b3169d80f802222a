"""The writes of a transaction, linked with each other and stored in one commit.

https://hl7.org/fhir/R4/http.html#trules
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from fhir_service.fhir.bundle_links import FullUrls
from fhir_service.fhir.json import decode
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.reference import FoundReference, ParsedReference
from fhir_service.fhir.resource import Key, key_of
from fhir_service.interactions.answers.preconditions import version_conflict
from fhir_service.interactions.apart import apart
from fhir_service.interactions.entries.transaction_search import TransactionSearch
from fhir_service.interactions.entries.transaction_write import Write
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.commit import Raced
from fhir_service.interactions.writes.criteria import decoded
from fhir_service.interactions.writes.proposal import checked
from fhir_service.interactions.writes.references import dangling_issue, local_references, still_referenced
from fhir_service.interactions.writes.rules import has_rules, keep_rules
from fhir_service.interactions.writes.targets import claim, resolver, stored
from fhir_service.storage.store import (
    Change,
    Committed,
    Condition,
    ConditionFailed,
    Exists,
    Finds,
    Put,
    Unreferenced,
)
from fhir_service.validation.run import Outside

BREATH = 32  # writes after which other requests have their turn
ISSUES_SHOWN = 100


async def commit(
    writes: Sequence[Write], search: TransactionSearch, base: str, services: Services
) -> dict[Key, Committed]:
    """Store what was decided, and return what became of each resource; nothing is stored if a FhirError is raised.

    Raises `Raced` if what was found or judged is no longer so.
    """
    full_urls = await _link(writes, search, base, services)
    await _judge_targets(writes, full_urls, base, services)
    changes: list[Change] = []
    for n, write in enumerate(writes):
        if n % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        if write.put is not None:
            _keep_rules(write, services)
            entries = await apart(write.put, partial(services.indexer.index, write.put))
            changes.append(Put(write.put, entries, write.method, write.expected))
        changes += write.deletes
    if not changes:
        return {}

    conditions = [*search.conditions, *(_integrity(writes) if services.referential_integrity else ())]
    try:
        committed = await services.store.commit(changes, conditions)
    except ConditionFailed as failed:
        raise _meaning(failed, writes, base) from None
    return {one.version.key: one for one in committed}


async def _link(writes: Sequence[Write], search: TransactionSearch, base: str, services: Services) -> FullUrls:
    """Replace the links between the entries, and the conditional references; return what the full URLs mean."""
    full_urls = FullUrls(services.definitions, base)
    for write in writes:
        if write.key is not None and write.full_url is not None and write.full_url != f"{base}/{write.key}":
            full_urls.add(write.full_url, write.key)

    known: dict[str, Key] = {}  # what conditional references mean: many entries have the same
    for n, write in enumerate(writes):
        if n % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        if write.put is None:
            continue
        write.links = await apart(write.put, partial(full_urls.replace, write.put, write.entry.full_url))
        if write.links.unknown and services.referential_integrity:
            raise write.refused(_no_such_entry(write.links.unknown))
        for found, parsed in write.links.conditional:
            try:
                key = known.get(found.text) or await _resolved(found, parsed, search)
            except FhirError as error:
                raise write.refused(error) from None
            known[found.text] = key
            write.links.resolve(found, key)
    return full_urls


async def _judge_targets(writes: Sequence[Write], full_urls: FullUrls, base: str, services: Services) -> None:
    """Raise the error of a write that refers to what does not conform to the profile that its own asks for."""
    wanted = {
        n: [(key, profiles) for text, profiles in write.wanted if (key := full_urls.key(text, write.full_url))]
        for n, write in enumerate(writes)
        if write.put is not None and write.wanted
    }
    if not any(wanted.values()):
        return
    put = {key_of(write.put): write.put for write in writes if write.put is not None}
    keys = {key for each in wanted.values() for key, _ in each}
    targets = await stored(keys - put.keys(), services) | {key: put[key] for key in keys & put.keys()}
    for n, each in wanted.items():
        resource = writes[n].put
        if resource is None or claim(each, targets):
            continue
        try:
            await apart(resource, partial(checked, resource, services, Outside(resolver(targets, base))))
        except FhirError as error:
            raise writes[n].refused(error) from None


def _no_such_entry(unknown: Sequence[FoundReference]) -> FhirError:
    return FhirError(
        *(
            Issue(
                "not-found",
                f"参照「{found.text[:200]}」が指すエントリーが、このトランザクションにありません。",
                f'The reference "{found.text[:200]}" is to no entry of this transaction.',
                (found.expression,),
            )
            for found in unknown[:ISSUES_SHOWN]
        ),
        status=400,
    )


async def _resolved(found: FoundReference, parsed: ParsedReference, search: TransactionSearch) -> Key:
    """Return the one resource that a conditional reference finds; 412 if it finds none or several."""
    resource_type, criteria = parsed.type or "", decoded(parsed.search or "")
    try:
        key, _ = await search.single(search.query(resource_type, criteria))
    except FhirError as error:
        issues = (replace(issue, expression=(found.expression,)) for issue in error.issues)
        raise FhirError(*issues, status=error.status) from None
    if key is None:
        shown = found.text[:200]
        raise fhir_error(
            "not-found",
            f"条件付き参照「{shown}」に合うリソースがありません。",
            f'The conditional reference "{shown}" finds nothing.',
            (found.expression,),
            status=412,
        )
    return key


def _keep_rules(write: Write, services: Services) -> None:
    assert write.put is not None
    if has_rules(write.type, services):
        try:
            keep_rules(decode(write.before.body) if write.before else None, write.put, services)
        except FhirError as error:
            raise write.refused(error) from None


def _integrity(writes: Sequence[Write]) -> list[Condition]:
    """Return the conditions of integrity at the end: what is referred to exists, what is deleted is not referred to."""
    wanted: set[Key] = set()
    put: set[Key] = set()
    conditions: list[Condition] = []
    for write in writes:
        if write.put is not None:
            wanted |= write.links.keys
            put.add(key_of(write.put))
        elif write.deletes:
            conditions.append(Unreferenced(frozenset(write.written)))
    if wanted - put:
        conditions.append(Exists(frozenset(wanted - put)))
    return conditions


def _meaning(failed: ConditionFailed, writes: Sequence[Write], base: str) -> Exception:
    """Return what to raise for a commit that failed."""
    match failed.condition:
        case Finds():
            return Raced()
        case Exists():
            return _dangling(failed.keys, writes, base)
        case Unreferenced(keys):
            key = min(keys)
            said = key if len(keys) == 1 else f"{key.type}?…"
            return _about(writes, key).refused(still_referenced(said, failed.keys))
        case _:
            change = failed.change
            assert change is not None
            key = key_of(change.resource) if isinstance(change, Put) else change.key
            write = _about(writes, key)
            return Raced() if write.judged else write.refused(version_conflict(str(key), failed.actual))


def _about(writes: Sequence[Write], key: Key) -> Write:
    return next(write for write in writes if key in write.written)


def _dangling(absent: frozenset[Key], writes: Sequence[Write], base: str) -> FhirError:
    issues = (
        issue
        for write in writes
        if write.put is not None and not absent.isdisjoint(write.links.keys)
        for at, key in local_references(write.put, base)
        if key in absent
        for issue in write.refused(FhirError(dangling_issue(key, at))).issues
    )
    return FhirError(*islice(issues, ISSUES_SHOWN))
