"""The names that the programme gives to its own things; everything else is named by FHIR or JP Core.

`OUTREACH` is a placeholder domain until the project owns one. `docs/glossary.md` has the Japanese terms.
"""

from fhir_service.fhir.resource import Resource

OUTREACH = "https://example.jp/fhir/outreach"

CASE_TASK = f"{OUTREACH}/CodeSystem/case-task"
ORGANIZATION_KIND = f"{OUTREACH}/CodeSystem/organization-kind"
REQUEST_CATEGORY = f"{OUTREACH}/CodeSystem/request-category"

DOCUMENT_RECEIPT = f"{OUTREACH}/IdSystem/document-receipt"
SHA_256 = f"{OUTREACH}/StructureDefinition/attachment-sha-256"

CARE_TEAM_KIND = f"{OUTREACH}/CodeSystem/care-team-kind"
CLOSURE_REASON = f"{OUTREACH}/CodeSystem/closure-reason"
CONFERENCE_AGENDA = f"{OUTREACH}/CodeSystem/conference-agenda"
CONFERENCE_DECISION = f"{OUTREACH}/CodeSystem/conference-decision"
CONFERENCE_PARTICIPANT = f"{OUTREACH}/CodeSystem/conference-participant"
CRISIS_PLAN = f"{OUTREACH}/CodeSystem/crisis-plan"
PARTICIPATION = f"{OUTREACH}/CodeSystem/participation"
PLAN_DOMAIN = f"{OUTREACH}/CodeSystem/plan-domain"
PLAN_KIND = f"{OUTREACH}/CodeSystem/plan-kind"
PROFESSION = f"{OUTREACH}/CodeSystem/profession"
SCALE = f"{OUTREACH}/CodeSystem/scale"
SERVICE_CATEGORY = f"{OUTREACH}/CodeSystem/service-category"
TARGET_CATEGORY_CODES = f"{OUTREACH}/CodeSystem/target-category"
TEAM_FUNCTION = f"{OUTREACH}/CodeSystem/team-function"
VISIT_KIND = f"{OUTREACH}/CodeSystem/visit-kind"

TARGET_CATEGORY = f"{OUTREACH}/StructureDefinition/target-category"
LAST_ADMISSION = f"{OUTREACH}/StructureDefinition/last-admission"
PERFORMING_ORGANIZATION_TYPE = f"{OUTREACH}/StructureDefinition/performing-organization-type"

OUTREACH_CLIENT_ID = f"{OUTREACH}/IdSystem/outreach-client-id"
STAFF_ID = f"{OUTREACH}/IdSystem/staff"

# https://hl7.org/fhir/R4/extension-workflow-episodeofcare.html
WORKFLOW_EPISODE_OF_CARE = "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare"
V3_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
V3_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

# https://jpfhir.jp/fhir/core/
MEDICAL_INSTITUTION = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"
MEDICAL_REGISTRATION = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/medicalRegistrationNumber"
INSURANCE_MEMBER = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"
PATIENT_NUMBER = "urn:oid:1.2.392.100495.20.3.51.1"  # followed by the 10 digits of the medical institution
ICD_10 = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full"
OBSERVATION_CATEGORY = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS"
PRACTITIONER_ROLE = "http://jpfhir.jp/fhir/core/CodeSystem/JP_PractitionerRole_CS"
DOCUMENT_TYPE = "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes"
SHARING_INDICATION = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication"
LOINC = "http://loinc.org"
NAME_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def concept(system: str, code: str, display: str) -> Resource:
    """Return a CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}]}
