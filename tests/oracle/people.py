"""Made-up people of Japan with what is recorded of them: names in kanji and kana, dates on the edges, many units."""

from decimal import Decimal
from random import Random
from typing import Any

from fhir_service.fhir.resource import Resource

FAMILIES = (
    ("山田", "ヤマダ"),
    ("渡辺", "ワタナベ"),
    ("さくら", "サクラ"),
    ("O'Brien", "オブライエン"),
    ("Núñez Ruiz", "ヌニェス"),
)
GIVEN = (("太郎", "タロウ"), ("花子", "ハナコ"), ("Anne-Marie", "アンマリー"))
SYSTEMS = ("http://loinc.org", "urn:oid:1.2.392.200119.4.504", None)
CODES = ("8867-4", "a,b", "x|y", "p$q", "back\\slash", "診断")
DATES = (
    "2026", "2026-03", "2026-03-01", "2026-02-28", "2024-02-29", "2026-03-01T00:00:00+09:00", "2026-02-28T15:00:00Z",
    "2026-03-01T08:59:59.999+09:00", "2026-03-01T09:00:00Z", "2026-12-31T23:59:59+09:00", "2027-01-01",
)  # fmt: skip
UNITS = (
    ("http://unitsofmeasure.org", "mg", "mg"),
    ("http://unitsofmeasure.org", "kg", "キロ"),
    ("http://unitsofmeasure.org", "g", "g"),
    ("http://unitsofmeasure.org", "mmol/L", "mmol/L"),
    (None, None, "mg"),
    (None, None, None),
)
NUMBERS = (
    "5400",
    "0.0000054",
    "0.00545",
    "5350",
    "0",
    "5.4",
    "5.40",
    "5.35",
    "5.45",
    "-1",
    "100",
    "99.5",
    "100.5",
    "1e3",
    "0.0054",
)


def made(random: Random, count: int) -> list[Resource]:
    """Return so many people and what belongs to them."""
    resources: list[Resource] = [_practitioner(random, number) for number in range(5)]
    for number in range(count):
        resources.append(_patient(random, number))
        for each in range(3):
            resources.append(_observation(random, f"o{number}-{each}", number))
        resources.append(_encounter(random, number))
    return resources


def _name(random: Random) -> dict[str, Any]:
    family, given = random.choice(FAMILIES), random.choice(GIVEN)
    form = random.randrange(2)
    name: dict[str, Any] = {"family": family[form], "given": [given[form]]}
    return name | {"text": f"{family[form]}\u3000{given[form]}"} if random.random() < 0.5 else name


def _patient(random: Random, number: int) -> Resource:
    patient: Resource = {
        "resourceType": "Patient",
        "id": f"p{number}",
        "name": [_name(random) for _ in range(random.choice((1, 2)))],
    }
    if random.random() < 0.8:
        patient["birthDate"] = random.choice(("1970", "1970-01", "1970-01-01", "1969-12-31", "1980-05-05"))
    if random.random() < 0.7:
        patient["gender"] = random.choice(("male", "female"))
    if random.random() < 0.5:
        patient["generalPractitioner"] = [{"reference": f"Practitioner/d{random.randrange(5)}"}]
    if random.random() < 0.6:
        patient["telecom"] = [
            {
                "system": "phone",
                "value": random.choice(("03-1234-5678", "０３１２３４５６７８", "+81 3-1234-5678", "a@b.example")),
            }
        ]
    if random.random() < 0.5:
        patient["address"] = [
            {
                "state": "東京都",
                "city": random.choice(("港区", "千代田区")),
                "line": ["芝公園1-2-3"],
                "postalCode": "105-0011",
            }
        ]
    patient["identifier"] = [{"system": "urn:oid:1.2.3", "value": str(number % 7)}]
    if random.random() < 0.4:
        patient["identifier"].append(
            {"value": random.choice(CODES), "type": {"coding": [{"system": "http://t.example", "code": "MR"}]}}
        )
    if random.random() < 0.3:
        patient["active"] = random.random() < 0.5
    return patient


def _practitioner(random: Random, number: int) -> Resource:
    return {
        "resourceType": "Practitioner",
        "id": f"d{number}",
        "name": [_name(random)],
        "identifier": [{"system": "urn:x", "value": f"d{number}"}],
    }


def _concept(random: Random) -> dict[str, Any]:
    coding = {
        "system": random.choice(SYSTEMS),
        "code": random.choice(CODES),
        "display": random.choice(("Heart rate", "心拍数", None)),
    }
    concept: dict[str, Any] = {"coding": [{name: value for name, value in coding.items() if value}]}
    return concept | {"text": "脈拍"} if random.random() < 0.3 else concept


def _quantity(random: Random) -> dict[str, Any]:
    system, code, unit = random.choice(UNITS)
    made = {"value": Decimal(random.choice(NUMBERS)), "system": system, "code": code, "unit": unit}
    if random.random() < 0.2:
        made["comparator"] = random.choice(("<", "<=", ">=", ">"))
    return {name: value for name, value in made.items() if value is not None}


def _observation(random: Random, id_: str, patient: int) -> Resource:
    subject: dict[str, Any] = {
        "reference": random.choice((f"Patient/p{patient}", f"http://fhir.example/fhir/Patient/p{patient}"))
    }
    if random.random() < 0.1:
        subject = {"identifier": {"system": "urn:oid:1.2.3", "value": str(patient % 7)}}
    observation: Resource = {
        "resourceType": "Observation", "id": id_, "status": random.choice(("final", "amended")), "subject": subject,
        "code": _concept(random),
    }  # fmt: skip
    if random.random() < 0.4:
        observation["effectiveDateTime"] = random.choice(DATES)
    elif random.random() < 0.8:
        start, end = sorted(random.sample([date for date in DATES if len(date) == 10], 2))
        period = {"start": start, "end": end}
        if random.random() < 0.3:
            period.pop(random.choice(("start", "end")))
        observation["effectivePeriod"] = period
    if random.random() < 0.6:
        observation["valueQuantity"] = _quantity(random)
    elif random.random() < 0.5:
        observation["valueCodeableConcept"] = _concept(random)
    if random.random() < 0.4:
        observation["component"] = [{"code": _concept(random), "valueQuantity": _quantity(random)} for _ in range(2)]
    if random.random() < 0.3:
        observation["performer"] = [{"reference": f"Practitioner/d{random.randrange(5)}"}, {"reference": "#x"}]
        observation["contained"] = [{"resourceType": "Practitioner", "id": "x", "name": [_name(random)]}]
    return observation


def _encounter(random: Random, patient: int) -> Resource:
    return {
        "resourceType": "Encounter", "id": f"e{patient}", "status": "finished",
        "class": {"system": "urn:c", "code": random.choice(("AMB", "HH"))},
        "subject": {"reference": f"Patient/p{patient}/_history/1" if random.random() < 0.3 else f"Patient/p{patient}"},
        "length": {
            "value": random.choice((30, Decimal("0.5"))), "unit": "min", "code": "min",
            "system": "http://unitsofmeasure.org",
        },
        "period": {"start": random.choice([date for date in DATES if len(date) > 10])},
    }  # fmt: skip
