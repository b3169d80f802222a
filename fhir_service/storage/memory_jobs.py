"""The jobs of the store in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fhir_service.storage.job_table import Job


class MemoryJobs:
    """See `JobTable`."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._marks: dict[str, bytes] = {}

    async def save(self, job: Job) -> None:
        self._jobs[job.id] = job

    async def find(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    async def all(self) -> Sequence[Job]:
        return [replace(job, result=b"") for job in sorted(self._jobs.values(), key=lambda job: job.created)]

    async def drop(self, job_ids: Sequence[str]) -> None:
        for job_id in job_ids:
            self._jobs.pop(job_id, None)

    async def marks(self) -> Mapping[str, bytes]:
        return dict(self._marks)

    async def mark(self, marks: Mapping[str, bytes]) -> None:
        self._marks |= marks
