"""The store in one SQLite file.

Reads run where they are asked for, in the event loop: one takes some microseconds, a thread would take four times as
long. Writes go through one thread (`writer.py`). WAL lets both go on at once; a commit is answered when it is on disk.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Self

import apsw

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.query import HierarchyValue, Include, Query, ReferenceValue, asks_for_words
from fhir_service.storage.explanation import Explanation
from fhir_service.storage.sqlite import tally
from fhir_service.storage.sqlite.context import Reader
from fhir_service.storage.sqlite.history import Asked, history
from fhir_service.storage.sqlite.includes import included
from fhir_service.storage.sqlite.jobs import SqliteJobs
from fhir_service.storage.sqlite.keys import type_key
from fhir_service.storage.sqlite.lock import FileLock
from fhir_service.storage.sqlite.planning.explain import explain
from fhir_service.storage.sqlite.planning.hierarchy import members
from fhir_service.storage.sqlite.schema import migrate
from fhir_service.storage.sqlite.search import rids_of, search, versions
from fhir_service.storage.sqlite.sql import json_array
from fhir_service.storage.sqlite.writing.calls import CallingWriter
from fhir_service.storage.sqlite.writing.catch_up import CatchUp
from fhir_service.storage.sqlite.writing.packed import unpack
from fhir_service.storage.sqlite.writing.prepared import Content, PreparedChange, PreparedCommit, prepare, resource_key
from fhir_service.storage.sqlite.writing.reindex import indexed, rewrite
from fhir_service.storage.store import (
    Change,
    Clock,
    Committed,
    Condition,
    Cursor,
    HistoryPage,
    Page,
    PrimaryDates,
    Put,
    Reference,
    Reindex,
    Told,
    Version,
)
from fhir_service.storage.too_costly import too_much_work

_READ = "SELECT ver, upd, method, body, rtype, id FROM res WHERE rk = ?"
_VREAD = """
SELECT h.ver, h.upd, h.method, h.body FROM res r CROSS JOIN hist h ON h.rid = r.rid AND h.ver = ?
WHERE r.rk = ? AND r.rtype = ? AND r.id = ?
"""
_READ_MANY = """
SELECT rtype, id, ver, upd, method, body FROM res
WHERE rk IN (SELECT value FROM json_each(?)) AND deleted = 0
"""
_REFERRERS = """
SELECT DISTINCT rf.rid FROM rf CROSS JOIN res ON res.rid = rf.rid
WHERE rf.tk = ? AND rf.rid > ? AND (? OR res.rtype IN (SELECT value FROM json_each(?))) ORDER BY rf.rid LIMIT ?
"""
_SCAN_TYPE = """
SELECT id, rtype, id, ver, upd, method, body FROM res
WHERE rtype = ? AND id > ? AND deleted = 0 ORDER BY id LIMIT ?
"""
_SCAN = "SELECT rid, rtype, id, ver, upd, method, body FROM res WHERE rid > ? AND deleted = 0 ORDER BY rid LIMIT ?"
_SCANNED_AT_ONCE = 200
_COUNT = "SELECT count(*) FROM ix WHERE k = ?"

_STEPS = 10_000_000  # of SQLite's machine, between two looks at how many a request has taken: about 0.2 seconds
_MOST_LOOKS = 10

# Memory: the whole of a large file mapped would be a tenth faster, and all of it be counted as the server's.
_MAPPED = 64 * 1024 * 1024  # bytes
_READING_CACHE = 48 * 1024  # kibibytes
_WRITING_CACHE = 48 * 1024

_STATEMENTS = 500  # prepared and kept by each connection
_PAGES_IN_WAL = 4_000  # 16 MB: then they are copied into the file


class _Snapshot:
    """One state of the database for several statements."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> apsw.Connection:
        self._connection.execute("BEGIN")
        return self._connection

    def __exit__(self, raised: type[BaseException] | None, *_: object) -> None:
        self._connection.execute("COMMIT")
        if raised is not None and issubclass(raised, apsw.InterruptError):
            raise too_much_work() from None


_BREATH = 32  # changes that are prepared before others have their turn
_HEAVY = 1_000  # index entries of one kind in one change: some ten milliseconds


class SqliteStore:
    """See `Store`. It belongs to one event loop."""

    def __init__(self, reading: apsw.Connection, writer: CallingWriter, dates: PrimaryDates, lock: FileLock) -> None:
        self._connection = reading
        self._execute = reading.execute
        self._reader = Reader(reading, dates)
        self._writer = writer
        self._used = 0
        self._catch_up = CatchUp(reading, writer, lambda: self._used)
        self._lock = lock
        self._looks = 0
        self._watching: dict[str, Told] = {}
        self.jobs = SqliteJobs(reading, writer)
        reading.set_progress_handler(self._too_long, _STEPS)

    @classmethod
    def open(cls, path: Path | str, clock: Clock, dates: PrimaryDates) -> Self:
        """Open the file, make it if it is not there, bring its schema up to date; NewerFile if it is beyond ours.

        OSError if it is no database, or one that cannot be opened; `InUse` if another process has it open.
        """
        lock = FileLock(Path(path))
        try:
            writing = apsw.Connection(str(path), statementcachesize=_STATEMENTS)
            writing.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        except (apsw.NotADBError, apsw.CantOpenError, apsw.CorruptError) as error:
            said = f"SQLiteのデータベースとして開けません。 / This cannot be opened as an SQLite database ({error})."
            raise OSError(f"{path}: {said}") from None
        writing.set_busy_timeout(10_000)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"wal_autocheckpoint = {_PAGES_IN_WAL}",
            "temp_store = MEMORY",
            f"cache_size = -{_WRITING_CACHE}",
        ):
            writing.execute(f"PRAGMA {pragma}").fetchall()
        migrate(writing)
        reading = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, statementcachesize=_STATEMENTS)
        for connection in (writing, reading):  # a statement is planned once, and not again for each value
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        reading.set_busy_timeout(10_000)
        for pragma in (
            "query_only = ON",
            "temp_store = MEMORY",
            f"mmap_size = {_MAPPED}",
            f"cache_size = -{_READING_CACHE}",
        ):
            reading.execute(f"PRAGMA {pragma}").fetchall()
        return cls(reading, CallingWriter(writing, clock, dates), dates, lock)

    def start(self) -> None:
        self._catch_up.start()

    async def read(self, key: Key) -> Version | None:
        self._used += 1
        row = self._execute(_READ, (resource_key(key),)).get
        # Two keys might share a hash: then the row is that of the other.
        if row is None or row[5] != key[1] or row[4] != key[0]:
            return None
        return Version(key, row[0], row[1], row[2], row[3])

    async def vread(self, key: Key, version: int) -> Version | None:
        standing = await self.read(key)
        if standing is None or version >= standing.version:
            return standing if standing is not None and version == standing.version else None
        row = self._execute(_VREAD, (version, resource_key(key), *key)).get
        return Version(key, *row) if row else None

    async def read_many(self, keys: Sequence[Key]) -> dict[Key, Version]:
        asked = set(keys)
        rks = json_array([resource_key(key) for key in asked])
        found = (Version(Key(rtype, id_), *rest) for rtype, id_, *rest in self._execute(_READ_MANY, (rks,)))
        return {version.key: version for version in found if version.key in asked}

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
        with self._snapshot() as connection:
            asked = Asked(resource_type, resource_id, since, at, only, oldest_first)
            return history(connection, asked, count, after)

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
        queries = (query, *also) if also else (query,)
        if asks_for_words([clause for each in queries for clause in each.clauses]):
            self._looks = 0
            await self._catch_up.soon()
        with self._snapshot():
            page = search(self._reader, queries, count, after, before, total, estimate, include_limit)
        self._tally()
        return page

    async def members(self, value: HierarchyValue) -> ReferenceValue:
        with self._snapshot() as connection:
            return members(connection, value)

    def _tally(self) -> None:
        """Let the writer tally the keys that were counted just now, if any had very many rows."""
        if keys := self._reader.to_tally:
            self._reader.to_tally = set()
            tallied = self._writer.call(lambda connection, known, newly: tally.begin(connection, newly, keys))
            tallied.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # a full disk: then they are counted again

    async def explain(self, query: Query, *, also: Sequence[Query] = (), count: int) -> Sequence[Explanation]:
        with self._snapshot():
            return [explain(self._reader, each, count) for each in (query, *also)]

    async def included(self, keys: Sequence[Key], includes: Sequence[Include], limit: int) -> tuple[Version, ...]:
        with self._snapshot() as connection:
            rids = rids_of(connection, keys)
            types = {key.type for key in keys}
            return tuple(versions(connection, included(connection, rids, types, includes, limit)))

    async def referrers(self, key: Key, resource_types: Sequence[str], *, count: int, after: Cursor | None) -> Page:
        with self._snapshot() as connection:
            last = after[0] if after else -1
            asked = (resource_key(key), last, not resource_types, json_array(list(resource_types)), count + 1)
            rids = [rid for (rid,) in connection.execute(_REFERRERS, asked)]
            matches = tuple(versions(connection, rids[:count]))
            return Page(matches, next=(rids[count - 1],) if 0 < count < len(rids) else None)

    async def scan(self, resource_type: str | None) -> AsyncIterator[Version]:
        last: str | int = -1 if resource_type is None else ""
        while True:
            rows: list[tuple[Any, ...]] = (
                self._execute(_SCAN, (last, _SCANNED_AT_ONCE))
                if resource_type is None
                else self._execute(_SCAN_TYPE, (resource_type, last, _SCANNED_AT_ONCE))
            ).fetchall()
            for _, rtype, id_, *rest in rows:
                yield Version(Key(rtype, id_), *rest)
            if len(rows) < _SCANNED_AT_ONCE:
                return
            last = rows[-1][0]

    async def commit(self, changes: Sequence[Change], conditions: Sequence[Condition] = ()) -> list[Committed]:
        self._used += 1
        if len(changes) <= _BREATH and not any(map(_is_heavy, changes)):
            prepared = prepare(changes, conditions)
        else:
            prepared = await _prepared(changes, conditions)
        outcome = self._writer.submit(prepared)
        if self._watching and any(map(self._is_watched, changes)):
            # Who waits for the commit may give up; it goes on, and whoever watches must hear of it.
            outcome.add_done_callback(self._tell)
            return await asyncio.shield(outcome)
        return await outcome

    def watch(self, resource_type: str, told: Told) -> None:
        self._watching[resource_type] = told

    def _is_watched(self, change: Change) -> bool:
        return (change.resource["resourceType"] if isinstance(change, Put) else change.key.type) in self._watching

    def _tell(self, outcome: "asyncio.Future[list[Committed]]") -> None:
        if not outcome.cancelled() and outcome.exception() is None:
            for committed in outcome.result():
                if told := self._watching.get(committed.version.key.type):
                    told(committed.version)

    async def count(self, resource_type: str) -> int:
        return int(self._execute(_COUNT, (type_key(resource_type),)).get)

    async def standing(self, resource_type: str, *, after: str, count: int) -> Sequence[Version]:
        rows = self._execute(_SCAN_TYPE, (resource_type, after, count))
        return [Version(Key(rtype, id_), *rest) for _, rtype, id_, *rest in rows]

    async def reindex(self, rewrites: Sequence[Reindex]) -> int:
        self._used += 1
        is_heavy = any(each.entries.has_more(_HEAVY) for each in rewrites)
        prepared = await asyncio.to_thread(_indexed, rewrites) if is_heavy else _indexed(rewrites)
        return await self._writer.call(lambda connection, known, newly: rewrite(connection, known, newly, prepared))

    def commit_packed(self, changes: Sequence[bytes], conditions: Sequence[Condition]) -> "asyncio.Future[Any]":
        """Store changes that were prepared elsewhere (`packed.py`); the future ends when they are durable."""
        return self._writer.submit(PreparedCommit(tuple(map(unpack, changes)), tuple(conditions)))

    async def close(self) -> None:
        await self._catch_up.close()
        # The last to close copies the WAL into the file and removes it, which only the writer can.
        self._connection.close()
        await asyncio.get_running_loop().run_in_executor(None, self._writer.stop)
        self._lock.release()

    def _snapshot(self) -> "_Snapshot":
        self._used += 1
        self._looks = 0
        return _Snapshot(self._connection)

    def _too_long(self) -> bool:
        self._looks += 1
        return self._looks > _MOST_LOOKS


async def _prepared(changes: Sequence[Change], conditions: Sequence[Condition]) -> PreparedCommit:
    """Return a large commit made ready, while the loop goes on."""
    prepared: list[PreparedChange] = []
    for start in range(0, len(changes), _BREATH):
        some = changes[start : start + _BREATH]
        made = await asyncio.to_thread(prepare, some, ()) if any(map(_is_heavy, some)) else prepare(some, ())
        prepared += made.changes
        await asyncio.sleep(0)
    return PreparedCommit(tuple(prepared), tuple(conditions))


def _indexed(rewrites: Sequence[Reindex]) -> list[tuple[Reindex, Content]]:
    return list(map(indexed, rewrites))


def _is_heavy(change: Change) -> bool:
    """Whether a change takes so long to prepare that a thread has to do it."""
    return isinstance(change, Put) and change.entries.has_more(_HEAVY)
