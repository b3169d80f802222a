"""The work of indexing what is stored anew: type by type, in pages by id, from where it was broken off.

Readers and writers go on: each page is a short turn of the writer, and the loop breathes between resources. What is
written meanwhile is indexed by the same rules already.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, operation_outcome
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.interactions.apart import LARGE
from fhir_service.interactions.exchange import FhirResponse
from fhir_service.jobs.front import UnderWay
from fhir_service.jobs.requests import recorded_answer
from fhir_service.jobs.runner import Progress
from fhir_service.storage.job_table import Job
from fhir_service.storage.store import Reindex, Store, Version

KIND = "reindex"
PAGE = 50  # resources in one turn of the writer, which is how long a write may wait for it
BREATH = 8  # resources after which other requests have their turn
TURN = 0.01  # seconds after which they have it sooner: what an expression costs is not ours to say
SAVED = 20  # pages after which it is kept how far it has come


class Asked(msgspec.Struct):
    """The types that are indexed anew."""

    types: list[str]


class Count(msgspec.Struct):
    """What became of one type: `found` stood; `indexed` have a new index, `superseded` were written meanwhile."""

    type: str
    found: int = 0
    indexed: int = 0
    superseded: int = 0
    rules: dict[str, str] = {}
    after: str = ""
    done: bool = False


class Observer(Protocol):
    """Who must know which rules a type has been indexed by."""

    def rules(self, resource_type: str) -> dict[str, str]:
        """Return the fingerprints of the type's parameters as they are now."""
        ...

    def progress(self, resource_type: str, done: int, total: int) -> None: ...

    async def finished(self, rules: Mapping[str, dict[str, str]]) -> None:
        """Take notice that all of these types is indexed by these rules."""
        ...


class Reindexing:
    """See the module."""

    def __init__(self, store: Store, indexer: Indexer, under_way: UnderWay, observer: Observer) -> None:
        self._store = store
        self._indexer = indexer
        self._under_way = under_way
        self._observer = observer

    def resumes(self, job: Job) -> bool:
        return True

    async def run(self, progress: Progress) -> bytes:
        types = msgspec.json.decode(progress.job.asked, type=Asked).types
        counts = counts_of(progress.job)
        await self._under_way.settled()  # what was indexed by older rules is stored, or on its way to the writer
        await progress.save(progress.job.done, progress.job.total, _state(counts))  # the writer has come to this
        rules = {each: self._observer.rules(each) for each in types if each not in counts}
        totals = {each: await self._store.count(each) for each in types}
        await self._observer.finished({each: rules[each] for each in rules if not totals[each]})
        for each in types:
            if each in rules:
                counts[each] = Count(each, rules=rules[each], done=not totals[each])
            if not counts[each].done:
                await self._type(counts, each, progress, totals)
        return recorded_answer(FhirResponse(200, parameters(counts.values())))

    def failed(self, error: FhirError) -> bytes:
        return recorded_answer(FhirResponse(error.status, operation_outcome(error.issues)))

    async def _type(self, counts: dict[str, Count], name: str, progress: Progress, totals: dict[str, int]) -> None:
        count = counts[name]
        total = sum(totals.values())
        pages = 0
        while versions := await self._store.standing(name, after=count.after, count=PAGE):
            indexed = await index(versions, self._indexer.index, self._store)
            count.found += len(versions)
            count.indexed += indexed
            count.superseded += len(versions) - indexed
            count.after = versions[-1].key.id
            done = sum(each.found for each in counts.values())
            self._observer.progress(name, count.found, max(totals[name], count.found))
            pages += 1
            if pages % SAVED == 0:
                await progress.save(done, max(total, done), _state(counts))
            else:
                progress.tell(done, max(total, done))
        count.done = True
        await self._observer.finished({name: count.rules})
        if count.found:
            done = sum(each.found for each in counts.values())
            await progress.save(done, max(total, done), _state(counts))


async def index(versions: Sequence[Version], entries: Callable[[Resource], IndexEntries], store: Store) -> int:
    """Index these versions anew; return how many of them still stood."""

    def indexed(version: Version) -> IndexEntries:
        return entries(json.decode(version.body))

    rewrites: list[Reindex] = []
    begun = time.monotonic()
    for n, version in enumerate(versions):
        if n % BREATH == BREATH - 1 or time.monotonic() - begun > TURN:
            await asyncio.sleep(0)
            begun = time.monotonic()
        found = await asyncio.to_thread(indexed, version) if len(version.body) > LARGE else indexed(version)
        rewrites.append(Reindex(version.key, version.version, found))
    return await store.reindex(rewrites)


def counts_of(job: Job) -> dict[str, Count]:
    """Return how far a job has come, by type."""
    return {each.type: each for each in msgspec.json.decode(job.state, type=list[Count])} if job.state else {}


def parameters(counts: Iterable[Count]) -> Resource:
    """Return the result as Parameters: of all, and of each type that had resources."""
    counted = [each for each in counts if each.found]
    whole = Count("", *(sum(getattr(each, name) for each in counted) for name in _NUMBERS))
    of_types = [
        {"name": "type", "part": [{"name": "name", "valueCode": each.type}, *_numbers(each)]} for each in counted
    ]
    return {"resourceType": "Parameters", "parameter": [*_numbers(whole), *of_types]}


_NUMBERS = ("found", "indexed", "superseded")


def _numbers(count: Count) -> list[Resource]:
    return [{"name": name, "valueInteger": getattr(count, name)} for name in _NUMBERS]


def _state(counts: dict[str, Count]) -> bytes:
    return msgspec.json.encode(list(counts.values()))
