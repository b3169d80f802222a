"""A load from its chunks to its summary: some processes prepare, this one writes.

A chunk is prepared in one piece; chunks are written in the order they came in, so that a load does the same each time.
"""

import time
from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import msgspec

from fhir_service.cli.loading.pool import Preparation
from fhir_service.cli.loading.preparing import Prepared, Ready, Refused, ToProcess, refused
from fhir_service.cli.loading.summary import Summary
from fhir_service.cli.loading.writing import Writing
from fhir_service.cli.tuning import tune
from fhir_service.fhir.outcome import FhirError
from fhir_service.interactions.exchange import FhirRequest
from fhir_service.interactions.services import Services
from fhir_service.storage.sqlite.store import SqliteStore


class Progress(NamedTuple):
    """How far it has come: the share of a chunk that is done, and the resources stored so far."""

    size: int
    stored: int


async def run(preparation: Preparation, services: Services, report: Callable[[Progress], None]) -> Summary:
    """Load what is prepared."""
    loading = _Loading(services)
    tune()
    async for size, prepared in preparation:
        await loading.take(prepared)
        report(Progress(size, loading.summary.stored.total()))
    await loading.finish()
    loading.summary.seconds = time.perf_counter() - preparation.began
    return loading.summary


class _Loading:
    """Takes what was prepared: resources to be stored, Bundles to be processed, and what was refused."""

    def __init__(self, services: Services) -> None:
        assert isinstance(services.store, SqliteStore)
        self.summary = Summary()
        self._services = services
        self._base = services.indexer.base or ""
        self._writing = Writing(services.store, referential_integrity=services.referential_integrity)
        self._again: list[ToProcess] = []
        self.summary.stored = self._writing.stored

    async def take(self, prepared: list[Prepared]) -> None:
        """Store or process these."""
        await self._writing.add([each for each in prepared if isinstance(each, Ready)])
        self.summary.refuse([each for each in prepared if isinstance(each, Refused)])
        for each in prepared:
            if isinstance(each, ToProcess) and await self._process(each):
                self._again.append(each)

    async def finish(self) -> None:
        """End the load: process again what failed for want of what came later; refuse what still does not go."""
        self.summary.refuse(await self._writing.finish())
        for each in self._again:
            if failed := await self._process(each):
                self.summary.refuse([failed])

    async def _process(self, each: ToProcess) -> Refused | None:
        """Process a batch or transaction; return why it failed."""
        await self._writing.settle()
        request = FhirRequest("POST", self._base, body=deepcopy(each.bundle))  # it may be wanted once more
        try:
            answer = await self._services.dispatch(request, self._services)
        except FhirError as error:
            return refused(each.place, "failed", error.issues[0])
        assert isinstance(answer.body, bytes)
        entries = msgspec.json.decode(answer.body).get("entry", [])
        wrong = [entry["response"] for entry in entries if not entry["response"]["status"].startswith("2")]
        locations = (entry["response"].get("location", "") for entry in entries)
        self.summary.stored.update(location.split("/")[-4] for location in locations if location)
        for response in wrong:
            issue = response.get("outcome", {}).get("issue", [{}])[0].get("details", {}).get("text", "")
            self.summary.refuse([Refused(each.place, "failed", f"{response['status']} {issue}")])
        return None
