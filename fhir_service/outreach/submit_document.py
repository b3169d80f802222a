"""$submit-document: take a referral or discharge summary, keep it, file what it holds, and tell the recipient.

Definition: `profiles/operations/submit-document.json`. The same document again makes nothing and has the same answer;
another document under the same identifier is 409. All is one commit, bound to what was found before it.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from fhir_service.fhir.json import decode_resource, encode
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.resource import Key, Resource
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.interactions.writes.proposal import checked
from fhir_service.outreach.codes import OUTREACH
from fhir_service.outreach.document import Document
from fhir_service.outreach.document_check import read_document
from fhir_service.outreach.document_record import file_provenance, file_receipt, file_record, receipt_id
from fhir_service.outreach.filing import Filing, file_entries
from fhir_service.outreach.matching import by_identifier, found
from fhir_service.outreach.referral import file_referral
from fhir_service.storage.store import ConditionFailed, Finds, Version

ATTEMPTS = 8
JAPAN = ZoneInfo("Asia/Tokyo")
FHIR_JSON = "application/fhir+json"


async def submit_document(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the receipt: 201 for a new document, 200 for one that was filed before."""
    if not isinstance(request.body, dict):
        raise _nothing_sent()
    warnings = checked(request.body, services)
    document, remarks = read_document(request.body)

    for _ in range(ATTEMPTS):
        earlier, unfiled = await _earlier(document, services)
        if earlier is not None:
            return await _again(document, earlier, services)
        filing = await _filing(document, request, services, [*warnings, *remarks])
        try:
            committed = await services.store.commit(filing.changes, (unfiled, *filing.conditions))
        except ConditionFailed:
            continue  # somebody filed this document, or made one of those it names: look again
        location = f"{request.base}/DocumentReference/{filing.id}"
        return FhirResponse(201, committed[-1].version.body, (("Location", location),))
    raise _contended()


OPERATION = Operation(
    name="submit-document",
    definition=f"{OUTREACH}/OperationDefinition/submit-document",
    levels=frozenset({"system"}),
    methods=frozenset({"POST"}),
    run=submit_document,
)


async def _filing(document: Document, request: FhirRequest, services: Services, remarks: list[Issue]) -> Filing:
    """Return everything that filing the document will store; the receipt is the last of it."""
    filing = Filing(services.new_id(), _instant(services.now()), services, request.base)
    await file_entries(document, filing)
    file_record(document, filing, *_sent(request))
    file_referral(document, filing)
    file_provenance(document, filing)
    file_receipt(filing, remarks)
    return filing


async def _earlier(document: Document, services: Services) -> tuple[Version | None, Finds]:
    """Return the DocumentReference under which this identifier was filed, and the condition that there is none."""
    pair = (document.identifier["system"], document.identifier["value"])
    versions, condition = await found(by_identifier("DocumentReference", [pair], services), services)
    return versions[0] if versions else None, condition


async def _again(document: Document, earlier: Version, services: Services) -> FhirResponse:
    """Return the receipt of the document that was filed, if this is the same one; else raise 409."""
    filed = await services.store.vread(Key("Bundle", earlier.key.id), 1)
    receipt = await services.store.read(Key("Bundle", receipt_id(earlier.key.id)))
    if filed is None or receipt is None or receipt.deleted:
        raise _conflict(document, earlier.key)
    if _content(decode_resource(filed.body)) != _content(document.bundle):
        raise _conflict(document, earlier.key)
    return FhirResponse(200, receipt.body)


def _content(bundle: Resource) -> Resource:
    """Return a Bundle without what the server writes."""
    meta = {name: value for name, value in bundle.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
    return bundle | {"id": None, "meta": meta}


def _sent(request: FhirRequest) -> tuple[bytes, str]:
    """Return the document as it was sent and its media type, with any charset; an entry of a batch comes as JSON."""
    if not request.raw:
        return encode(request.body), FHIR_JSON
    return request.raw, " ".join(request.headers["content-type"].split())


def _instant(now: datetime) -> str:
    return now.astimezone(JAPAN).isoformat(timespec="milliseconds")


def _nothing_sent() -> FhirError:
    return fhir_error(
        "required",
        "本文に、typeがdocumentのBundleを送ってください。",
        "Send a Bundle of type document in the body.",
        ("Bundle",),
        status=400,
    )


def _conflict(document: Document, key: Key) -> FhirError:
    name = f"{document.identifier['system']}|{document.identifier['value']}"
    return fhir_error(
        "conflict",
        f"同じ識別子「{name}」で内容の異なる文書が、すでに{key}として登録されています。新しい文書には新しい識別子を付けてください。",
        f'A different document is filed under the identifier "{name}" already, as {key}; a new document needs an '
        "identifier of its own.",
        ("Bundle.identifier",),
    )


def _contended() -> FhirError:
    return fhir_error(
        "conflict",
        "ほかの登録と競合し続けたため、文書を登録できませんでした。もう一度送ってください。",
        "Other submissions kept getting in between; please send the document again.",
    )
