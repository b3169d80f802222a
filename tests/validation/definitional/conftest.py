"""What the validator tells of a resource, in short."""

from typing import Any

from fhir_service.validation.validator import Validator

Told = list[tuple[str | None, str, str]]


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
