"""Every backend of the store, empty, at a clock that goes on only when a test says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fhir_service.storage.memory import MemoryStore
from fhir_service.storage.sqlite import SqliteStore
from fhir_service.storage.store import Store

from .made import Dates, HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def sqlite_store(tmp_path: Path, clock: HandClock) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "store.db", clock, Dates())
    yield store
    await store.close()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> AsyncIterator[Store]:
    """The suite runs once with each backend."""
    made: Store = (
        MemoryStore(clock, Dates())
        if request.param == "memory"
        else SqliteStore.open(tmp_path / "store.db", clock, Dates())
    )
    yield made
    await made.close()
