"""The sample documents in `profiles/examples/`, and the region they are sent around in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.outreach.region import Region

EXAMPLES = Path(__file__).resolve().parents[2] / "profiles" / "examples"
Sample = Callable[[str], dict[str, Any]]


@pytest.fixture
def sample() -> Sample:
    """Return a function that reads one of our examples: `sample("referral-to-outreach")`."""
    return lambda name: json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def region(server: Any) -> Iterator[Region]:
    """The region at a real server, for one test."""
    with httpx.Client(base_url=f"{server.base}/", headers={"Accept": "application/fhir+json"}, timeout=30) as api:
        yield Region(api)
