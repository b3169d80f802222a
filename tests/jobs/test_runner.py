"""Jobs run, are cancelled, taken up again and forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.jobs.runner import AT_ONCE, Jobs, Progress
from fhir_service.storage.job_table import Job
from fhir_service.storage.memory_jobs import MemoryJobs

KEEP = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


class Counting:
    """Counts to what is asked, as often as it is let go on."""

    def __init__(self, *, resumes: bool = True) -> None:
        self.go_on = asyncio.Event()
        self.at_work = 0
        self.most_at_work = 0
        self._resumes = resumes

    def resumes(self, job: Job) -> bool:
        return self._resumes

    async def run(self, progress: Progress) -> bytes:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await progress.save(1, 2, b"half")
        await self.go_on.wait()
        self.at_work -= 1
        if progress.job.asked == b"fail":
            raise FhirError(Issue("value", "だめ", "No"))
        if progress.job.asked == b"break":
            raise RuntimeError
        return b"done from " + progress.job.state

    def failed(self, error: FhirError) -> bytes:
        return f"{error.status}".encode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table() -> MemoryJobs:
    return MemoryJobs()


def jobs_of(table: MemoryJobs, clock: Clock, work: Counting) -> Jobs:
    jobs = Jobs(table, clock, KEEP)
    jobs.register("count", work)
    return jobs


async def test_a_job_shows_how_far_it_is_and_then_its_result(table: MemoryJobs, clock: Clock) -> None:
    work = Counting()
    jobs = jobs_of(table, clock, work)

    begun = await jobs.begin("count", b"2")
    await asyncio.sleep(0.01)
    half = await jobs.find(begun.id)
    work.go_on.set()
    await jobs.wait(begun.id)
    done = await jobs.find(begun.id)

    assert half is not None and (half.status, half.done, half.total) == ("working", 1, 2)
    assert done is not None and (done.status, done.result) == ("completed", b"done from half")
    assert done.asked == b"null"


@pytest.mark.parametrize(("asked", "result"), [(b"fail", b"400"), (b"break", b"500")])
async def test_a_job_that_fails_says_so(table: MemoryJobs, clock: Clock, asked: bytes, result: bytes) -> None:
    work = Counting()
    jobs = jobs_of(table, clock, work)
    work.go_on.set()

    begun = await jobs.begin("count", asked)
    await jobs.wait(begun.id)

    done = await jobs.find(begun.id)
    assert done is not None and (done.status, done.result) == ("failed", result)


async def test_a_result_is_kept_for_its_time_and_no_longer(table: MemoryJobs, clock: Clock) -> None:
    work = Counting()
    jobs = jobs_of(table, clock, work)
    work.go_on.set()
    old = await jobs.begin("count", b"2")
    await jobs.wait(old.id)

    clock.time += KEEP
    assert await jobs.find(old.id) is not None
    clock.time += timedelta(seconds=1)

    assert await jobs.find(old.id) is None
    new = await jobs.begin("count", b"2")
    assert [job.id for job in await table.all()] == [new.id]


async def test_a_cancelled_job_stops_and_is_gone(table: MemoryJobs, clock: Clock) -> None:
    jobs = jobs_of(table, clock, Counting())
    begun = await jobs.begin("count", b"2")
    await asyncio.sleep(0.01)

    await jobs.cancel(begun.id)

    assert await jobs.find(begun.id) is None
    assert jobs.working("count") == []


async def test_what_was_broken_off_is_taken_up_where_it_was(table: MemoryJobs, clock: Clock) -> None:
    before = jobs_of(table, clock, Counting())
    begun = await before.begin("count", b"2")
    await asyncio.sleep(0.01)
    await before.close()

    work = Counting()
    after = jobs_of(table, clock, work)
    work.go_on.set()
    await after.start()
    await after.wait(begun.id)

    done = await after.find(begun.id)
    assert done is not None and done.result == b"done from half"


async def test_what_cannot_be_taken_up_has_failed(table: MemoryJobs, clock: Clock) -> None:
    before = jobs_of(table, clock, Counting())
    begun = await before.begin("count", b"2")
    await asyncio.sleep(0.01)
    await before.close()

    after = jobs_of(table, clock, Counting(resumes=False))
    await after.start()

    done = await after.find(begun.id)
    assert done is not None and (done.status, done.result) == ("failed", b"500")


async def test_some_jobs_go_on_at_once_and_the_others_wait(table: MemoryJobs, clock: Clock) -> None:
    work = Counting()
    jobs = jobs_of(table, clock, work)

    begun = [await jobs.begin("count", b"2") for _ in range(3 * AT_ONCE)]
    await asyncio.sleep(0.01)
    work.go_on.set()
    for job in begun:
        await jobs.wait(job.id)

    assert work.most_at_work == AT_ONCE
    assert {job.status for job in await table.all()} == {"completed"}
