"""A client of the session's server."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest


@pytest.fixture
def api(server: Any) -> Iterator[httpx.Client]:
    """Talks FHIR JSON to the server; paths are under the base."""
    with httpx.Client(base_url=f"{server.base}/", headers={"Accept": "application/fhir+json"}, timeout=30) as client:
        yield client
