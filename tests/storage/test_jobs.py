"""What the store keeps of long work."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fhir_service.storage.job_table import Job
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.store import Store

from .made import Dates, HandClock

JOB = Job("j1", "reindex", b'{"types":["Patient"]}', "working", created=1, changed=2)


async def test_a_job_is_there_as_it_was_last_saved(store: Store) -> None:
    later = replace(JOB, status="completed", done=3, total=3, state=b"{}", result=b'{"found":3}', changed=9)

    await store.jobs.save(JOB)
    await store.jobs.save(later)

    assert await store.jobs.find("j1") == later
    assert await store.jobs.find("j2") is None


async def test_all_jobs_are_told_oldest_first_without_their_results(store: Store) -> None:
    await store.jobs.save(replace(JOB, id="j2", created=5, result=b"long"))
    await store.jobs.save(JOB)

    assert await store.jobs.all() == [JOB, replace(JOB, id="j2", created=5)]


async def test_a_dropped_job_is_gone(store: Store) -> None:
    await store.jobs.save(JOB)

    await store.jobs.drop(["j1", "none"])
    await store.jobs.drop([])

    assert await store.jobs.find("j1") is None


async def test_a_mark_is_what_was_last_said(store: Store) -> None:
    await store.jobs.mark({"a": b"1", "b": b"2"})
    await store.jobs.mark({"a": b"3"})

    assert await store.jobs.marks() == {"a": b"3", "b": b"2"}


@pytest.fixture
async def reopened(tmp_path: Path, clock: HandClock) -> AsyncIterator[SqliteStore]:
    before = SqliteStore.open(tmp_path / "again.db", clock, Dates())
    await before.jobs.save(JOB)
    await before.jobs.mark({"a": b"1"})
    await before.close()
    store = SqliteStore.open(tmp_path / "again.db", clock, Dates())
    yield store
    await store.close()


async def test_jobs_and_marks_outlive_a_restart(reopened: SqliteStore) -> None:
    assert await reopened.jobs.all() == [JOB]
    assert await reopened.jobs.marks() == {"a": b"1"}
