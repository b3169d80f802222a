"""Our engine as the runner of HL7's suite wants it: `evaluate(resource, expression, context)` returns plain values.

fhirpath_suite.py --engine py:tests.conformance.fhirpath_engine:evaluate
"""

import json as stdlib_json
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from fhir_service.fhir import fhirpath, json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Environment, Item, Quantity
from fhir_service.fhir.fhirpath.quantity import to_fhir

NOW = datetime.now(ZoneInfo("Asia/Tokyo"))


@cache
def definitions() -> Definitions:
    """Return the definitions of R4, loaded once."""
    return Definitions.load()


def evaluate(resource: dict[str, Any], expression: str, context: dict[str, Any], *, strict: bool = True) -> list[Any]:
    """Return the values of the result; an error is raised as FhirPathError.

    `resource` is as the standard library decodes it (with floats); it is decoded again as the service does.
    """
    focus = json.decode(stdlib_json.dumps(resource).encode())
    compiled = fhirpath.compile(expression, definitions(), context_type=focus.get("resourceType"), strict=strict)
    return [plain(item) for item in compiled.evaluate(focus, Environment(now=NOW))]


def plain(item: Item) -> Any:
    """Return the value of an item as JSON has it."""
    return to_fhir(item.value) if isinstance(item.value, Quantity) else item.value
