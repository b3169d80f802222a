"""The sample documents in `profiles/examples/`, fresh for each test."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "profiles" / "examples"
Sample = Callable[[str], dict[str, Any]]


@pytest.fixture
def sample() -> Sample:
    """Return a function that reads one of our examples: `sample("referral-to-outreach")`."""
    return lambda name: json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
