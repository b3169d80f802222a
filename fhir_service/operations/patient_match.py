"""Patient/$match: who on this server may be meant by these data of a person, with a score and a grade for each.

Candidates come from searches by number, name, birth date and telephone, each of a limited size; where there are more,
the answer says so. How they are weighed is in `patient_likeness.py`.
https://hl7.org/fhir/R4/patient-operation-match.html
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fhir_service.fhir.json import decode, encode
from fhir_service.fhir.outcome import Issue, fhir_error, operation_outcome
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.interactions.answers.assembly import bundle
from fhir_service.interactions.apart import LARGE, MANY, has_more
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.interactions.writes.proposal import checked
from fhir_service.operations.parameters import RESOURCE, flag, given, refused, single, whole_number
from fhir_service.operations.patient_likeness import Likeness, identifiers_of, likeness, phones_of
from fhir_service.storage.store import Version

MOST_CANDIDATES = 200
"""Of one search. In a city of 200,000 about ten share a birth date, some hundred a frequent name."""

MOST_SEARCHES = 40
MATCH_GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
_SPECIAL = re.compile(r"[\\,$|]")

Criteria = tuple[tuple[str, str], ...]


class Candidate(NamedTuple):
    version: Version
    likeness: Likeness


async def patient_match(request: FhirRequest, services: Services) -> FhirResponse:
    """Return a searchset of those who may be meant, the likeliest first."""
    parameters = single(given(request, (RESOURCE, "onlyCertainMatches", "count")))
    only_certain = flag("onlyCertainMatches", parameters.get("onlyCertainMatches", "false"))
    count = min(whole_number("count", parameters.get("count", services.max_count)), services.max_count)
    patient = _patient(parameters.get(RESOURCE), services)

    versions, remarks = await _candidates(patient, request.base, services)

    def weighed() -> list[Candidate]:
        return [Candidate(each, likeness(patient, decode(each.body))) for each in versions]

    is_much = sum(len(each.body) for each in versions) > LARGE
    compared = await asyncio.to_thread(weighed) if is_much else weighed()
    graded = sorted(
        (each for each in compared if each.likeness.grade), key=lambda each: (-each.likeness.points, each.version.key)
    )
    if only_certain:
        graded, more = _certain(graded)
        remarks += more
    entries = [_entry(each, request.base) for each in graded[:count]]
    if remarks:
        entries.append(b'{"resource":%b,"search":{"mode":"outcome"}}' % encode(operation_outcome(remarks)))
    links = [("self", f"{request.base}/Patient/$match")]
    return FhirResponse(200, bundle("searchset", links, entries, len(graded)))


OPERATION = Operation(
    name="match",
    definition="http://hl7.org/fhir/OperationDefinition/Patient-match",
    levels=frozenset({"type"}),
    methods=frozenset({"POST"}),
    run=patient_match,
    types=frozenset({"Patient"}),
)


async def _candidates(patient: Resource, base: str, services: Services) -> tuple[list[Version], list[Issue]]:
    """Return whom the searches find, each once, and what there is to say about searches that found too many."""
    asked = [*dict.fromkeys(_searches(patient))][:MOST_SEARCHES]
    if not asked:
        ja = "番号、氏名(姓と名)、生年月日、電話番号のいずれかが必要です。"
        raise fhir_error(
            "required",
            ja,
            "A number, a name with family and given name, a birth date or a telephone number is needed.",
            status=400,
        )
    found: dict[Key, Version] = {}
    remarks: list[Issue] = []
    for criteria in asked:
        parsed = parse_search("Patient", criteria, services.indexer, base=base, now=services.now())
        page = await services.store.search(parsed.query, count=MOST_CANDIDATES)
        found |= {version.key: version for version in page.matches}
        if page.next is not None:
            remarks.append(_too_many(criteria))
    return [*found.values()], remarks


def _searches(patient: Resource) -> Iterator[Criteria]:
    """Yield the searches: each finds who agrees in what few people share."""
    for system, value in sorted(identifiers_of(patient)):
        yield (("identifier", f"{_escaped(system)}|{_escaped(value)}"),)
    for each in patient.get("identifier", ()):
        if each.get("system") and each.get("value"):
            yield (("identifier", f"{_escaped(each['system'])}|{_escaped(each['value'])}"),)
    birth = patient.get("birthDate")
    if birth and len(birth) == len("1968-03-14"):
        yield (("birthdate", birth),)
    for name in patient.get("name", ()):
        given = [each for each in name.get("given", ()) if each]
        if name.get("family") and given:
            yield ("family", _escaped(name["family"])), ("given", _escaped(given[0]))
        elif name.get("text"):
            yield (("name", _escaped(name["text"])),)
        if name.get("family") and birth:
            yield ("family", _escaped(name["family"])), ("birthdate", birth[:4])
    for point in patient.get("telecom", ()):
        if point.get("system") in ("phone", "sms") and point.get("value"):
            yield (("phone", _escaped(point["value"])),)
    for digits in sorted(phones_of(patient)):
        yield (("phone", digits),)


def _certain(graded: Sequence[Candidate]) -> tuple[list[Candidate], list[Issue]]:
    """Return the one who is certain: "if there are multiple potential matches, then the match should not return"."""
    certain = [each for each in graded if each.likeness.grade == "certain"]
    if len(certain) < 2:
        return certain, []
    ja = f"確実とみられる患者が{len(certain)}人います。同じ方か確認してください。"
    en = f"{len(certain)} patients seem certain; please settle whether they are the same."
    return [], [Issue("multiple-matches", ja, en, severity="warning")]


def _patient(resource: object, services: Services) -> Resource:
    match resource:
        case {"resourceType": "Patient"} if isinstance(resource, dict):
            if has_more(resource, MANY):
                ja = f"患者の値は{MANY:,}個までです。"
                raise fhir_error("too-costly", ja, f"The patient can have {MANY:,} values.", status=400)
            checked(resource, services)
            return resource
        case _:
            raise refused(RESOURCE, "にはPatientリソースが必要です", "must be a Patient resource")


def _entry(candidate: Candidate, base: str) -> bytes:
    search = {
        "extension": [{"url": MATCH_GRADE, "valueCode": candidate.likeness.grade}],
        "mode": "match",
        "score": candidate.likeness.score,
    }
    start = f'{{"fullUrl":"{base}/{candidate.version.key}","resource":'
    return b'%b%b,"search":%b}' % (start.encode(), candidate.version.body, encode(search))


def _escaped(text: str) -> str:
    """Return a text as a search value: https://hl7.org/fhir/R4/search.html#escaping."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", text)


def _too_many(criteria: Criteria) -> Issue:
    shared = ", ".join(name for name, _ in criteria)
    ja = f"{shared}が同じ人が{MOST_CANDIDATES}人を超えるため、その一部だけを比べました。"
    en = f"More than {MOST_CANDIDATES} agree in {shared}; only some of them were compared."
    return Issue("incomplete", ja, en, severity="warning")
