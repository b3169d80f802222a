"""The definitions, and an evaluation in one call."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Environment

NOW = datetime(2026, 11, 22, 23, 38, 21, 123_000, ZoneInfo("Asia/Tokyo"))
ENVIRONMENT = Environment(now=NOW)

Evaluate = Callable[..., list[Any]]


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions.load()


@pytest.fixture(scope="session")
def evaluate(definitions: Definitions) -> Evaluate:
    """Return the values that an expression yields: `evaluate(expression, resource, environment, strict=…)`."""

    def run(
        expression: str,
        resource: dict[str, Any] | None = None,
        environment: Environment = ENVIRONMENT,
        *,
        context_type: str | None = None,
        strict: bool = False,
    ) -> list[Any]:
        compiled = fhirpath.compile(expression, definitions, context_type=context_type, strict=strict)
        return [item.value for item in compiled.evaluate(resource, environment)]

    return run
