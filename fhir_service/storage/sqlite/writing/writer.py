"""The one writer: a thread that takes all commits that wait, makes one durable transaction of them, and answers all.

There is no timer: while a transaction is made durable, the next batch gathers.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

import apsw

from fhir_service.storage.identity import IdSequence, microseconds
from fhir_service.storage.sqlite.context import Reader
from fhir_service.storage.sqlite.writing.batch import Batch
from fhir_service.storage.sqlite.writing.bulk import Known
from fhir_service.storage.sqlite.writing.prepared import PreparedCommit
from fhir_service.storage.store import Clock, Committed, ConditionFailed, PrimaryDates

IDLE = 0.2
"""Seconds without a commit after which the log is copied into the file, where reads are faster."""

MOST_CHANGES = 1000  # in one batch, so that the first of them does not wait too long


class Waiting(NamedTuple):
    """A commit and where its outcome goes."""

    commit: PreparedCommit
    outcome: "asyncio.Future[list[Committed]]"


Outcome = list[Committed] | Exception


class Writer:
    """Owns the connection that writes. `submit` is called in one event loop."""

    def __init__(self, connection: apsw.Connection, clock: Clock, dates: PrimaryDates) -> None:
        self._connection = connection
        self._clock = clock
        self._reader = Reader(connection, dates)
        newest, last = connection.execute("SELECT (SELECT max(upd) FROM res), (SELECT max(rid) FROM res)").get
        self._updated: int = newest or 0
        self._sequence = IdSequence(clock, last or 0)
        self._transactions = IdSequence(clock)
        shapes, tallied = ((k for (k,) in connection.execute(f"SELECT k FROM {name}")) for name in ("shape", "tally"))
        self._known = Known(shapes, tallied)
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, commit: PreparedCommit) -> "asyncio.Future[list[Committed]]":
        """Return the future outcome of a commit."""
        outcome: asyncio.Future[list[Committed]] = asyncio.get_running_loop().create_future()
        self._queue.put(Waiting(commit, outcome))
        return outcome

    def stop(self) -> None:
        """Finish what was submitted and end the thread; the connection is closed."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._next()) is not None:
            batch, ended = self._gather(first)
            _answer(batch, self._write(batch))
            if ended:
                break
        self._connection.close()

    def _next(self) -> Waiting | None:
        """Return the next commit, or None at the end; meanwhile empty the log once."""
        try:
            return self._queue.get(timeout=IDLE)
        except Empty:
            with suppress(apsw.Error):  # it stays as long as it is, then
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return self._queue.get()

    def _gather(self, first: Waiting) -> tuple[list[Waiting], bool]:
        """Return the commits that wait, and whether the end of all was among them."""
        batch = [first]
        changes = len(first.commit.changes)
        while changes < MOST_CHANGES:
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                break
            if waiting is None:
                return batch, True
            batch.append(waiting)
            changes += len(waiting.commit.changes)
        return batch, False

    def _write(self, batch: Sequence[Waiting]) -> list[Outcome]:
        commits = [waiting.commit for waiting in batch]
        try:
            return self._transaction(commits)
        except Exception as error:  # whatever it is, whoever waits must be told, and the thread goes on
            if len(commits) == 1:
                return [error]
        return [outcome for waiting in batch for outcome in self._write([waiting])]  # who fails, fails alone

    def _transaction(self, commits: Sequence[PreparedCommit]) -> list[Outcome]:
        """Return the outcome of each commit once all are durable; after an error nothing of them is there."""
        updated = max(self._updated, microseconds(self._clock()) // 1000 * 1000)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            batch = Batch(self._reader, self._sequence, self._transactions, updated, self._known)
            batch.look_up(commits)
            outcomes = [_decided(batch, commit) for commit in commits]
            batch.write()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._updated = updated
        self._known.add(batch.newly_known)
        return outcomes


def _decided(batch: Batch, commit: PreparedCommit) -> Outcome:
    try:
        return batch.decide(commit)
    except ConditionFailed as failed:
        return failed


def _answer(batch: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
    loop = batch[0].outcome.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(_resolve, batch, outcomes)


def _resolve(batch: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.outcome.done():  # whoever waited has gone
            continue
        if isinstance(outcome, Exception):
            waiting.outcome.set_exception(outcome)
        else:
            waiting.outcome.set_result(outcome)
