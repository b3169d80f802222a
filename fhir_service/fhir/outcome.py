"""What went wrong, as values: `Issue`, the one error type, and its way to HTTP status and OperationOutcome.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fhir_service.fhir.resource import Resource

Severity = Literal["fatal", "error", "warning", "information"]

# https://hl7.org/fhir/R4/valueset-issue-type.html
IssueType = Literal[
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled", "informational",
]  # fmt: skip

# https://hl7.org/fhir/R4/http.html#Status-Codes
STATUS: dict[IssueType, int] = {
    "not-found": 404,
    "deleted": 410,
    "conflict": 409,
    "duplicate": 409,
    "multiple-matches": 412,
    "business-rule": 422,
    "invariant": 422,
    "required": 422,
    "login": 401,
    "forbidden": 403,
    "too-long": 413,
    "throttled": 429,
    "lock-error": 503,
    "transient": 503,
    "exception": 500,
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue, told in Japanese and in English, with the place where it is.

    `expression` holds FHIRPath locations (`Patient.name[0].family`); `line` and `column` (1-based) are for text that
    could not be read as a resource. `rule` is what a policy names (`pat-1`, `binding`, `cardinality`), `profile` the
    canonical of the definition that asks for it.
    """

    code: IssueType
    ja: str
    en: str
    expression: tuple[str, ...] = ()
    severity: Severity = "error"
    line: int | None = None
    column: int | None = None
    diagnostics: str | None = None
    rule: str | None = None
    profile: str | None = None


class FhirError(Exception):
    """The interaction cannot be done: its issues say why; `status` overrides the table.

    After `retry` seconds it may be possible.
    """

    def __init__(self, *issues: Issue, status: int | None = None, retry: int | None = None) -> None:
        super().__init__("; ".join(issue.en for issue in issues))
        self.issues = issues
        self.retry = retry
        self.status = status if status is not None else STATUS.get(issues[0].code, 400)


def fhir_error(
    code: IssueType,
    ja: str,
    en: str,
    expression: tuple[str, ...] = (),
    *,
    status: int | None = None,
    retry: int | None = None,
) -> FhirError:
    """Return the error of one issue."""
    return FhirError(Issue(code, ja, en, expression), status=status, retry=retry)


LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
COLUMN = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"


def operation_outcome(issues: Iterable[Issue]) -> Resource:
    """Return the OperationOutcome of these issues; text is Japanese first, English beside it."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> Resource:
    out: Resource = {}
    if issue.line is not None:
        out["extension"] = [
            {"url": LINE, "valueInteger": issue.line},
            {"url": COLUMN, "valueInteger": issue.column or 1},
        ]
    out |= {"severity": issue.severity, "code": issue.code, "details": {"text": _text(issue)}}
    if issue.line is not None:
        out["location"] = [f"Line[{issue.line}] Col[{issue.column or 1}]"]
    if issue.diagnostics:
        out["diagnostics"] = issue.diagnostics
    if issue.expression:
        out["expression"] = list(issue.expression)
    return out


def _text(issue: Issue) -> str:
    """Return what is said, in Japanese and English, with the name of the rule that is broken."""
    if issue.rule is None or f"(rule {issue.rule}" in issue.en:
        return f"{issue.ja} / {issue.en}"
    return f"{issue.ja}(規則 {issue.rule}) / {issue.en} (rule {issue.rule})"
