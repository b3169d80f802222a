"""The answer to a write: status, version headers, and as much of a body as `Prefer: return` asks for.

https://hl7.org/fhir/R4/http.html#ops
"""

from collections.abc import Sequence

from fhir_service.fhir.outcome import Issue, operation_outcome
from fhir_service.fhir.resource import Resource
from fhir_service.interactions.answers.preference import preference
from fhir_service.interactions.answers.versions import location, version_headers
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.storage.store import Committed, Version


def written(committed: Committed, request: FhirRequest, warnings: Sequence[Issue] = ()) -> FhirResponse:
    """Return 201 with Location for what was created, 200 for what was updated."""
    version = committed.version
    headers = version_headers(version)
    if committed.created:
        headers += (("Location", location(request.base, version)),)
    return FhirResponse(201 if committed.created else 200, _body(version, request, warnings), headers, version=version)


def unchanged(version: Version, request: FhirRequest) -> FhirResponse:
    """Return 200 with what stands already: a conditional create that found its match."""
    headers = (*version_headers(version), ("Location", location(request.base, version)))
    return FhirResponse(200, _body(version, request, ()), headers, version=version)


def _body(version: Version, request: FhirRequest, warnings: Sequence[Issue]) -> Resource | bytes | None:
    match preference(request.headers).returns:
        case "minimal":
            return None
        case "OperationOutcome":
            return operation_outcome(warnings or [stored(version)])
        case _:
            return version.body


def stored(version: Version) -> Issue:
    """Return the information that a version is stored."""
    what = f"{version.key} (version {version.version})"
    return Issue("informational", f"{what} を保存しました。", f"{what} is stored.", severity="information")
