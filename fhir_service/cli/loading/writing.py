"""Storing what was prepared: nothing is stored before all that it refers to is there, in whatever order it comes.

A resource whose references are not all known yet waits, in a temporary file; it is stored when the last of them is.
Those that refer to each other in circles are looked for from time to time, and stored in one commit. What still waits
at the end refers to what is nowhere, and is refused.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

from fhir_service.cli.loading.preparing import Ready, Refused
from fhir_service.cli.loading.sources import Place
from fhir_service.fhir.resource import Key
from fhir_service.storage.sqlite.store import SqliteStore
from fhir_service.storage.store import Exists

# Many keys share each page that is written: a long load with commits of 2,000 is a third slower. A short one would do
# nothing but write at its end.
FIRST_COMMIT = 2_000
COMMIT_CHANGES = 10_000
COMMITS_UNDER_WAY = 2
WAITING = 2000  # more have come to wait: time to look for circles


@dataclass(slots=True)
class _Held:
    """A resource that waits: where its bytes are in the temporary file, and what it still waits for."""

    place: Place
    key: str
    missing: set[str]
    start: int
    length: int


class Writing:
    """A load under way. `stored` counts the resources by type."""

    def __init__(self, store: SqliteStore, *, referential_integrity: bool) -> None:
        self.stored: Counter[str] = Counter()
        self._store = store
        self._integrity = referential_integrity
        self._known: set[str] = set()  # stored by this load
        self._before: set[str] = set()  # there before it
        self._absent: set[str] = set()
        self._waiting: dict[str, list[_Held]] = {}
        self._spool = TemporaryFile()  # noqa: SIM115 - it lives as long as the load
        self._spooled = 0
        self._holding = 0
        self._looked_at = 0
        self._gathered: list[bytes] = []
        self._enough = FIRST_COMMIT
        self._relied_on: set[str] = set()
        self._commits: deque[asyncio.Future[Any]] = deque()

    async def add(self, arrived: Sequence[Ready]) -> None:
        """Store what can be stored, and all that waited for it; keep the rest."""
        await self._look_up({key for each in arrived for key in each.references})
        ready, held = self._parted(arrived)
        await self._commit(ready)
        for each in held:
            self._hold(each)
        await self._release([each.key for each in ready])
        if self._holding - self._looked_at >= max(WAITING, self._looked_at):
            await self._close_circles()

    async def settle(self) -> None:
        """Wait until everything that was given is durable."""
        await self._flush()
        while self._commits:
            await self._commits.popleft()

    async def finish(self) -> list[Refused]:
        """End the load; return what refers to what is nowhere."""
        await self._close_circles()
        await self.settle()
        held = {id(each): each for waiting in self._waiting.values() for each in waiting}
        coming = {each.key for each in held.values()}
        return [_unresolved(each, coming) for each in held.values()]

    async def _close_circles(self) -> None:
        """Store those that wait only for each other."""
        held = {id(each): each for waiting in self._waiting.values() for each in waiting}
        coming = Counter(each.key for each in held.values())
        lacking = deque(each for each in held.values() if not each.missing <= coming.keys())
        while lacking:
            each = lacking.popleft()
            if held.pop(id(each), None) is None:
                continue
            coming[each.key] -= 1
            if not coming[each.key]:
                lacking.extend(self._waiting.get(each.key, ()))

        await self._commit([self._read(each) for each in held.values()])
        for each in held.values():
            for other in self._waiting.pop(each.key, ()):
                other.missing.discard(each.key)
        self._holding -= len(held)
        self._looked_at = self._holding

    async def _look_up(self, keys: set[str]) -> None:
        """Learn which of these were there before the load."""
        unknown = list(keys - self._known - self._before - self._absent)
        if unknown:
            there = {str(key) for key in await self._store.read_many([Key(*key.split("/")) for key in unknown])}
            self._before |= there
            self._absent |= set(unknown) - there

    def _is_there(self, key: str) -> bool:
        return not self._integrity or key in self._known or key in self._before

    def _parted(self, arrived: Sequence[Ready]) -> tuple[list[Ready], list[Ready]]:
        """Part what refers only to what is there or comes now from what has to wait."""
        ready = list(arrived)
        while True:
            now = {each.key for each in ready}
            kept = [each for each in ready if all(key in now or self._is_there(key) for key in each.references)]
            if len(kept) == len(ready):
                chosen = {id(each) for each in ready}
                return ready, [each for each in arrived if id(each) not in chosen]
            ready = kept

    async def _commit(self, ready: Iterable[Ready]) -> None:
        """Store these, in one commit: they may refer to each other."""
        for each in ready:
            self._gathered.append(each.packed)
            self._relied_on.update(self._before.intersection(each.references))
            self._known.add(each.key)
            self.stored[each.key.partition("/")[0]] += 1
        if len(self._gathered) >= self._enough:
            self._enough = min(2 * self._enough, COMMIT_CHANGES)
            await self._flush()

    async def _flush(self) -> None:
        """Give what was gathered to the writer; wait if it has enough to do."""
        if not self._gathered:
            return
        conditions = (
            [Exists(frozenset(Key(*key.split("/")) for key in self._relied_on))]
            if self._integrity and self._relied_on
            else []
        )
        self._commits.append(self._store.commit_packed(self._gathered, conditions))
        self._gathered, self._relied_on = [], set()
        if len(self._commits) > COMMITS_UNDER_WAY:
            await self._commits.popleft()

    def _hold(self, each: Ready) -> None:
        missing = {key for key in each.references if not self._is_there(key)}
        held = _Held(each.place, each.key, missing, self._spooled, len(each.packed))
        self._spool.seek(self._spooled)
        self._spool.write(each.packed)
        self._spooled += len(each.packed)
        for key in missing:
            self._waiting.setdefault(key, []).append(held)
        self._holding += 1

    def _read(self, held: _Held) -> Ready:
        self._spool.seek(held.start)
        return Ready(held.place, held.key, (), self._spool.read(held.length))

    async def _release(self, keys: Iterable[str]) -> None:
        """Store what waited for the last of these, and what waited for that in turn."""
        arrived = deque(keys)
        while arrived:
            freed: list[_Held] = []
            while arrived:
                key = arrived.popleft()
                for held in self._waiting.pop(key, ()):
                    held.missing.discard(key)
                    if not held.missing:
                        freed.append(held)
            await self._commit([self._read(held) for held in freed])
            self._holding -= len(freed)
            arrived.extend(held.key for held in freed)


def _unresolved(held: _Held, coming: set[str]) -> Refused:
    nowhere = sorted(held.missing - coming) or sorted(held.missing)
    kinds = ", ".join(sorted({key.partition("/")[0] for key in nowhere}))
    shown = ", ".join(nowhere[:3]) + (" …" if len(nowhere) > 3 else "")
    return Refused(held.place, "unresolved", f"{held.key.partition('/')[0]} → {kinds}", f"{held.key} → {shown}")
