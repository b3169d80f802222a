"""Which Patient of this server a document is about: by the numbers that name one person, never by name or birthday.

The numbers are the patient number of a medical institution (施設患者番号) and the insured person's own identifier
(被保険者個人識別子) of JP Core. A stored Patient is not overwritten by what a document says of them.
https://jpfhir.jp/fhir/core/StructureDefinition-jp-patient.html
"""

from itertools import product

from fhir_service.fhir.json import decode
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.nfkc import nfkc
from fhir_service.interactions.services import Services
from fhir_service.outreach.codes import INSURANCE_MEMBER, OUTREACH_CLIENT_ID, PATIENT_NUMBER
from fhir_service.outreach.matching import Matched, ambiguous, by_identifier, found, pairs

TO_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


async def match_patient(patient: Resource, expression: str, services: Services) -> Matched:
    """Return the Patient of this server who has one of the numbers; 409 if two have."""
    spellings = [(system, each) for system, value in personal_numbers(patient) for each in _spellings(system, value)]
    if not spellings:
        return Matched(None, issues=(_unnumbered(expression),))
    versions, condition = await found(by_identifier("Patient", spellings, services), services)
    if len(versions) > 1:
        raise ambiguous("患者", "patient", versions, expression)
    if not versions:
        return Matched(None, (condition,))

    stored: Resource = decode(versions[0].body)
    contradictions = [*_contradictions(stored, patient, str(versions[0].key), expression)]
    if contradictions:
        return Matched(versions[0], (condition,), tuple(contradictions))
    added = _absent_identifiers(stored, patient)
    if not added:
        return Matched(versions[0], (condition,))
    amended = stored | {"identifier": [*stored.get("identifier", []), *added]}
    return Matched(versions[0], (condition,), (_extended(str(versions[0].key), added, expression),), amended)


def personal_numbers(patient: Resource) -> list[tuple[str, str]]:
    """Return the identifiers (system, value) that name one person."""
    return [(system, value) for system, value in pairs(patient) if _is_personal(system, value)]


def normal(system: str, value: str) -> str:
    """Return the value as it is compared: without differences of width in an insured person's identifier."""
    return nfkc(value).strip() if system == INSURANCE_MEMBER else value


def _is_personal(system: str, value: str) -> bool:
    if system == INSURANCE_MEMBER:
        # 保険者番号:記号:番号:枝番. Without the branch number (枝番) it names a household, not a person.
        parts = normal(system, value).split(":")
        return len(parts) == 4 and all(parts[i] for i in (0, 2, 3))
    return system.startswith(PATIENT_NUMBER) or system == OUTREACH_CLIENT_ID


def _spellings(system: str, value: str) -> list[str]:
    """Return every way the value may be stored: 記号 and 番号 are written with half-width or full-width characters."""
    if system != INSURANCE_MEMBER:
        return [value]
    insurer, *middle, branch = normal(system, value).split(":")
    ways = product(*((part, part.translate(TO_WIDE)) for part in middle))
    return list(dict.fromkeys([value, *(":".join((insurer, *way, branch)) for way in ways)]))


def _absent_identifiers(stored: Resource, patient: Resource) -> list[Resource]:
    present = {(system, normal(system, value)) for system, value in pairs(stored)}
    return [
        each
        for each in patient.get("identifier", ())
        if each.get("system")
        and each.get("value")
        and (each["system"], normal(each["system"], each["value"])) not in present
    ]


# Element of Patient, its Japanese name, and a value that contradicts nothing.
COMPARED = (("birthDate", "生年月日", ""), ("gender", "性別", "unknown"))


def _contradictions(stored: Resource, patient: Resource, key: str, expression: str) -> list[Issue]:
    issues = []
    for name, name_ja, neutral in COMPARED:
        ours, theirs = stored.get(name, neutral), patient.get(name, neutral)
        # A date may be given to the year or month only: the shorter one then agrees if the longer begins with it.
        agree = neutral in (ours, theirs) if neutral else ours.startswith(theirs) or theirs.startswith(ours)
        if ours == theirs or agree:
            continue
        issues.append(
            Issue(
                "business-rule",
                f"番号が一致する{key}の{name_ja}({ours})が文書({theirs})と異なります。{key}はそのままにし、番号の追加もしていません。"
                "同じ方か確認してください。",
                f"{key}, who has the same number, has another {name} ({ours}) than the document ({theirs}). {key} is "
                "left as it is and given no identifiers; please check that it is the same person.",
                (f"{expression}.{name}",),
                severity="warning",
            )
        )
    return issues


def _unnumbered(expression: str) -> Issue:
    return Issue(
        "business-rule",
        "患者を見分ける番号(施設患者番号、枝番付きの被保険者個人識別子)がないため、新しい患者として登録しました。"
        "重複がないか確認してください。",
        "The patient has no number to be known by (patient number, or insurance member id with its branch number), so "
        "a new Patient was made; please check for a duplicate.",
        (f"{expression}.identifier",),
        severity="warning",
    )


def _extended(key: str, added: list[Resource], expression: str) -> Issue:
    shown = ", ".join(f"{each['system']}|{each['value']}" for each in added)
    return Issue(
        "informational",
        f"{key}に、文書にある番号を加えました({shown})。ほかの項目は変えていません。",
        f"{key} was given the identifiers of the document ({shown}); nothing else of it was changed.",
        (f"{expression}.identifier",),
        severity="information",
    )
