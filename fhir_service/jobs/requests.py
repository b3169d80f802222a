"""Requests that are answered later: `Prefer: respond-async` for whatever may take long.

A request that changes nothing is begun again if a kill broke it off; any other has then failed and says so, because
nobody knows whether it was done.
https://hl7.org/fhir/R4/async.html
"""

from dataclasses import replace

import msgspec

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, operation_outcome
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Interaction, Services
from fhir_service.jobs.runner import Progress
from fhir_service.storage.job_table import Job

KIND = "request"
_TOKEN = "respond-async"


class _Asked(msgspec.Struct):
    """A request as it is recorded: only of one that changes nothing all that it needs."""

    method: str
    base: str
    path: list[str]
    query: list[tuple[str, str]]
    headers: dict[str, str]
    repeatable: bool


class _Answer(msgspec.Struct):
    """An answer as it is recorded."""

    status: int
    headers: list[tuple[str, str]]
    body: msgspec.Raw = msgspec.Raw(b"null")


def is_long(request: FhirRequest) -> bool:
    """Whether a request may take long: all but what is about one resource, and the capabilities."""
    path = request.path
    if path[-1:] == ("$reindex",):
        return False  # it answers later by itself
    match request.method, path:
        case "GET", ("metadata",):
            return False
        case "GET", (_, _, "_history", _) | (_, _):
            return path[-1].startswith("$") or path[-1] == "_history"
        case "GET", _:
            return True
        case "POST", (_,):
            return path[0].startswith(("$", "_"))
        case "POST", _:
            return True
        case "DELETE", (_,):
            return True
        case _:
            return bool(path) and path[-1].startswith("$")


def prefers_async(request: FhirRequest) -> bool:
    """Whether the client would have the answer later."""
    return _TOKEN in request.headers.get("prefer", "").lower() and is_long(request)


def here_and_now(request: FhirRequest) -> FhirRequest:
    """Return the request without the preference, which is not that of its entries."""
    prefer = [each.strip() for each in request.headers.get("prefer", "").replace(";", ",").split(",")]
    kept = ", ".join(each for each in prefer if each.lower() != _TOKEN)
    headers = {name: value for name, value in request.headers.items() if name != "prefer"}
    return replace(request, headers=headers | {"prefer": kept} if kept else headers)


def recorded(request: FhirRequest) -> bytes:
    """Return the request as its job keeps it."""
    repeatable = request.method == "GET" or request.path[-1:] == ("_search",)
    headers = {name: request.headers[name] for name in ("prefer", "accept") if name in request.headers}
    asked = _Asked(
        request.method,
        request.base,
        list(request.path) if repeatable else [],
        list(request.query) if repeatable else [],
        headers,
        repeatable,
    )
    return msgspec.json.encode(asked)


class Requests:
    """The work of answering a recorded request."""

    def __init__(self, dispatch: Interaction, services: Services) -> None:
        self._dispatch = dispatch
        self._services = services

    def resumes(self, job: Job) -> bool:
        return msgspec.json.decode(job.asked, type=_Asked).repeatable

    async def run(self, progress: Progress) -> bytes:
        asked = msgspec.json.decode(progress.job.asked, type=_Asked)
        request = FhirRequest(asked.method, asked.base, tuple(asked.path), tuple(asked.query), asked.headers)
        return await self.answer(request)

    async def answer(self, request: FhirRequest) -> bytes:
        """Return the answer to a request as it is recorded."""
        return recorded_answer(await self._dispatch(request, self._services))

    def failed(self, error: FhirError) -> bytes:
        return recorded_answer(FhirResponse(error.status, operation_outcome(error.issues)))


def answer_of(result: bytes) -> FhirResponse:
    """Return the answer that a job recorded; what had no body says 200 all the same."""
    answer = msgspec.json.decode(result, type=_Answer)
    body = bytes(answer.body)
    status = 200 if answer.status < 300 else answer.status
    return FhirResponse(status, None if body == b"null" else body, tuple(answer.headers))


def recorded_answer(response: FhirResponse) -> bytes:
    shown = response.as_resource().body
    body = shown if isinstance(shown, bytes) else json.encode(shown)
    return msgspec.json.encode(_Answer(response.status, list(response.headers), msgspec.Raw(body)))
