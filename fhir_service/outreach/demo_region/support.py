"""The support itself: team, goals, individual plan and crisis plan, visits, and what was observed."""

from collections.abc import Iterator
from datetime import timedelta

from fhir.resources.R4B.careplan import CarePlan, CarePlanActivity, CarePlanActivityDetail
from fhir.resources.R4B.careteam import CareTeam, CareTeamParticipant
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.encounter import Encounter, EncounterParticipant
from fhir.resources.R4B.goal import Goal, GoalTarget
from fhir.resources.R4B.observation import Observation

from fhir_service.outreach.codes import (
    CARE_TEAM_KIND,
    CRISIS_PLAN,
    OBSERVATION_CATEGORY,
    ORGANIZATION_KIND,
    PARTICIPATION,
    PERFORMING_ORGANIZATION_TYPE,
    PLAN_DOMAIN,
    PLAN_KIND,
    SCALE,
    TEAM_FUNCTION,
    V3_ACT_CODE,
    V3_PARTICIPATION,
    VISIT_KIND,
)
from fhir_service.outreach.demo_region.facts import Case, Visit
from fhir_service.outreach.demo_region.models import (
    Model,
    at,
    coding,
    concept,
    extension,
    of_episode,
    period,
    phone,
    reference,
)
from fhir_service.outreach.demo_region.person import subject
from fhir_service.outreach.demo_region.places import CONSULTATION, HEALTH_CENTRE, HOSPITAL, NURSING, TEAM_PHONE
from fhir_service.outreach.demo_region.staff import Member, profession, working_in

# As the programme calls them, and as R4 does.
VISITOR = [
    coding(PARTICIPATION, "visitor", "訪問者"),
    coding(V3_PARTICIPATION, "PPRF", "primary performer"),
]
COMPANION = [
    coding(PARTICIPATION, "accompanying-phc-phn", "保健所保健師の同行"),
    coding(V3_PARTICIPATION, "SPRF", "secondary performer"),
]
PLAN_STATUS = {"closed": "completed", "fading": "on-hold"}
GOAL_STATUS = {"closed": "completed"}
GOALS = (
    ("自分の部屋で、自分のペースで暮らす", "暮らしの場", "6か月後も、いまの住まいで暮らしている"),
    ("困ったときに、3日以内に誰かに話す", "相談", "困りごとを月に2回以上、誰かに話せている"),
    ("好きなことのために、週に1回外に出る", "外出", "週に1回以上、外出している"),
    ("ご家族と、落ち着いて話せる時間を持つ", "家族", "月に1回、家族と話す時間を持てている"),
)
# The six domains of the official plan form (別紙様式51の2).
DOMAINS = (
    ("environment", "環境要因", "住まいの手続きと支払いを一緒に確かめる。"),
    ("activity", "生活機能(活動)", "食事と買い物の工夫を一緒に考える。"),
    ("participation", "社会参加", "行ってみたい場所を一緒に見学する。"),
    ("condition", "心身の状態", "睡眠と疲れやすさを、毎回一緒に振り返る。"),
    ("continuity", "支援継続に関する課題", "薬と通院について、困ることを主治医に伝える。"),
    ("behaviour", "行動に関する課題", "調子を崩しかけたときは、クライシスプランに沿って動く。"),
)
CRISIS = (
    ("own-signs", "自分でわかるサイン", "眠れない夜が続く。人の声が気になる。"),
    ("others-signs", "周りが気づくサイン", "電話に出る声が小さい。カーテンが閉まったまま。"),
    ("own-actions", "自分がすること", "横になって休む。チームに電話する。"),
    ("others-actions", "周りがすること", "急がせずに話を聞く。翌日に訪問する。"),
    ("contacts", "緊急連絡先", "1. 支援チーム(24時間) 2. 訪問看護ステーション 3. ご家族"),
)


def support(case: Case) -> Iterator[Model]:
    """Give what belongs to a case whose support has begun."""
    if case.start is None:
        return
    yield _team(case)
    goals = [GOALS[case.number % len(GOALS)], GOALS[(case.number + 1) % len(GOALS)]]
    yield from (_goal(case, i, *goal) for i, goal in enumerate(goals, 1))
    yield _plan(case, "individual-support", "個別支援計画", PLAN_DOMAIN, DOMAINS)
    yield _plan(case, "crisis", "クライシスプラン", CRISIS_PLAN, CRISIS)
    yield from (_encounter(case, i, visit) for i, visit in enumerate(case.visits, 1))
    yield from _observations(case)


def _lead(case: Case) -> Member:
    return working_in(case.town, "phn")[0]


def _team(case: Case) -> Model:
    members = [
        *working_in(case.town, "phn", "psw"),
        working_in(HEALTH_CENTRE, "phn")[case.number % 2],
        working_in(NURSING, "nurse")[case.number % 2],
        *(working_in(CONSULTATION, "consultation-support-specialist") if case.number % 3 else ()),
        *(working_in(CONSULTATION, "peer-supporter") if case.number % 4 == 0 else ()),
    ]
    psychiatrist = working_in(HOSPITAL, "psychiatrist")[case.number % 2]
    liaison = concept(TEAM_FUNCTION, "psychiatrist-liaison", "精神科医師との連携")
    return CareTeam(
        id=f"{case.id}-team",
        extension=of_episode(case.id),
        status="active" if case.end is None else "inactive",
        category=[concept(CARE_TEAM_KIND, "outreach-team", "アウトリーチチーム")],
        name=f"{case.town.name}アウトリーチ支援チーム",
        subject=subject(case),
        period=period(case.start, case.end),
        participant=[
            *(CareTeamParticipant(role=[profession(each.profession)], member=each.role) for each in members),
            CareTeamParticipant(role=[liaison], member=psychiatrist.role),
            CareTeamParticipant(role=[CodeableConcept(text="本人")], member=subject(case)),
        ],
        managingOrganization=[case.town.reference],
        telecom=[phone(TEAM_PHONE[case.town.id])],
    )


def _goal(case: Case, number: int, description: str, measure: str, detail: str) -> Model:
    assert case.start is not None
    due = case.start + timedelta(days=182)
    return Goal(
        id=f"{case.id}-goal-{number}",
        lifecycleStatus=GOAL_STATUS.get(case.phase, "active"),
        description=CodeableConcept(text=description),
        subject=subject(case),
        startDate=case.start,
        target=[GoalTarget(measure=CodeableConcept(text=measure), detailString=detail, dueDate=due)],
        expressedBy=subject(case),
    )


def _plan(case: Case, kind: str, title: str, system: str, rows: tuple[tuple[str, str, str], ...]) -> Model:
    assert case.start is not None
    status = "in-progress" if case.end is None else "completed"
    return CarePlan(
        id=f"{case.id}-plan-{kind}",
        extension=of_episode(case.id),
        status=PLAN_STATUS.get(case.phase, "active"),
        intent="plan",
        category=[concept(PLAN_KIND, kind, title)],
        title=title,
        subject=subject(case),
        period=period(case.start, case.end or case.start + timedelta(days=182 * (2 if case.review else 1))),
        created=case.start,
        author=_lead(case).role,
        careTeam=[reference(f"CareTeam/{case.id}-team")],
        goal=[reference(f"Goal/{case.id}-goal-{i}") for i in (1, 2)],
        activity=[
            CarePlanActivity(
                detail=CarePlanActivityDetail(code=concept(system, code, name), status=status, description=text)
            )
            for code, name, text in rows
        ],
    )


def _encounter(case: Case, number: int, visit: Visit) -> Model:
    code, name, class_code, class_name = visit.kind
    people = [(VISITOR, _lead(case))]
    if class_code == "HH":
        companion = working_in(HEALTH_CENTRE, "phn")[case.number % 2]
        people.append((COMPANION, companion))
    begin = at(visit.day, visit.hour)
    return Encounter(
        id=f"{case.id}-visit-{number:02d}",
        extension=[
            extension(
                PERFORMING_ORGANIZATION_TYPE, valueCoding=coding(ORGANIZATION_KIND, case.town.kind, case.town.kind_ja)
            )
        ],
        status="finished",
        class_fhir=coding(V3_ACT_CODE, class_code, class_name),
        type=[concept(VISIT_KIND, code, name)],
        subject=subject(case),
        episodeOfCare=[reference(f"EpisodeOfCare/{case.id}-episode")],
        participant=[
            EncounterParticipant(type=[CodeableConcept(coding=role)], individual=member.role) for role, member in people
        ],
        period=period(begin, begin + timedelta(minutes=visit.minutes)),
        reasonCode=[CodeableConcept(text=visit.reason)],
        serviceProvider=case.town.reference,
    )


def _observations(case: Case) -> Iterator[Model]:
    visits = {visit.day: number for number, visit in enumerate(case.visits, 1)}
    for number, (day, score) in enumerate(case.gaf, 1):
        encounter = reference(f"Encounter/{case.id}-visit-{visits[day]:02d}")
        yield Observation(
            id=f"{case.id}-gaf-{number:02d}",
            extension=of_episode(case.id),
            status="final",
            category=[concept(OBSERVATION_CATEGORY, "survey", "Survey")],
            code=concept(SCALE, "gaf", "GAF", "機能の全体的評定(GAF)"),
            subject=subject(case),
            encounter=encounter,
            effectiveDateTime=day,
            performer=[_lead(case).role],
            valueInteger=score,
        )
    for number, day in enumerate(filter(None, (case.start, case.review, case.end)), 1):
        yield Observation(
            id=f"{case.id}-organizations-{number}",
            extension=of_episode(case.id),
            status="final",
            category=[concept(OBSERVATION_CATEGORY, "survey", "Survey")],
            code=concept(SCALE, "supporting-organization-count", "支援機関数"),
            subject=subject(case),
            effectiveDateTime=day,
            valueInteger=min(6, 1 + number + case.number % 2),
        )
