"""A client of the session's server, and resources that it puts there."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest


@pytest.fixture(scope="module")
def api(server: Any) -> Iterator[httpx.Client]:
    """Talks FHIR JSON to the server; paths are under the base."""
    headers = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}
    with httpx.Client(base_url=f"{server.base}/", headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def new_id() -> str:
    """An id that nothing else has."""
    return uuid.uuid4().hex
