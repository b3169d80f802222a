"""How a case goes its way: request, tasks with their due dates, conferences, episode of care."""

from collections.abc import Iterator
from datetime import date, timedelta

from fhir.resources.R4B.annotation import Annotation
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.episodeofcare import EpisodeOfCare
from fhir.resources.R4B.procedure import Procedure, ProcedurePerformer
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task, TaskRestriction

from fhir_service.outreach.codes import (
    CASE_TASK,
    CLOSURE_REASON,
    CONFERENCE_AGENDA,
    CONFERENCE_DECISION,
    CONFERENCE_PARTICIPANT,
    LAST_ADMISSION,
    TARGET_CATEGORY,
    TARGET_CATEGORY_CODES,
)
from fhir_service.outreach.demo_region.facts import AS_OF, UNSUPPORTED, Case
from fhir_service.outreach.demo_region.models import (
    Model,
    at,
    concept,
    extension,
    of_episode,
    period,
    reference,
)
from fhir_service.outreach.demo_region.person import subject
from fhir_service.outreach.demo_region.places import HEALTH_CENTRE, HOSPITAL
from fhir_service.outreach.demo_region.staff import working_in
from fhir_service.outreach.referral import INTAKE, OUTREACH_REQUEST

REQUEST_STATUS = {"declined": "revoked", "closed": "completed"}
EPISODE_STATUS = {"conference-planned": "planned", "fading": "onhold", "closed": "finished"}
INTAKE_STATUS = {"requested": "requested", "conference-planned": "accepted", "declined": "rejected"}
DECLINED = "いま利用されている訪問看護と相談支援で支援が足りているため、見守りとした。"
REPORT_WITHIN = 30  # days
AGENDAS = {"selection": "新規選定", "six-month": "6か月時点", "closure": "終了"}
DECISIONS = {"accept": "受け入れ", "decline": "見送り", "continue": "継続", "close": "終了"}


def process(case: Case) -> Iterator[Model]:
    """Give the request and what it led to."""
    yield _request(case)
    yield from _tasks(case)
    if case.conference and case.conference <= AS_OF:
        yield _conference(case, "selection", case.conference, "decline" if case.phase == "declined" else "accept")
    if case.phase == "conference-planned" or case.start:
        yield _episode(case)
    if case.review:
        yield _conference(case, "six-month", case.review, "continue")
    if case.end:
        yield _conference(case, "closure", case.end, "close")


def requester(case: Case) -> Model:
    """Return who asked: the hospital, the family, or the health centre."""
    if case.category.from_hospital:
        return HOSPITAL.reference
    if case.relative:
        return reference(f"RelatedPerson/{case.id}-relative", case.relative[0].written)
    return HEALTH_CENTRE.reference


def _request(case: Case) -> Model:
    return ServiceRequest(
        id=f"{case.id}-request",
        status=REQUEST_STATUS.get(case.phase, "active"),
        intent="order",
        category=[CodeableConcept(**OUTREACH_REQUEST)],
        code=CodeableConcept(text="アウトリーチ支援のお願い"),
        subject=subject(case),
        authoredOn=case.requested,
        requester=requester(case),
        performer=[case.town.reference],
        reasonReference=[reference(f"Condition/{case.id}-condition")],
    )


def _tasks(case: Case) -> Iterator[Model]:
    """Give the intake, and what has to be done by a day: reports and conferences."""
    refused = CodeableConcept(text=DECLINED) if case.phase == "declined" else None
    intake = INTAKE_STATUS.get(case.phase, "completed")
    yield _task(case, "intake", "受付", intake, case.requested, None, refused)
    if case.start is None:
        return
    reported = "requested" if case.phase == "starting" else "completed"
    yield _task(case, "new-report", "新規者の報告", reported, case.start, case.start + timedelta(days=REPORT_WITHIN))
    reviewed = "completed" if case.review else "cancelled" if case.end else "requested"
    due = case.start + timedelta(days=182)
    yield _task(case, "six-month-conference", "6か月時点のカンファレンス", reviewed, case.start, due)
    if case.end:
        yield _task(
            case, "closure-report", "終了者の報告", "completed", case.end, case.end + timedelta(days=REPORT_WITHIN)
        )


def _task(
    case: Case, code: str, name: str, status: str, asked: date, due: date | None, reason: Model | None = None
) -> Model:
    asker = requester(case) if code == "intake" else case.town.reference
    changed = asked if status == "requested" else min(AS_OF, (due or asked + timedelta(days=3)))
    return Task(
        id=f"{case.id}-task-{code}",
        status=status,
        statusReason=reason,
        intent="order",
        code=CodeableConcept(**INTAKE) if code == "intake" else concept(CASE_TASK, code, name),
        focus=reference(f"ServiceRequest/{case.id}-request"),
        for_fhir=subject(case),
        authoredOn=at(asked, 9, 30),
        lastModified=at(max(asked, changed), 16, 0),
        requester=asker,
        owner=case.town.reference,
        restriction=TaskRestriction(period=period(asked, due)) if due else None,
    )


def _conference(case: Case, agenda: str, day: date, decision: str) -> Model:
    team = working_in(case.town, "phn", "psw")
    nurse = working_in(HEALTH_CENTRE, "phn")[case.number % 2]
    psychiatrist = working_in(HOSPITAL, "psychiatrist")[case.number % 2]
    present = [
        ("implementing-body", "実施主体", case.town.reference),
        ("implementing-body", "実施主体", team[0].role),
        ("supporter", "支援者", team[-1].role),
        ("supporter", "支援者", nurse.role),
        ("psychiatrist", "精神科医師", psychiatrist.role),
    ]
    if agenda != "selection":
        present.append(("patient", "本人", subject(case)))
    return Procedure(
        id=f"{case.id}-conference-{agenda}",
        extension=of_episode(case.id) if case.start else None,
        status="completed",
        category=CodeableConcept(text="ケースカンファレンス"),
        code=concept(CONFERENCE_AGENDA, agenda, AGENDAS[agenda]),
        subject=subject(case),
        performedPeriod=period(at(day, 13, 30), at(day, 14, 10)),
        performer=[
            ProcedurePerformer(function=concept(CONFERENCE_PARTICIPANT, code, name), actor=actor)
            for code, name, actor in present
        ],
        outcome=concept(CONFERENCE_DECISION, decision, DECISIONS[decision]),
        note=[Annotation(text=DECLINED)] if decision == "decline" else None,
    )


def _episode(case: Case) -> Model:
    code = case.category
    extensions = [
        extension(TARGET_CATEGORY, valueCodeableConcept=concept(TARGET_CATEGORY_CODES, code.code, code.name)),
    ]
    if code.code == "post-long-admission":
        admitted = case.requested - timedelta(days=400 + case.number * 37 % 3000)
        extensions.append(extension(LAST_ADMISSION, valuePeriod=period(admitted, case.requested + timedelta(days=10))))
    if case.closure:
        extensions.append(extension(CLOSURE_REASON_URL, valueCodeableConcept=concept(CLOSURE_REASON, *case.closure)))
    return EpisodeOfCare(
        id=f"{case.id}-episode",
        extension=extensions,
        status=EPISODE_STATUS.get(case.phase, "active"),
        type=[CodeableConcept(text="アウトリーチ支援")],
        patient=subject(case),
        managingOrganization=case.town.reference,
        period=period(case.start, case.end) if case.start else None,
        referralRequest=[reference(f"ServiceRequest/{case.id}-request")],
        careManager=working_in(case.town, "phn")[0].role if case.phase not in UNSUPPORTED else None,
        team=[reference(f"CareTeam/{case.id}-team")] if case.start else None,
    )


CLOSURE_REASON_URL = CLOSURE_REASON.replace("/CodeSystem/", "/StructureDefinition/")
