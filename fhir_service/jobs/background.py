"""All that goes on behind the requests, wired and started together."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec

from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.resource import Resource
from fhir_service.interactions.services import Operation, Services
from fhir_service.jobs.front import Front, UnderWay
from fhir_service.jobs.indexing import TYPE, ParameterIndex
from fhir_service.jobs.operations import operations
from fhir_service.jobs.reindex import KIND, Asked, Reindexing
from fhir_service.jobs.requests import answer_of
from fhir_service.jobs.runner import Jobs

_LOOK = 0.1  # seconds between two reports of progress


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

    async def before_a_load(self) -> None:
        """Say in the store by which rules the processes of a load, which know no stored ones, index what they load."""
        await self._index.load()
        await self._index.distrust()

    async def reindex(self, types: Sequence[str], report: Callable[[int, int], None]) -> Resource:
        """Index these types (none: all) anew, here and now; return the counts as Parameters."""
        await self._index.load()
        known = sorted(self.services.definitions.resource_types)
        job = await self.jobs.begin(KIND, msgspec.json.encode(Asked(list(types or known))))
        while (now := await self.jobs.find(job.id)) is not None and now.status == "working":
            report(now.done, now.total)
            await asyncio.sleep(_LOOK)
        assert now is not None
        answer = answer_of(now.result)
        assert isinstance(answer.body, bytes)
        return decode_resource(answer.body)

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
