"""Errors as answers: the one place where an error becomes an OperationOutcome.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

import logging

from fhir_service.fhir.outcome import FhirError, Issue, operation_outcome
from fhir_service.interactions.exchange import FhirResponse
from fhir_service.interactions.routes import MethodNotAllowed

ISSUES_SHOWN = 100
_log = logging.getLogger("fhir_service")
_INTERNAL = FhirError(
    Issue(
        "exception",
        "サーバー内部でエラーが起きました。記録しましたので、管理者に時刻をお知らせください。",
        "Something went wrong inside the server; it has been logged, please tell the administrator the time.",
        severity="fatal",
    )
)


def outcome(error: FhirError) -> FhirResponse:
    """Return the answer that says what is wrong with the request."""
    headers = [("Allow", ", ".join(error.allowed))] if isinstance(error, MethodNotAllowed) else []
    if error.retry is not None:
        headers.append(("Retry-After", str(error.retry)))
    issues = error.issues[:ISSUES_SHOWN]
    if more := len(error.issues) - len(issues):
        issues += (
            Issue("incomplete", f"ほかに{more:,}件あります。", f"There are {more:,} more.", severity="information"),
        )
    return FhirResponse(error.status, operation_outcome(issues), tuple(headers))


def unexpected(error: Exception, what: str) -> FhirResponse:
    """Log a defect of ours and return a 500 that says nothing of our insides."""
    _log.error("%s failed", what, exc_info=error)
    return outcome(_INTERNAL)
