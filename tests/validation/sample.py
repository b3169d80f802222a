"""Small resources to be validated, and which of the issues are errors."""

from typing import Any

from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


def errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity == "error"]


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> Resource:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "体重"}, **elements}


def organization(**elements: Any) -> Resource:
    return {"resourceType": "Organization", "name": "医院", **elements}


def contained(*resources: Any) -> Resource:
    """Return a patient that contains these and refers to each of them."""
    ids = [each.get("id") for each in resources if isinstance(each, dict)]
    practitioners = [{"reference": f"#{name}"} for name in ids if name and name != "stranger"]
    return patient(contained=list(resources), **({"generalPractitioner": practitioners} if practitioners else {}))
