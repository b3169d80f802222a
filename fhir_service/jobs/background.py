"""All that goes on behind the requests, wired and started together."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from fhir_service.interactions.services import Operation, Services
from fhir_service.jobs.front import Front, UnderWay
from fhir_service.jobs.indexing import TYPE, ParameterIndex
from fhir_service.jobs.operations import operations
from fhir_service.jobs.reindex import KIND, Reindexing
from fhir_service.jobs.runner import Jobs


class Background:
    """`services` are those given, with a dispatch that knows of jobs; `keep` is how long a result can be fetched."""

    def __init__(self, services: Services, keep: timedelta) -> None:
        self.jobs = Jobs(services.store.jobs, services.now, keep)
        self._index = ParameterIndex(services.store, services.indexer, self.jobs)
        under_way = UnderWay()
        front = Front(services.dispatch, self.jobs, under_way)
        self.jobs.register(KIND, Reindexing(services.store, services.indexer, under_way, self._index))
        self.services = replace(
            services,
            dispatch=front,
            operations=_with(services.operations, operations(self.jobs, self._index)),
            rules={**services.rules, TYPE: (*services.rules.get(TYPE, ()), self._index.rule)},
        )
        front.serve(self.services)

    async def start(self) -> None:
        """Take up the work that was broken off, before the first request."""
        await self._index.load()
        await self.jobs.start()
        await self._index.start()

    async def close(self) -> None:
        """Stop the work; it is taken up at the next start."""
        await self._index.close()
        await self.jobs.close()


def _with(known: Mapping[str, tuple[Operation, ...]], more: Iterable[Operation]) -> dict[str, tuple[Operation, ...]]:
    return {**known, **{each.name: (*known.get(each.name, ()), each) for each in more}}
