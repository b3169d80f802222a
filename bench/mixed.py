"""One resource of each type of the mixed loop. `@@` stands where each request puts a number of its own."""

import json

from bench.data import CODES, NUMBERS, Resource, observation, patient, without_id

SUBJECT = {"reference": "Patient/p0"}
ORGANIZATION = {"reference": "Organization/bench"}
PRACTITIONER = {"reference": "Practitioner/bench"}
PERIOD = {"start": "2026-04-01T09:00:00+09:00", "end": "2026-04-01T10:00:00+09:00"}
IDENTIFIER = [{"system": NUMBERS, "value": "@@"}]


def concept(text: str, code: str) -> Resource:
    return {"coding": [{"system": CODES, "code": code, "display": text}], "text": text}


def address(line: str) -> Resource:
    return {
        "use": "work",
        "line": [line],
        "city": "あおば市",
        "state": "見本県",
        "postalCode": "000-0000",
        "country": "JP",
    }


def money(value: int) -> Resource:
    return {"value": value, "currency": "JPY"}


LOCATION: Resource = {
    "resourceType": "Location",
    "identifier": IDENTIFIER,
    "status": "active",
    "name": "見本保健所 相談室",
    "mode": "instance",
    "type": [concept("相談室", "room")],
    "telecom": [{"system": "phone", "value": "000-0000-0000"}],
    "address": address("本町一丁目1番1号"),
    "managingOrganization": ORGANIZATION,
}
ORGANIZATION_MADE: Resource = {
    "resourceType": "Organization",
    "identifier": IDENTIFIER,
    "active": True,
    "type": [concept("訪問看護ステーション", "visiting-nurse-station")],
    "name": "見本訪問看護ステーション",
    "alias": ["みほん訪看"],
    "telecom": [{"system": "phone", "value": "000-0000-0000"}],
    "address": [address("本町二丁目2番2号")],
}
PRACTITIONER_MADE: Resource = {
    "resourceType": "Practitioner",
    "identifier": IDENTIFIER,
    "active": True,
    "name": [{"use": "official", "text": "見本 太郎", "family": "見本", "given": ["太郎"]}],
    "telecom": [{"system": "phone", "value": "000-0000-0000"}],
    "gender": "male",
    "qualification": [{"code": concept("保健師", "public-health-nurse")}],
}
ENCOUNTER: Resource = {
    "resourceType": "Encounter",
    "identifier": IDENTIFIER,
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH", "display": "home health"},
    "type": [concept("訪問", "home-visit")],
    "subject": SUBJECT,
    "participant": [{"individual": PRACTITIONER, "period": PERIOD}],
    "period": PERIOD,
    "reasonCode": [concept("服薬の確認と家族の相談", "medication")],
    "serviceProvider": ORGANIZATION,
}
MEDICATION_REQUEST: Resource = {
    "resourceType": "MedicationRequest",
    "identifier": IDENTIFIER,
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": concept("見本錠 2mg", "drug-1"),
    "subject": SUBJECT,
    "authoredOn": "2026-04-01T09:30:00+09:00",
    "requester": PRACTITIONER,
    "dosageInstruction": [
        {
            "text": "1日1回 就寝前 1錠",
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["HS"]}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "錠"}}],
        }
    ],
    "dispenseRequest": {
        "expectedSupplyDuration": {"value": 28, "unit": "日", "system": "http://unitsofmeasure.org", "code": "d"}
    },
}
CLAIM: Resource = {
    "resourceType": "Claim",
    "identifier": IDENTIFIER,
    "status": "active",
    "type": concept("訪問看護療養費", "professional"),
    "use": "claim",
    "patient": SUBJECT,
    "billablePeriod": PERIOD,
    "created": "2026-04-10",
    "provider": ORGANIZATION,
    "priority": concept("通常", "normal"),
    "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "国民健康保険"}}],
    "item": [{"sequence": 1, "productOrService": concept("精神科訪問看護", "visit"), "unitPrice": money(5550)}],
    "total": money(5550),
}
EXPLANATION_OF_BENEFIT: Resource = {
    "resourceType": "ExplanationOfBenefit",
    "identifier": IDENTIFIER,
    "status": "active",
    "type": concept("訪問看護療養費", "professional"),
    "use": "claim",
    "patient": SUBJECT,
    "billablePeriod": PERIOD,
    "created": "2026-05-10",
    "insurer": ORGANIZATION,
    "provider": ORGANIZATION,
    "outcome": "complete",
    "insurance": [{"focal": True, "coverage": {"display": "国民健康保険"}}],
    "item": [{"sequence": 1, "productOrService": concept("精神科訪問看護", "visit"), "net": money(5550)}],
    "payment": {"date": "2026-05-20", "amount": money(3885)},
}
MADE: tuple[Resource, ...] = (
    without_id(patient("x", "@@")),
    LOCATION,
    ORGANIZATION_MADE,
    PRACTITIONER_MADE,
    ENCOUNTER,
    without_id(observation("x", "Patient/p0", code=0, number=1) | {"identifier": IDENTIFIER}),
    MEDICATION_REQUEST,
    CLAIM,
    EXPLANATION_OF_BENEFIT,
)
FIXED: tuple[Resource, ...] = (
    ORGANIZATION_MADE | {"id": "bench"},
    PRACTITIONER_MADE | {"id": "bench"},
)
"""What the others refer to; it is put there before the loop."""


def templates() -> list[tuple[str, str]]:
    """Return (type, JSON text) of each resource of the loop."""
    return [template(resource) for resource in MADE]


def template(resource: Resource) -> tuple[str, str]:
    return resource["resourceType"], json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
