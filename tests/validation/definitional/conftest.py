"""The validator with the rules that R4 tells in prose, and what it tells."""

from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator

Told = list[tuple[str | None, str, str]]


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


@pytest.fixture(scope="module")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions, LoadedTerminology(definitions), extra=RULES)


def told(validator: Validator, resource: dict[str, Any]) -> Told:
    kind = f"{resource['resourceType']}."
    return [
        (issue.rule, issue.severity, issue.expression[0].removeprefix(kind))
        for issue in validator.check(resource)
        if issue.rule != "binding-extensible" and not (issue.rule or "").endswith("-0")  # names for programs
    ]


def errors_of(validator: Validator, resource: dict[str, Any]) -> list[tuple[str | None, str]]:
    """Return the rules of the errors, and where they are."""
    return [(rule, at) for rule, severity, at in told(validator, resource) if severity == "error"]
