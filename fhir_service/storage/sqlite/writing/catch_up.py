"""Letting the index of words follow (`words.py`): while nobody asks for anything, and when a search for words does."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import apsw

from fhir_service.storage.sqlite.words import behind, bytes_behind, follow
from fhir_service.storage.sqlite.writing.calls import CallingWriter
from fhir_service.storage.too_costly import still_indexing

FEW = 50
"""As many resources are read by the search itself."""

LITTLE = 500_000  # bytes
"""They have no more than this: words are read as quickly as a megabyte or two in a second."""

SCANNED = 2_000
"""More than these are left to the index; a search does not wait longer than PATIENCE for it."""

PATIENCE = 10.0  # seconds
RESTED = 1.0
"""Seconds without a request after which indexing goes on by itself."""

_SHOWN = 100_000


class CatchUp:
    """Keeps the tasks that index; it belongs to one event loop. `used` counts what was asked of the store."""

    def __init__(self, reading: apsw.Connection, writer: CallingWriter, used: Callable[[], int]) -> None:
        self._reading = reading
        self._writer = writer
        self._used = used
        self._done = 0
        self._task: asyncio.Task[None] | None = None
        self._resting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Index from now on whenever nothing else is to be done."""
        self._resting = asyncio.create_task(self._follow_at_rest())

    async def soon(self) -> None:
        """Return when so little is left that a search can read it; 503 if that takes too long."""
        if behind(self._reading, FEW) < FEW and bytes_behind(self._reading, FEW) < LITTLE:
            return
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        done, begun = self._done, time.monotonic()
        await asyncio.wait((self._task,), timeout=PATIENCE)
        if self._task.done():
            self._task.result()
        if behind(self._reading, SCANNED) >= SCANNED:
            left = behind(self._reading, _SHOWN)
            each = (time.monotonic() - begun) / max(self._done - done, 1)
            raise still_indexing(f"{left}{'+' if left == _SHOWN else ''}", round(left * each) + 1)

    async def close(self) -> None:
        """Stop; what is not indexed yet is done another time."""
        for task in filter(None, (self._task, self._resting)):
            task.cancel()
            await asyncio.wait((task,))

    async def _follow(self) -> None:
        while await self._step():
            pass

    async def _follow_at_rest(self) -> None:
        reached = -1
        while True:
            used = self._used()
            await asyncio.sleep(RESTED)
            with suppress(apsw.Error):  # a full disk, perhaps: a search for words will say so
                while reached < used == self._used():
                    if not await self._step():
                        reached = used

    async def _step(self) -> int:
        done = await self._writer.call(lambda connection, known, newly: follow(connection))
        self._done += done
        return done
