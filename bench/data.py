"""The data that is measured: invented, the same in every run, about 1 KB a resource.

A patient has twenty observations and each code stands in twenty observations, so that a search by either finds twenty.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Resource = dict[str, Any]

HITS = 20  # observations of a patient, and of a code
CODES = "https://example.jp/fhir/bench/CodeSystem/item"
NUMBERS = "https://example.jp/fhir/bench/IdSystem/number"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
FAMILIES = (
    ("佐藤", "サトウ"),
    ("鈴木", "スズキ"),
    ("高橋", "タカハシ"),
    ("田中", "タナカ"),
    ("伊藤", "イトウ"),
    ("渡辺", "ワタナベ"),
)
GIVENS = (("陽子", "ヨウコ"), ("健一", "ケンイチ"), ("美咲", "ミサキ"), ("翔太", "ショウタ"), ("和子", "カズコ"))
REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def patients_of(size: int) -> int:
    """Return how many patients a data set of `size` resources has."""
    return size // (HITS + 1)


def dataset(size: int) -> Iterator[Resource]:
    """Yield `size` resources (rounded down to whole patients): all patients, then all observations."""
    count = patients_of(size)
    for number in range(count):
        yield patient(f"p{number}", str(number))
    for number in range(count * HITS):
        yield observation(f"o{number}", f"Patient/p{number % count}", code=number // HITS, number=number)


def write_ndjson(file: Path, resources: Iterator[Resource]) -> int:
    """Write NDJSON; return how many resources there are."""
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for resource in resources:
            out.write(json.dumps(resource, ensure_ascii=False) + "\n")
            count += 1
    return count


def patient(name: str, number: str) -> Resource:
    seed = sum(map(ord, name + number))
    family, family_kana = FAMILIES[seed % len(FAMILIES)]
    given, given_kana = GIVENS[seed % len(GIVENS)]
    return {
        "resourceType": "Patient",
        "id": name,
        "identifier": [{"use": "official", "type": {"text": "患者番号"}, "system": NUMBERS, "value": number}],
        "active": True,
        "name": [
            _name(family, given, "IDE"),
            _name(family_kana, given_kana, "SYL"),
        ],
        "telecom": [
            {"system": "phone", "value": "000-0000-0000", "use": "mobile"},
            {"system": "email", "value": "nobody@example.jp"},
        ],
        "gender": ("female", "male")[seed % 2],
        "birthDate": f"{1940 + seed % 60}-{1 + seed % 12:02}-{1 + seed % 28:02}",
        "address": [
            {
                "use": "home",
                "text": "〒000-0000 見本県あおば市本町一丁目2番3号",
                "line": ["本町一丁目2番3号"],
                "city": "あおば市",
                "state": "見本県",
                "postalCode": "000-0000",
                "country": "JP",
            }
        ],
        "contact": [{"relationship": [{"text": "長女"}], "name": {"text": f"{family} 家族"}}],
    }


def observation(name: str, subject: str, *, code: int, number: int) -> Resource:
    return {
        "resourceType": "Observation",
        "id": name,
        "identifier": [{"system": NUMBERS, "value": f"o-{number}"}],
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "survey", "display": "Survey"}]}],
        "code": {
            "coding": [{"system": CODES, "code": f"c{code}", "display": f"見本の項目 {code}"}],
            "text": "見本の項目",
        },
        "subject": {"reference": subject},
        "effectiveDateTime": _time(number),
        "issued": "2026-04-01T10:00:00.000+09:00",
        "performer": [{"display": "見本保健所 保健師"}],
        "valueQuantity": {
            "value": 20 + (number * 2_654_435_761 >> 7) % 80,  # no pattern that the dates have, too
            "unit": "点",
            "system": "http://unitsofmeasure.org",
            "code": "{score}",
        },
        "interpretation": [{"text": "経過を見る"}],
        "note": [{"text": "訪問時に聞き取り。生活のリズムは保たれており、服薬は家族が声をかけて続いている。"}],
    }


def transaction(number: int, entries: int) -> Resource:
    """Return a transaction that makes one patient and observations that refer to it by `urn:uuid:`."""
    who = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
    made: list[tuple[str, Resource]] = [(who, patient("x", f"t-{number}"))]
    made += [
        (f"urn:uuid:00000000-0000-4000-9000-{each:012d}", observation("x", who, code=each, number=number * 1000 + each))
        for each in range(1, entries)
    ]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": url,
                "resource": without_id(resource),
                "request": {"method": "POST", "url": resource["resourceType"]},
            }
            for url, resource in made
        ],
    }


def without_id(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "id"}


def _time(number: int) -> str:
    return f"20{10 + number % 15}-{1 + number % 12:02}-{1 + number % 28:02}T09:{number % 60:02}:00+09:00"


def _name(family: str, given: str, representation: str) -> Resource:
    return {
        "extension": [{"url": REPRESENTATION, "valueCode": representation}],
        "use": "official",
        "text": f"{family} {given}",
        "family": family,
        "given": [given],
    }
