"""The person of a case: Patient, family, condition, consent to share, and what a visitor should know."""

from collections.abc import Iterator
from datetime import timedelta

from fhir.resources.R4B.address import Address
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.consent import Consent, ConsentPolicy, ConsentProvision, ConsentProvisionActor
from fhir.resources.R4B.flag import Flag
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.relatedperson import RelatedPerson

from fhir_service.outreach.codes import (
    ICD_10,
    INSURANCE_MEMBER,
    LOINC,
    OUTREACH,
    OUTREACH_CLIENT_ID,
    PATIENT_NUMBER,
)
from fhir_service.outreach.demo_region.facts import Case
from fhir_service.outreach.demo_region.models import (
    Model,
    coding,
    concept,
    human_names,
    identifier,
    period,
    phone,
    reference,
)
from fhir_service.outreach.demo_region.places import HOSPITAL, NURSING

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
PERSONAL_INFORMATION_ACT = "https://laws.e-gov.go.jp/law/415AC0000000057"


def person(case: Case) -> Iterator[Model]:
    """Give what is known of the person."""
    yield _patient(case)
    if case.relative:
        yield _related_person(case)
    yield _condition(case)
    if case.start:
        yield _consent(case)
    if case.start and case.in_pairs:
        yield _flag(case)


def subject(case: Case) -> Model:
    """Return the Reference to the person."""
    return reference(f"Patient/{case.id}-patient", case.name.written)


def _patient(case: Case) -> Model:
    numbers = [identifier(OUTREACH_CLIENT_ID, f"{case.number:06d}")]
    if case.category.from_hospital:
        numbers.append(identifier(PATIENT_NUMBER + HOSPITAL.number, f"{700000 + case.number:08d}"))
    if not case.suspected:
        numbers.append(identifier(INSURANCE_MEMBER, f"00479901:青{case.number % 9 + 1}:{case.number:07d}:01"))
    address = Address(
        use="home",
        text=f"青葉県{case.town.name}{case.address}",
        state="青葉県",
        city=case.town.name,
        line=[case.address],
        country="JP",
    )
    return Patient(
        id=f"{case.id}-patient",
        language="ja",
        identifier=numbers,
        active=True,
        name=human_names(case.name, "usual"),
        telecom=[phone(f"090-0000-{case.number % 10000:04d}", "mobile")],
        gender=case.gender,
        birthDate=case.birth,
        address=[address],
        managingOrganization=case.town.reference,
    )


def _related_person(case: Case) -> Model:
    assert case.relative is not None
    name, gender, code, kinship = case.relative
    return RelatedPerson(
        id=f"{case.id}-relative",
        active=True,
        patient=subject(case),
        relationship=[concept(f"{TERMINOLOGY}/v3-RoleCode", code, kinship, kinship)],
        name=human_names(name, "usual"),
        telecom=[phone(f"080-0000-{case.number % 10000:04d}", "mobile")],
        gender=gender,
    )


def _condition(case: Case) -> Model:
    code, name = case.condition
    certainty = "provisional" if case.suspected else "confirmed"
    return Condition(
        id=f"{case.id}-condition",
        clinicalStatus=concept(f"{TERMINOLOGY}/condition-clinical", "active", "Active"),
        verificationStatus=concept(f"{TERMINOLOGY}/condition-ver-status", certainty, certainty.capitalize()),
        category=[concept(f"{TERMINOLOGY}/condition-category", "problem-list-item", "Problem List Item")],
        code=concept(ICD_10, code, name, f"{name}の疑い" if case.suspected else name),
        subject=subject(case),
        recordedDate=case.requested,
    )


def _consent(case: Case) -> Model:
    receiver = concept(f"{TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient", "情報の提供先")
    assert case.start is not None
    return Consent(
        id=f"{case.id}-consent",
        status="active" if case.end is None else "inactive",
        scope=concept(f"{TERMINOLOGY}/consentscope", "patient-privacy", "Privacy Consent"),
        category=[
            concept(LOINC, "57016-8", "Privacy policy acknowledgment Document", "個人情報の取扱いに関する同意書")
        ],
        patient=subject(case),
        dateTime=case.start,
        performer=[subject(case)],
        organization=[case.town.reference],
        policy=[ConsentPolicy(uri=PERSONAL_INFORMATION_ACT)],
        provision=ConsentProvision(
            type="permit",
            period=period(case.start, case.end or case.start + timedelta(days=365)),
            actor=[
                ConsentProvisionActor(role=receiver, reference=place.reference)
                for place in (case.town, NURSING, HOSPITAL)
            ],
            purpose=[coding(f"{TERMINOLOGY}/v3-ActReason", "TREAT", "treatment")],
        ),
    )


def _flag(case: Case) -> Model:
    return Flag(
        id=f"{case.id}-flag",
        status="active" if case.end is None else "inactive",
        category=[concept(f"{TERMINOLOGY}/flag-category", "safety", "Safety")],
        code=concept(
            f"{OUTREACH}/CodeSystem/visit-arrangement", "in-pairs", "二人で訪問", "訪問は二人で行う(ご本人と相談済み)"
        ),
        subject=subject(case),
        period=period(case.start, case.end),
    )
