"""What stands before the interactions: status addresses, `Prefer: respond-async`, and who is at work.

https://hl7.org/fhir/R4/async.html
"""

import asyncio
from collections import Counter

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Interaction, Services
from fhir_service.jobs.requests import KIND, Requests, here_and_now, prefers_async, recorded
from fhir_service.jobs.runner import Jobs, Progress
from fhir_service.jobs.status import ADDRESS, accepted, status

MOST_WAITING = 100
"""Requests that are answered later; one more is refused (429)."""


class UnderWay:
    """The requests that are being answered: what one of them indexed may be committed only later."""

    def __init__(self) -> None:
        self._generation = 0
        self._open: Counter[int] = Counter()
        self._ended = asyncio.Event()

    def begin(self) -> int:
        """Count a request; `end` takes what this returns."""
        self._open[self._generation] += 1
        return self._generation

    def end(self, generation: int) -> None:
        """Say that a request has its answer."""
        self._open[generation] -= 1
        if not self._open[generation]:
            del self._open[generation]
            self._ended.set()

    async def settled(self) -> None:
        """Wait until every request that had begun before this call has its answer."""
        self._generation += 1
        last = self._generation
        while any(generation < last for generation in self._open):
            self._ended.clear()
            await self._ended.wait()


class Front:
    """Dispatches requests; the answer to a long one comes later if the client prefers it so."""

    def __init__(self, dispatch: Interaction, jobs: Jobs, under_way: UnderWay) -> None:
        self._dispatch = dispatch
        self._jobs = jobs
        self._under_way = under_way

    def serve(self, services: Services) -> None:
        """Answer recorded requests by these services."""
        self._requests = Requests(self, services)
        self._jobs.register(KIND, self._requests)

    async def __call__(self, request: FhirRequest, services: Services) -> FhirResponse:
        if request.path[:1] == (ADDRESS,):
            return await status(request, self._jobs)
        if "prefer" in request.headers and prefers_async(request):
            return await self._later(here_and_now(request))
        generation = self._under_way.begin()
        try:
            return await self._dispatch(request, services)
        finally:
            self._under_way.end(generation)

    async def _later(self, request: FhirRequest) -> FhirResponse:
        """Begin a job and return 202; what is refused at once (an unknown parameter) is refused here."""
        if len(self._jobs.working(KIND)) >= MOST_WAITING:
            raise _too_many()
        refused: list[FhirError] = []

        async def run(progress: Progress) -> bytes:
            try:
                return await self._requests.answer(request)
            except FhirError as error:
                refused.append(error)
                raise

        job = await self._jobs.begin(KIND, recorded(request), run)
        await asyncio.sleep(0)  # it has begun, and has come to its first wait
        if refused:
            await self._jobs.cancel(job.id)
            raise refused[0]
        return accepted(request.base, job)


def _too_many() -> FhirError:
    return fhir_error(
        "throttled",
        f"終わっていない非同期の処理が{MOST_WAITING}件あります。しばらくしてからやり直してください。",
        f"There are {MOST_WAITING} jobs that are not done; try again later.",
    )
