"""The store in memory: plain and obviously right, the oracle of the other backends.

A search looks at every resource of the type. There is no `await` inside an operation, so each is atomic.
"""

import bisect
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from fhir_service.fhir.json import decode, split_for_stamp
from fhir_service.fhir.resource import Key, key_of
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.fhir.search.query import HierarchyValue, Include, Query, ReferenceValue
from fhir_service.fhir.search.words import texts_of
from fhir_service.storage.explanation import Explanation, explained
from fhir_service.storage.identity import IdSequence, microseconds, rid_for
from fhir_service.storage.memory_jobs import MemoryJobs
from fhir_service.storage.memory_search import Resources
from fhir_service.storage.order import Place, directions, scores
from fhir_service.storage.stamp import stamped
from fhir_service.storage.store import (
    Change,
    Clock,
    Committed,
    Condition,
    ConditionFailed,
    Cursor,
    Delete,
    Exists,
    Finds,
    HistoryPage,
    Page,
    PrimaryDates,
    Put,
    Reference,
    Reindex,
    Told,
    Version,
)


@dataclass(slots=True)
class Record:
    """One resource: its versions, oldest first, and the entries of the standing one (None once it is deleted)."""

    rid: int
    versions: list[Version] = field(default_factory=list)
    entries: IndexEntries | None = None

    @property
    def standing(self) -> Version:
        return self.versions[-1]


class MemoryStore:
    """See `Store`."""

    def __init__(self, clock: Clock, dates: PrimaryDates) -> None:
        self._clock = clock
        self._dates = dates
        self._records: dict[Key, Record] = {}
        self._rids: set[int] = set()
        self._sequence = IdSequence(clock)
        self._updated = 0
        self._watching: dict[str, Told] = {}
        self.jobs = MemoryJobs()

    async def read(self, key: Key) -> Version | None:
        record = self._records.get(key)
        return record.standing if record else None

    async def vread(self, key: Key, version: int) -> Version | None:
        record = self._records.get(key)
        if record is None or not 0 < version <= len(record.versions):
            return None
        return record.versions[version - 1]

    async def read_many(self, keys: Sequence[Key]) -> dict[Key, Version]:
        return {key: self._records[key].standing for key in keys if self._exists(key)}

    async def history(
        self,
        resource_type: str | None,
        resource_id: str | None,
        *,
        count: int,
        since: int | None = None,
        at: tuple[int, int] | None = None,
        only: Sequence[Reference] | None = None,
        oldest_first: bool = False,
        after: Cursor | None = None,
    ) -> HistoryPage:
        named = None if only is None else frozenset(only)
        found: list[tuple[Cursor, Version]] = []
        for key, record in self._records.items():
            if resource_type not in (None, key.type) or resource_id not in (None, key.id):
                continue
            for version, until in _spans(record.versions):
                if named is not None and named.isdisjoint(((key, None), (key, version.version))):
                    continue
                if (since is None or version.updated >= since) and (at is None or _stood(version, until, at)):
                    found.append(((version.updated, record.rid, version.version), version))
        found.sort(reverse=not oldest_first)
        rest = [pair for pair in found if after is None or (pair[0] > after if oldest_first else pair[0] < after)]
        return HistoryPage(
            tuple(version for _, version in rest[:count]),
            len(found),
            rest[count - 1][0] if 0 < count < len(rest) else None,
        )

    async def search(
        self,
        query: Query,
        *,
        also: Sequence[Query] = (),
        count: int,
        after: Cursor | None = None,
        before: Cursor | None = None,
        total: bool = False,
        estimate: bool = False,
        include_limit: int = 1000,
    ) -> Page:
        resources = self._resources()
        found = [place for each in (query, *also) for place in resources.find(each)]
        found.sort(key=lambda pair: pair[0])
        first, last = _window([where for where, _ in found], query, count, after, before)
        page = found[first:last]
        matches = tuple(self._records[key].standing for _, key in page)
        includes = tuple(dict.fromkeys(include for each in (query, *also) for include in each.includes))
        included = resources.included([key for _, key in page], includes, include_limit)
        return Page(
            matches,
            tuple(self._records[key].standing for key in included),
            len(found) if total else None,
            page[-1][0].keys if page and (before is not None or last < len(found)) else None,
            page[0][0].keys if page and (after is not None or (before is not None and first > 0)) else None,
            scores(query, [place.keys for place, _ in page]),
        )

    async def members(self, value: HierarchyValue) -> ReferenceValue:
        return self._resources().members(value)

    async def explain(self, query: Query, *, also: Sequence[Query] = (), count: int) -> Sequence[Explanation]:
        return [
            explained(each, sum(key.type == each.resource_type for key in self._records)) for each in (query, *also)
        ]

    async def included(self, keys: Sequence[Key], includes: Sequence[Include], limit: int) -> tuple[Version, ...]:
        found = self._resources().included([key for key in keys if self._exists(key)], includes, limit)
        return tuple(self._records[key].standing for key in found)

    async def referrers(self, key: Key, resource_types: Sequence[str], *, count: int, after: Cursor | None) -> Page:
        found = sorted(
            (self._records[source].rid, source)
            for source in self._resources().referrers(key)
            if not resource_types or source.type in resource_types
        )
        rest = [pair for pair in found if after is None or (pair[0],) > after]
        return Page(
            tuple(self._records[source].standing for _, source in rest[:count]),
            next=(rest[count - 1][0],) if 0 < count < len(rest) else None,
        )

    async def scan(self, resource_type: str | None) -> AsyncIterator[Version]:
        for key in [key for key in self._records if resource_type in (None, key.type)]:
            if self._exists(key):
                yield self._records[key].standing

    async def commit(self, changes: Sequence[Change], conditions: Sequence[Condition] = ()) -> list[Committed]:
        for condition in conditions:
            self._check(condition, changes)
        self._check_versions(changes)
        self._updated = max(self._updated, microseconds(self._clock()) // 1000 * 1000)
        done = [self._put(change) if isinstance(change, Put) else self._delete(change) for change in changes]
        for committed in done:
            if told := self._watching.get(committed.version.key.type):
                told(committed.version)
        return done

    def watch(self, resource_type: str, told: Told) -> None:
        self._watching[resource_type] = told

    async def count(self, resource_type: str) -> int:
        return sum(key.type == resource_type for key in filter(self._exists, self._records))

    async def standing(self, resource_type: str, *, after: str, count: int) -> Sequence[Version]:
        ids = sorted(key.id for key in self._records if key.type == resource_type and key.id > after)
        found = (self._records[key] for key in (Key(resource_type, id_) for id_ in ids) if self._exists(key))
        return [record.standing for record in islice(found, count)]

    async def reindex(self, rewrites: Sequence[Reindex]) -> int:
        done = 0
        for key, version, entries in rewrites:
            if self._exists(key) and self._records[key].standing.version == version:
                self._records[key].entries = entries
                done += 1
        return done

    def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def _exists(self, key: Key) -> bool:
        record = self._records.get(key)
        return record is not None and record.entries is not None

    def _resources(self) -> Resources:
        live = {key: record for key, record in self._records.items() if record.entries is not None}
        return Resources(
            {key: record.entries for key, record in live.items() if record.entries is not None},
            {key: record.rid for key, record in live.items()},
            {key: record.standing.updated for key, record in live.items()},
            self._dates,
            lambda key: texts_of(decode(self._records[key].standing.body)),
        )

    def _check(self, condition: Condition, changes: Sequence[Change]) -> None:
        put = {key_of(change.resource): change.entries for change in changes if isinstance(change, Put)}
        match condition:
            case Finds(query, keys):
                failing = frozenset(key for _, key in self._resources().find(query))
                failed = failing != keys
            case Exists(keys):
                failing = frozenset(key for key in keys if key not in put and not self._exists(key))
                failed = bool(failing)
            case _:
                gone = {change.key for change in changes if isinstance(change, Delete)}
                after = self._resources().changed(put, gone)
                failing = frozenset(source for key in condition.keys for source in after.referrers(key))
                failed = bool(failing)
        if failed:
            raise ConditionFailed(condition=condition, keys=failing)

    def _check_versions(self, changes: Sequence[Change]) -> None:
        standing: dict[Key, int] = {}
        for change in changes:
            key = key_of(change.resource) if isinstance(change, Put) else change.key
            record = self._records.get(key)
            last = record.standing.version if record else 0
            actual = standing.get(key, last if self._exists(key) else 0)
            if change.expected not in (None, actual):
                raise ConditionFailed(change=change, actual=actual)
            standing[key] = max(actual, last) + 1 if isinstance(change, Put) else 0

    def _put(self, change: Put) -> Committed:
        key = key_of(change.resource)
        created = not self._exists(key)
        record = self._records.get(key)
        if record is None:
            rid = rid_for(key.id, self._rids.__contains__, self._sequence, self._updated)
            record = self._records[key] = Record(rid)
            self._rids.add(rid)
        number = len(record.versions) + 1
        body = stamped(*split_for_stamp(change.resource), number, self._updated)
        record.versions.append(Version(key, number, self._updated, change.method, body))
        record.entries = change.entries
        return Committed(record.standing, created)

    def _delete(self, change: Delete) -> Committed:
        record = self._records.get(change.key)
        if record is None:
            return Committed(Version(change.key, 0, 0, "DELETE", b""), False)
        if record.entries is not None:
            record.versions.append(Version(change.key, len(record.versions) + 1, self._updated, "DELETE", b""))
            record.entries = None
        return Committed(record.standing, False)


def _window(
    places: Sequence[Place], query: Query, count: int, after: Cursor | None, before: Cursor | None
) -> tuple[int, int]:
    """Return where the page begins and ends among the sorted places."""
    descending = directions(query)
    if before is not None:
        last = bisect.bisect_left(places, Place(before, descending))
        return max(0, last - count), last
    first = 0 if after is None else bisect.bisect_right(places, Place(after, descending))
    return first, min(first + count, len(places))


def _spans(versions: Sequence[Version]) -> Iterator[tuple[Version, float]]:
    """Yield each version and when the next one took its place."""
    for index, version in enumerate(versions):
        yield version, versions[index + 1].updated if index + 1 < len(versions) else float("inf")


def _stood(version: Version, until: float, at: tuple[int, int]) -> bool:
    """Whether it stood at some time within the bounds (which both belong to them)."""
    return version.updated <= at[1] and until > at[0]
