"""ImplementationGuide/$install: a FHIR package (.tgz) that the server takes in while it runs.

The package is the body as it is (application/gzip), or `package` of a Parameters, or a Binary. R4 has no such
operation; its definition is our own (`profiles/operations/install.json`). What it defines holds from the answer on.
https://hl7.org/fhir/R4/packages.html
"""

import asyncio
import base64
import binascii
from typing import Any

from fhir_service.fhir.definitions import Added, Definitions
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error, operation_outcome
from fhir_service.interactions.exchange import FhirRequest, FhirResponse, RawBody
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.parameters import given, single
from fhir_service.validation.unreadable import unreadable

SHOWN = 100  # issues of one package


async def install(request: FhirRequest, services: Services) -> FhirResponse:
    """Add the package: 201, or 200 if it is here already; the OperationOutcome tells what is wrong or missing."""
    package = _package(request)
    definitions = services.definitions
    added = await asyncio.to_thread(definitions.install, package)
    if not added.already:
        definitions.reload()
    return FhirResponse(200 if added.already else 201, operation_outcome(_told(added, definitions)))


OPERATION = Operation(
    name="install",
    definition="https://example.jp/fhir/outreach/OperationDefinition/install",
    levels=frozenset({"type"}),
    methods=frozenset({"POST"}),
    run=install,
    types=frozenset({"ImplementationGuide"}),
)


def _package(request: FhirRequest) -> bytes:
    """Return the content of the package; 400 if there is none."""
    if isinstance(request.body, RawBody):
        return bytes(request.body)
    parameters = single(given(request, ("package", "resource")))
    match parameters.get("package", parameters.get("resource")):
        case str(text) | {"resourceType": "Binary", "data": str(text)}:
            return _decoded(text)
    said = (
        "パッケージ(.tgz)がありません。本文か、パラメーター package で送ってください。",
        ("There is no package (.tgz); send it as the body, or as the parameter package."),
    )
    raise FhirError(Issue("required", *said), status=400)


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise fhir_error("value", "package が base64 ではありません。", "package is no base64.") from None


def _told(added: Added, definitions: Definitions) -> list[Issue]:
    package = added.package
    ja, en = ("追加済みです", "is here already") if added.already else ("追加しました", "is installed")
    counted = f"{package.count} 件の定義", f"{package.count} definitions"
    head = Issue(
        "informational", f"{package} を{ja}({counted[0]})。", f"{package} {en} ({counted[1]}).", severity="information"
    )
    missing = (
        Issue(
            "not-found",
            f"{package} が必要とする {name}#{version} がありません。",
            f"{package} needs {name}#{version}, which is not here.",
            severity="warning",
        )
        for name, version in added.missing
    )
    return [head, *missing, *[*added.issues, *unreadable(package, definitions)][:SHOWN]]
