"""Letting the index of words follow, when a search for words asks for it (`words.py`)."""

import asyncio

import apsw

from fhir_service.storage.sqlite.calls import CallingWriter
from fhir_service.storage.sqlite.words import behind, follow
from fhir_service.storage.too_costly import still_indexing

FEW = 50
"""As many resources are read by the search itself."""

SCANNED = 2_000
"""More than these are left to the index; a search does not wait longer than PATIENCE for it."""

PATIENCE = 10.0  # seconds
_SHOWN = 100_000


class CatchUp:
    """Keeps one task that indexes until nothing is left; it belongs to one event loop."""

    def __init__(self, reading: apsw.Connection, writer: CallingWriter) -> None:
        self._reading = reading
        self._writer = writer
        self._task: asyncio.Task[None] | None = None

    async def soon(self) -> None:
        """Return when so little is left that a search can read it; 503 if that takes too long."""
        if behind(self._reading, FEW) < FEW:
            return
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        await asyncio.wait((self._task,), timeout=PATIENCE)
        if self._task.done():
            self._task.result()
        if behind(self._reading, SCANNED) >= SCANNED:
            left = behind(self._reading, _SHOWN)
            raise still_indexing(f"{left}{'+' if left == _SHOWN else ''}")

    async def close(self) -> None:
        """Stop; what is not indexed yet is done another time."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _follow(self) -> None:
        while await self._writer.call(lambda connection, known, newly: follow(connection)):
            pass
