"""The document itself, kept as it was sent, and the record of how it was filed.

The bytes stand in a Binary, found by a DocumentReference with their hashes; the Bundle stands beside it as FHIR; a
Provenance says what came of it; the receipt is the answer, kept so that the same document again has the same answer.
https://hl7.org/fhir/R4/documentreference.html and https://hl7.org/fhir/R4/provenance.html
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable

from fhir_service.fhir.outcome import Issue, operation_outcome
from fhir_service.fhir.resource import Resource
from fhir_service.outreach.codes import DOCUMENT_RECEIPT, SHA_256
from fhir_service.outreach.document import Document
from fhir_service.outreach.filing import Filed, Filing

DATA_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
PARTICIPANT_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def receipt_id(filing_id: str) -> str:
    """Return the id of the receipt of the document that was filed under this id."""
    return f"{filing_id}-receipt"


def file_record(document: Document, filing: Filing, raw: bytes, media_type: str) -> None:
    """Add the document as it was sent, as a Bundle, and the DocumentReference to both."""
    filing.create(_document_reference(document, filing, raw, media_type))
    filing.create(
        {
            "resourceType": "Binary",
            "id": filing.id,
            "contentType": media_type,
            "securityContext": {"reference": f"DocumentReference/{filing.id}"},
            "data": b64encode(raw).decode("ascii"),
        }
    )
    filing.create(document.bundle | {"id": filing.id})


def file_provenance(document: Document, filing: Filing) -> None:
    """Add the Provenance of all that the filing has made or changed so far."""
    composition = document.composition
    written_by = [("author", each) for each in composition["author"]]
    kept_by = [("custodian", composition["custodian"])] if "custodian" in composition else []
    targets = [{"reference": f"{change.resource['resourceType']}/{change.resource['id']}"} for change in filing.changes]
    filing.create(
        {
            "resourceType": "Provenance",
            "id": filing.id,
            "target": targets,
            "occurredDateTime": composition["date"],
            "recorded": filing.now,
            "activity": {"coding": [{"system": DATA_OPERATION, "code": "CREATE", "display": "create"}]},
            "agent": [_agent(document, filing, *each) for each in (*written_by, *kept_by)],
            "entity": [{"role": "source", "what": {"reference": f"DocumentReference/{filing.id}"}}],
        }
    )


def file_receipt(filing: Filing, remarks: Iterable[Issue]) -> None:
    """Add the receipt: a line for each entry of the document and each resource made, and the warnings."""
    filing.create(
        {
            "resourceType": "Bundle",
            "id": receipt_id(filing.id),
            "identifier": {"system": DOCUMENT_RECEIPT, "value": filing.id},
            "type": "transaction-response",
            "timestamp": filing.now,
            "entry": [*(_line(each) for each in filing.filed), _outcome([*remarks, *filing.issues])],
        }
    )


def _document_reference(document: Document, filing: Filing, raw: bytes, media_type: str) -> Resource:
    composition = document.composition
    resource: Resource = {
        "resourceType": "DocumentReference",
        "id": filing.id,
        "masterIdentifier": document.identifier,
        "status": "current",
        "docStatus": composition["status"],
        "type": composition["type"],
        "category": composition.get("category"),
        "subject": filing.reference(document.patient or ""),
        "date": filing.now,
        "author": [_turned(document, filing, each) for each in composition["author"]],
        "custodian": _turned(document, filing, composition.get("custodian", {})),
        "description": composition["title"],
        "securityLabel": _label(composition.get("confidentiality")),
        "content": [{"attachment": _attachment(document, filing.id, raw, media_type)}],
        "context": {"related": [{"reference": f"Bundle/{filing.id}", "display": "FHIR Bundle"}]},
    }
    return {name: value for name, value in resource.items() if value}


def _attachment(document: Document, binary_id: str, raw: bytes, media_type: str) -> Resource:
    # R4: `hash` is the SHA-1 of the data. SHA-256 stands beside it: SHA-1 no longer proves that nobody changed them.
    sha_256 = b64encode(hashlib.sha256(raw).digest()).decode("ascii")
    return {
        "extension": [{"url": SHA_256, "valueBase64Binary": sha_256}],
        "contentType": media_type,
        "url": f"Binary/{binary_id}",
        "size": len(raw),
        "hash": b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode("ascii"),
        "title": document.composition["title"],
        "creation": document.composition["date"],
    }


def _label(confidentiality: str | None) -> list[Resource]:
    return [{"coding": [{"system": CONFIDENTIALITY, "code": confidentiality}]}] if confidentiality else []


def _turned(document: Document, filing: Filing, reference: Resource) -> Resource:
    """Return a Reference of the Composition as one on this server."""
    target = document.resolve(reference.get("reference", ""), document.composition_url)
    return reference | filing.reference(target) if target else reference


def _agent(document: Document, filing: Filing, role: str, reference: Resource) -> Resource:
    kind = {"coding": [{"system": PARTICIPANT_TYPE, "code": role, "display": role.capitalize()}]}
    return {"type": kind, "who": _turned(document, filing, reference)}


def _line(filed: Filed) -> Resource:
    response = {
        "status": "201 Created" if filed.made else "200 OK",
        "location": f"{filed.key}/_history/{filed.version}",
        "etag": f'W/"{filed.version}"',
    }
    return {"fullUrl": filed.full_url, "response": response} if filed.full_url else {"response": response}


def _outcome(issues: list[Issue]) -> Resource:
    filed = Issue("informational", "文書を登録しました。", "The document is filed.", severity="information")
    return {"resource": operation_outcome([filed, *issues]), "response": {"status": "200 OK"}}
