"""What a document asks of the organisation it is sent to (紹介先): a ServiceRequest, and a Task in its inbox.

https://hl7.org/fhir/R4/servicerequest.html and https://hl7.org/fhir/R4/task.html
"""

from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.outreach.codes import CASE_TASK, ORGANIZATION_KIND, REQUEST_CATEGORY, SHARING_INDICATION, concept
from fhir_service.outreach.document import Document
from fhir_service.outreach.filing import Filing

# Organisations that take a referral as medical care; what any other kind is asked for is outreach support.
MEDICAL_KINDS = frozenset({"hospital", "clinic", "pharmacy", "dental"})
OUTREACH_REQUEST = concept(REQUEST_CATEGORY, "outreach-request", "アウトリーチ支援依頼")
REFERRAL = concept(REQUEST_CATEGORY, "referral", "診療の紹介")
INTAKE = concept(CASE_TASK, "intake", "受付")
UNINFORMED = "UNINFORMED"


def file_referral(document: Document, filing: Filing) -> None:
    """Add a ServiceRequest and a Task for the recipient; only a warning if the document names none."""
    recipient, patient = document.recipient, document.patient
    if recipient is None or patient is None:
        filing.issues.append(_unaddressed(document))
        return
    request = _request(document, filing, recipient)
    parties = {"for": request["subject"], "owner": filing.reference(recipient)}
    if "requester" in request:
        parties["requester"] = request["requester"]
    task = {
        "resourceType": "Task",
        "id": filing.id,
        "groupIdentifier": document.identifier,
        "status": "requested",
        "intent": "order",
        "code": INTAKE,
        "description": _purpose(document),
        "focus": {"reference": f"ServiceRequest/{filing.id}"},
        **parties,
        "authoredOn": filing.now,
        "lastModified": filing.now,
        "input": [{"type": concept(CASE_TASK, "document", "文書"), "valueReference": _document_reference(filing)}],
    }
    indications = _indications(document)
    for resource in (request, task):
        filing.create(resource | indications)
    if indications:
        filing.issues.append(_uninformed())


def _request(document: Document, filing: Filing, recipient: str) -> Resource:
    composition = document.composition
    reasons = document.named_in("reason", "Condition")
    request = {
        "resourceType": "ServiceRequest",
        "id": filing.id,
        "identifier": [document.identifier],
        "status": "active",
        "intent": "order",
        "category": [_category(filing.standing[recipient]), *composition.get("category", [])],
        "code": {"text": _purpose(document)},
        "subject": filing.reference(document.patient or ""),
        "authoredOn": composition["date"],
        "performer": [filing.reference(recipient)],
        "reasonReference": [filing.reference(each) for each in reasons],
        "supportingInfo": [_document_reference(filing)],
    }
    if document.sender:
        request["requester"] = filing.reference(document.sender)
    if not reasons:
        del request["reasonReference"]
    return request


def _purpose(document: Document) -> str:
    """Return what the section 紹介目的 says, else the title."""
    title: str = document.composition["title"]
    return document.text_of("purpose") or title


def _category(recipient: Resource) -> Resource:
    codings = [each for concept in recipient.get("type", ()) for each in concept.get("coding", ())]
    kinds = {each.get("code") for each in codings if each.get("system") == ORGANIZATION_KIND}
    return OUTREACH_REQUEST if kinds - MEDICAL_KINDS else REFERRAL


def _indications(document: Document) -> Resource:
    """Return a `meta` with the tag 未告知 (the patient has not been told) if anything in the document has it."""
    resources = (document.bundle, *document.resources.values())
    tags = (tag for resource in resources for tag in resource.get("meta", {}).get("tag", ()))
    told = next((tag for tag in tags if (tag.get("system"), tag.get("code")) == (SHARING_INDICATION, UNINFORMED)), None)
    return {"meta": {"tag": [told]}} if told else {}


def _document_reference(filing: Filing) -> Resource:
    return {"reference": f"DocumentReference/{filing.id}"}


def _unaddressed(document: Document) -> Issue:
    title = document.composition["title"]
    return Issue(
        "business-rule",
        f"「{title}」に紹介先がないため、依頼(ServiceRequest)と受付のタスク(Task)は作りませんでした。",
        f'"{title}" names no recipient, so no ServiceRequest and no Task was made.',
        ("Bundle.entry[0].resource.section",),
        severity="warning",
    )


def _uninformed() -> Issue:
    return Issue(
        "business-rule",
        "ご本人に告知されていない情報(UNINFORMED)を含みます。タスクにも同じ印を付けました。",
        "The document holds what the patient has not been told (UNINFORMED); the Task carries the same tag.",
        severity="warning",
    )
