"""An entry of a batch or transaction as a request of its own, and the answer to it as an entry of the response.

https://hl7.org/fhir/R4/http.html#transaction-response
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from fhir_service.fhir import json
from fhir_service.fhir.bundle import Entry, EntryAnswer
from fhir_service.fhir.outcome import FhirError, operation_outcome
from fhir_service.interactions.answers.versions import location
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.storage.identity import microseconds
from fhir_service.storage.stamp import instant

# What the Bundle's own request says about itself says nothing about its entries.
_OF_THE_BUNDLE = ("if-", "content-")
READ = 3  # the place of GET and HEAD in the order of processing
_PHRASE = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def entry_headers(request: FhirRequest) -> Mapping[str, str]:
    """Return the headers that the entries share with the request of the Bundle, such as Prefer."""
    return {name: value for name, value in request.headers.items() if not name.startswith(_OF_THE_BUNDLE)}


def request_of(entry: Entry, request: FhirRequest, shared: Mapping[str, str]) -> FhirRequest:
    """Return the request that the entry stands for; HEAD is a GET whose resource is not shown."""
    return FhirRequest(
        "GET" if entry.method == "HEAD" else entry.method,
        request.base,
        entry.path,
        entry.query,
        {**shared, **entry.headers} if entry.headers else shared,
        entry.body,
        media_type=entry.media_type,
        spent=request.spent,
    )


def status_text(status: int) -> str:
    """Return a status as an entry writes it: `201 Created`."""
    return _PHRASE.get(status, str(status))


def answer_of(response: FhirResponse, entry: Entry, base: str) -> EntryAnswer:
    """Return an answer as the entry of a response Bundle; what is no resource comes as a Binary."""
    version = response.version
    headers = {name.lower(): value for name, value in response.headers}
    body: Any = None if entry.method == "HEAD" else response.as_resource().body
    outcome = None
    if isinstance(body, dict):
        if body.get("resourceType") == "OperationOutcome" and not _is_operation(entry):
            outcome, body = body, None
        else:
            body = json.encode(body)
    return EntryAnswer(
        status_text(response.status),
        resource=body,
        full_url=f"{base}/{version.key}" if version and body else None,
        location=location(base, version) if version and entry.order < READ else headers.get("location"),
        etag=headers.get("etag"),
        last_modified=instant(version.updated) if version else _instant(headers.get("last-modified")),
        outcome=outcome,
    )


def refusal_of(error: FhirError) -> EntryAnswer:
    """Return an error as the entry of a response Bundle."""
    return EntryAnswer(status_text(error.status), outcome=operation_outcome(error.issues))


def _instant(http_date: str | None) -> str | None:
    return instant(microseconds(parsedate_to_datetime(http_date))) if http_date else None


def _is_operation(entry: Entry) -> bool:
    return bool(entry.path) and entry.path[-1].startswith("$")
