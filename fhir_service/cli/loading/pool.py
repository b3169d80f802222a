"""The processes that prepare. They are forked where that is safe, and then begin with all that this one has opened.

A fork copies only the thread that asks for it: the pool has to be started before there is any other.
https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context

from fhir_service.cli.loading.preparing import Prepared, prepare_chunk, preparer
from fhir_service.cli.loading.sources import Chunk
from fhir_service.cli.tuning import tune
from fhir_service.settings import Settings

Prepare = Callable[[Chunk], Future[list[Prepared]]]

_FORK = sys.platform == "linux"  # elsewhere the libraries of the system may not outlive a fork


@contextmanager
def preparing(workers: int, settings: Settings) -> Iterator[Prepare]:
    """Give what prepares a chunk in one of so many processes; with 0, here and at once."""
    given = (settings.packages, settings.bases[0], settings.policy_file)
    prepare = partial(prepare_chunk, *given)
    if not workers:
        yield lambda chunk: _done(prepare(chunk))
        return
    if _FORK:
        preparer(*given)
    with ProcessPoolExecutor(workers, get_context("fork" if _FORK else "spawn"), initializer=tune) as pool:
        pool.submit(tune)  # a pool forks with its first task
        yield partial(pool.submit, prepare)


def _done(prepared: list[Prepared]) -> Future[list[Prepared]]:
    future: Future[list[Prepared]] = Future()
    future.set_result(prepared)
    return future
