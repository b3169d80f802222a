"""Runs jobs in the event loop, keeps their records, and takes up at a start what a kill broke off.

https://hl7.org/fhir/R4/async.html
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.storage.identity import microseconds
from fhir_service.storage.job_table import Job, JobTable, Status

AT_ONCE = 4
"""Jobs that really go on; the others wait for their turn."""

ID_BYTES = 24  # of chance: whoever knows the address of a job may see its result

_log = logging.getLogger("fhir_service")


class Progress:
    """What a work tells of itself; `job` is its record, as it stands."""

    def __init__(self, job: Job, table: JobTable, now: Callable[[], datetime]) -> None:
        self.job = job
        self._table = table
        self._now = now

    def tell(self, done: int, total: int) -> None:
        """Show how far the work has come; nothing is written."""
        self.job = replace(self.job, done=done, total=total, changed=microseconds(self._now()))

    async def save(self, done: int, total: int, state: bytes) -> None:
        """Keep how far it has come, so that it goes on from there after a kill."""
        self.tell(done, total)
        self.job = replace(self.job, state=state)
        await self._table.save(self.job)


class Work(Protocol):
    """One kind of job: what is done, and whether it is begun again after a kill."""

    def resumes(self, job: Job) -> bool: ...

    async def run(self, progress: Progress) -> bytes:
        """Do it; return the result (JSON)."""
        ...

    def failed(self, error: FhirError) -> bytes:
        """Return the result (JSON) of a job that ended with an error."""
        ...


class Jobs:
    """The jobs of one server. `keep` is how long the result of one can be fetched."""

    def __init__(self, table: JobTable, now: Callable[[], datetime], keep: timedelta) -> None:
        self._table = table
        self._now = now
        self._keep = keep // timedelta(microseconds=1)
        self._works: dict[str, Work] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._live: dict[str, Progress] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    def register(self, kind: str, work: Work) -> None:
        """Say how jobs of a kind are done."""
        self._works[kind] = work

    async def start(self) -> None:
        """Take up what was broken off; what cannot be begun again has failed."""
        await self._drop_old()
        for job in await self._table.all():
            if job.status != "working":
                continue
            work = self._works.get(job.kind)
            if work is not None and work.resumes(job):
                self._run(job, work)
            else:
                await self._end(job, "failed", work.failed(interrupted()) if work else b"null")

    async def begin(self, kind: str, asked: bytes, run: Callable[[Progress], Awaitable[bytes]] | None = None) -> Job:
        """Record a job and start it; `run` instead of the kind's own way where that needs what is not recorded."""
        await self._drop_old()
        now = microseconds(self._now())
        job = Job(secrets.token_urlsafe(ID_BYTES), kind, asked, "working", now, now)
        await self._table.save(job)
        self._run(job, self._works[kind], run)
        return job

    async def find(self, job_id: str) -> Job | None:
        """Return the job as it is now; None if there is none (any more)."""
        if job_id in self._live:
            return self._live[job_id].job
        job = await self._table.find(job_id)
        return None if job is None or self.expires(job) < microseconds(self._now()) else job

    def now_seconds(self) -> float:
        """Return the time as seconds since 1970."""
        return self._now().timestamp()

    def expires(self, job: Job) -> int:
        """Return until when (microseconds) the result of a job that is done can be fetched."""
        return job.changed + self._keep

    def working(self, kind: str) -> Sequence[Job]:
        """Return the jobs of a kind that are not done."""
        return [progress.job for progress in self._live.values() if progress.job.kind == kind]

    async def cancel(self, job_id: str) -> None:
        """End a job and forget it; what it has committed stays."""
        if task := self._tasks.get(job_id):
            task.cancel()
            await asyncio.wait((task,))
        await self._table.drop((job_id,))

    async def wait(self, job_id: str) -> None:
        """Wait until a job has ended."""
        if task := self._tasks.get(job_id):
            await asyncio.wait((task,))

    async def close(self) -> None:
        """Stop all; the records stay as they are, so that the next start takes the jobs up."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _run(self, job: Job, work: Work, run: Callable[[Progress], Awaitable[bytes]] | None = None) -> None:
        progress = self._live[job.id] = Progress(job, self._table, self._now)
        task = self._tasks[job.id] = asyncio.create_task(self._done(progress, work, run or work.run))

        def gone(_: object) -> None:
            self._tasks.pop(job.id, None)
            self._live.pop(job.id, None)

        task.add_done_callback(gone)

    async def _done(self, progress: Progress, work: Work, run: Callable[[Progress], Awaitable[bytes]]) -> None:
        async with self._turns:
            try:
                result = await run(progress)
            except FhirError as error:
                await self._end(progress.job, "failed", work.failed(error))
            except Exception as error:  # a defect of ours: whoever waits must be told
                _log.error("job %s failed", progress.job.kind, exc_info=error)
                await self._end(progress.job, "failed", work.failed(_unexpected()))
            else:
                await self._end(progress.job, "completed", result)

    async def _end(self, job: Job, status: Status, result: bytes) -> None:
        ended = replace(job, status=status, result=result, changed=microseconds(self._now()), asked=b"null", state=b"")
        await self._table.save(ended)

    async def _drop_old(self) -> None:
        now = microseconds(self._now())
        jobs = await self._table.all()
        await self._table.drop([job.id for job in jobs if job.status != "working" and self.expires(job) < now])


def interrupted() -> FhirError:
    """Return the error of a request that the end of the server broke off."""
    return fhir_error(
        "incomplete",
        "処理の途中でサーバーが終了しました。書き込みが終わったかどうかを確かめてから、必要ならやり直してください。",
        "The server ended while it worked on this; see whether what was to be written is there before you retry.",
        status=500,
    )


def _unexpected() -> FhirError:
    return FhirError(
        Issue(
            "exception",
            "サーバー内部でエラーが起きました。記録しましたので、管理者に時刻をお知らせください。",
            "Something went wrong inside the server; it has been logged, please tell the administrator the time.",
            severity="fatal",
        )
    )
