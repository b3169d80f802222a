"""The processes that prepare. They are forked where that is safe, and then begin with all that this one has opened.

A fork copies only the thread that asks for it: the pool has to be started before there is any other.
https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context

from fhir_service.cli.loading.preparing import Prepared, Refused, prepare_chunk, preparer
from fhir_service.cli.loading.sources import Chunk, Unreadable
from fhir_service.cli.tuning import tune
from fhir_service.settings import Settings

AHEAD = 8  # chunks for each process, waiting or prepared, so that none is idle and memory has a bound

_FORK = sys.platform == "linux"  # elsewhere the libraries of the system may not outlive a fork


class Preparation:
    """Chunks in their order with what has become of each; the first of them are given out before any is asked for."""

    def __init__(
        self, chunks: Iterable[Chunk | Unreadable], prepare: Callable[[Chunk], Future[list[Prepared]]], ahead: int
    ) -> None:
        self.began = time.perf_counter()
        self._chunks = iter(chunks)
        self._prepare = prepare
        self._ahead = ahead
        self._under_way: deque[tuple[int, Future[list[Prepared]]]] = deque()
        self._give_out()

    def _give_out(self) -> None:
        while len(self._under_way) <= self._ahead and (chunk := next(self._chunks, None)) is not None:
            if isinstance(chunk, Unreadable):
                self._under_way.append((0, _done([Refused(chunk.place, "unreadable", chunk.reason)])))
            else:
                self._under_way.append((chunk.size, self._prepare(chunk)))

    async def __aiter__(self) -> AsyncIterator[tuple[int, list[Prepared]]]:
        while self._under_way:
            size, first = self._under_way.popleft()
            self._give_out()
            yield size, await asyncio.wrap_future(first)


@contextmanager
def preparation(chunks: Iterable[Chunk | Unreadable], workers: int, settings: Settings) -> Iterator[Preparation]:
    """Begin to prepare chunks in so many processes; with 0 in this one, each before it is asked for."""
    given = (settings.packages, settings.bases[0], settings.policy_file)
    prepare = partial(prepare_chunk, *given)
    if not workers:
        yield Preparation(chunks, lambda chunk: _done(prepare(chunk)), 0)
        return
    if _FORK:
        preparer(*given)
    with ProcessPoolExecutor(workers, get_context("fork" if _FORK else "spawn"), initializer=tune) as pool:
        pool.submit(tune)  # a pool forks with its first task
        yield Preparation(chunks, partial(pool.submit, prepare), AHEAD * workers)


def _done(prepared: list[Prepared]) -> Future[list[Prepared]]:
    future: Future[list[Prepared]] = Future()
    future.set_result(prepared)
    return future
