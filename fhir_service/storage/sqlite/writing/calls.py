"""Work for the writer's thread that is no commit of resources: the jobs' records, and indexes written anew.

It has its turn among the commits, in a transaction of its own, so that there is one writer only.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import apsw

from fhir_service.storage.sqlite.writing.bulk import Known
from fhir_service.storage.sqlite.writing.prepared import PreparedCommit
from fhir_service.storage.sqlite.writing.writer import Outcome, Waiting, Writer

T = TypeVar("T")
Work = Callable[[apsw.Connection, Known, Known], T]
"""Takes the connection, the names that are `Known` to stand, and where to add those that it writes."""


class _Call(NamedTuple):
    """Looks like a commit without changes to whoever gathers a batch."""

    work: Work[Any]
    changes: tuple[()] = ()
    conditions: tuple[()] = ()


class CallingWriter(Writer):
    """The writer, which can be called for other work."""

    def call(self, work: Work[T]) -> "asyncio.Future[T]":
        """Return the future result of work that is done in a transaction of its own."""
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put(Waiting(cast("PreparedCommit", _Call(work)), outcome))
        return outcome

    def _write(self, batch: Sequence[Waiting]) -> list[Outcome]:
        if not any(isinstance(waiting.commit, _Call) for waiting in batch):
            return super()._write(batch)
        commits = [waiting for waiting in batch if not isinstance(waiting.commit, _Call)]
        outcomes = iter(super()._write(commits) if commits else [])
        return [
            self._worked(waiting.commit.work) if isinstance(waiting.commit, _Call) else next(outcomes)
            for waiting in batch
        ]

    def _worked(self, work: Work[Any]) -> Any:
        newly = Known()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._connection, self._known, newly)
            self._connection.execute("COMMIT")
        except Exception as error:  # whoever waits must be told, and the thread goes on
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return error
        self._known.add(newly)
        return result
