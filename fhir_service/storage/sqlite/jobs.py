"""The jobs of the store in SQLite."""

from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from fhir_service.storage.job_table import Job
from fhir_service.storage.sqlite.writing.calls import CallingWriter

_COLUMNS = "id, kind, asked, status, created, changed, done, total, state"
_SAVE = f"INSERT OR REPLACE INTO job ({_COLUMNS}, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FIND = f"SELECT {_COLUMNS}, result FROM job WHERE id = ?"
_ALL = f"SELECT {_COLUMNS} FROM job ORDER BY created, id"
_DROP = "DELETE FROM job WHERE id = ?"
_MARK = "INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)"


class SqliteJobs:
    """See `JobTable`."""

    def __init__(self, reading: apsw.Connection, writer: CallingWriter) -> None:
        self._reading = reading
        self._writer = writer

    async def save(self, job: Job) -> None:
        columns = (
            job.id, job.kind, job.asked, job.status, job.created, job.changed, job.done, job.total, job.state,
            job.result,
        )  # fmt: skip
        await self._many(_SAVE, [columns])

    async def find(self, job_id: str) -> Job | None:
        row = self._reading.execute(_FIND, (job_id,)).get
        return Job(*row) if row else None

    async def all(self) -> Sequence[Job]:
        return [Job(*row) for row in self._reading.execute(_ALL)]

    async def drop(self, job_ids: Sequence[str]) -> None:
        if job_ids:
            await self._many(_DROP, [(job_id,) for job_id in job_ids])

    async def marks(self) -> Mapping[str, bytes]:
        rows: list[tuple[Any, ...]] = self._reading.execute("SELECT name, value FROM mark").fetchall()
        return dict(rows)

    async def mark(self, marks: Mapping[str, bytes]) -> None:
        await self._many(_MARK, list(marks.items()))

    async def _many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        await self._writer.call(lambda connection, known, newly: connection.executemany(statement, rows).fetchall())
