"""A client of the session's server, and the interactions without one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, operation_outcome
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.interactions.exchange import FhirRequest
from fhir_service.interactions.routes import dispatch
from fhir_service.interactions.services import Services
from fhir_service.storage.identity import IdSequence
from fhir_service.storage.memory import MemoryStore
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.policy import Policy
from fhir_service.validation.validator import Validator


@pytest.fixture
def api(server: Any) -> Iterator[httpx.Client]:
    """Talks FHIR JSON to the server; paths are under the base."""
    with httpx.Client(base_url=f"{server.base}/", headers={"Accept": "application/fhir+json"}, timeout=30) as client:
        yield client


@dataclass(frozen=True)
class Fhir:
    """The interactions without HTTP, on an empty store in memory."""

    services: Services

    async def __call__(
        self, method: str, url: str = "", body: Any = None, media_type: str = "application/fhir+json", **headers: str
    ) -> tuple[int, Any]:
        """Send a request; return the status and the body (that of an error is its OperationOutcome)."""
        path, _, query = url.partition("?")
        request = FhirRequest(
            method,
            BASE,
            tuple(path.split("/")) if path else (),
            tuple(parse_qsl(query, keep_blank_values=True)),
            {name.replace("_", "-"): value for name, value in headers.items()},
            json.decode(json.encode(body)),
            media_type=media_type,
        )
        try:
            response = await dispatch(request, self.services)
        except FhirError as error:
            return error.status, operation_outcome(error.issues)
        answer = response.body
        return response.status, json.decode(answer) if isinstance(answer, bytes) else answer

    async def put(self, *resources: dict[str, Any]) -> None:
        """Store resources that have ids."""
        for resource in resources:
            status, answer = await self("PUT", f"{resource['resourceType']}/{resource['id']}", resource)
            assert status in (200, 201), answer

    async def total(self, search: str) -> int:
        """Return how many resources a search finds."""
        status, answer = await self("GET", f"{search}{'&' if '?' in search else '?'}_summary=count")
        assert status == 200, answer
        return int(answer["total"])


BASE = "http://example.org/fhir"


@pytest.fixture(scope="session")
def _parts() -> tuple[Definitions, SearchRegistry, Policy]:
    definitions = Definitions.load()
    return (
        definitions,
        SearchRegistry(definitions, LoadedTerminology(definitions)),
        Policy(Validator(definitions, LoadedTerminology(definitions))),
    )


@pytest.fixture
def fhir(_parts: tuple[Definitions, SearchRegistry, Policy]) -> Fhir:
    """The interactions in this process, on a store of the test's own."""
    definitions, registry, check = _parts

    def now() -> datetime:
        return datetime.now(UTC)

    return Fhir(
        Services(
            store=MemoryStore(now, registry),
            definitions=definitions,
            indexer=Indexer(definitions, registry, BASE),
            check=check,
            validate=check.validate,
            now=now,
            new_id=IdSequence(now).new_id,
            secret=b"secret",
            dispatch=dispatch,
            operations={},
        )
    )
