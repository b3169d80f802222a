"""How like two Patients are: what agrees and what contradicts, weighed, and the grade that this makes.

Names are compared folded (`fhir/search/fold.py`): width, hiragana and katakana, old and new kanji make no difference.
https://hl7.org/fhir/R4/patient-operation-match.html and https://hl7.org/fhir/R4/extension-match-grade.html
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.nfkc import nfkc

Grade = Literal["certain", "probable", "possible", "certainly-not"]

# https://jpfhir.jp/fhir/core/: 被保険者個人識別子, and the patient numbers of medical institutions.
INSURANCE_MEMBER = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"
PATIENT_NUMBER = "urn:oid:1.2.392.100495.20.3.51.1"  # followed by the 10 digits of the institution

# Points of a hundred. A number that names one person nearly settles it, but not against name and birth date, because
# numbers are mistyped and cards are lent. Without one, nobody is certain: in a city of 200,000 several share name and
# birth date. What contradicts weighs more than what agrees: a wrong match shows one person's record to another's carer.
WEIGHTS: dict[str, int] = {
    "personal number": 80,  # insurance member id with branch number, or the patient number of one institution
    "other number": 40,  # another identifier of the same system: we do not know whom its system numbers
    "another number": -40,  # at the same institution; insurance changes with the job, so that says nothing
    "name": 25,  # family and given, in kanji or in kana
    "both names": 30,  # in kanji and in kana: kanji are read in many ways, and a reading is written in many
    "family name": 5,  # the given name is another, or unknown: as in one household
    "no name": -30,
    "birth date": 25,
    "birth date in part": 10,  # one is less precise, or they differ in one digit, or day and month are swapped
    "no birth date": -40,
    "sex": 5,
    "no sex": -25,  # male against female; other and unknown contradict nothing
    "phone": 10,  # shared in a household
    "address": 10,  # shared in a household
    "town": 3,
}
# 55 is name, birth date and sex; 35 is less the given name (a twin, or a name that was changed).
LEAST: tuple[tuple[int, Grade], ...] = ((95, "certain"), (55, "probable"), (35, "possible"))
_NUMBERED = frozenset({"personal number"})

_KANA = re.compile(r"[ァ-ヺー]+").fullmatch
_NOT_DIGIT = re.compile(r"\D")


class Likeness(NamedTuple):
    """`points` from 0 to 100, and what made them (the names of WEIGHTS)."""

    points: int
    found: tuple[str, ...]

    @property
    def score(self) -> Decimal:
        """Return the points as `Bundle.entry.search.score`: 0.00 to 1.00."""
        return Decimal(self.points).scaleb(-2)

    @property
    def grade(self) -> Grade | None:
        """Return the grade; None if they are just two people. Who has the same number and is not meant is told so."""
        grade = next((grade for least, grade in LEAST if self.points >= least), None)
        if grade == "certain" and not _NUMBERED.intersection(self.found):
            return "probable"
        return grade or ("certainly-not" if _NUMBERED.intersection(self.found) else None)


def likeness(asked: Resource, known: Resource) -> Likeness:
    """Return how like these two Patients are."""
    found = (*_numbers(asked, known), *_names(asked, known), *_birth(asked, known), *_sex(asked, known))
    found = (*found, *_phones(asked, known), *_addresses(asked, known))
    return Likeness(max(0, min(100, sum(WEIGHTS[each] for each in found))), found)


class Names(NamedTuple):
    """The folded names of a person, family and given together, and the family names alone."""

    kanji: frozenset[str]
    kana: frozenset[str]
    family: frozenset[str]


def names_of(patient: Resource) -> Names:
    """Return the names of a Patient; `text` stands for what is not taken apart."""
    whole, family = set(), set()
    for name in _objects(patient, "name"):
        given = name.get("given", ())
        if name.get("family") and given:
            whole.add(fold("".join((name["family"], *(each for each in given if each)))))
        elif name.get("text"):
            whole.add(fold(name["text"]))
        if name.get("family"):
            family.add(fold(name["family"]))
    kana = {each for each in whole if _KANA(each)}
    return Names(frozenset(whole - kana), frozenset(kana), frozenset(family))


def identifiers_of(patient: Resource) -> set[tuple[str, str]]:
    """Return the identifiers with system and value; an insurance member id without differences of width."""
    pairs = ((each.get("system"), each.get("value")) for each in _objects(patient, "identifier"))
    return {
        (system, nfkc(value).strip() if system == INSURANCE_MEMBER else value)
        for system, value in pairs
        if system and value
    }


def is_personal(system: str, value: str) -> bool:
    """Whether an identifier names one person: an insurance member id does so with its branch number (枝番)."""
    if system == INSURANCE_MEMBER:
        parts = value.split(":")  # 保険者番号:記号:番号:枝番
        return len(parts) == 4 and all(parts[n] for n in (0, 2, 3))
    return system.startswith(PATIENT_NUMBER)


def phones_of(patient: Resource) -> set[str]:
    """Return the digits of the telephone numbers."""
    points = [
        each for each in _objects(patient, "telecom") if each.get("system") in ("phone", "sms") and each.get("value")
    ]
    digits = {_NOT_DIGIT.sub("", nfkc(each["value"])) for each in points}
    return {"0" + each[2:] if each.startswith("81") and len(each) > 10 else each for each in digits if each}


def _numbers(asked: Resource, known: Resource) -> Iterator[str]:
    ours, theirs = identifiers_of(asked), identifiers_of(known)
    both = ours & theirs
    if any(is_personal(*each) for each in both):
        yield "personal number"
    elif any(system != INSURANCE_MEMBER for system, _ in both):  # without its branch number it names a household
        yield "other number"
    numbered = {system for system, _ in theirs if system.startswith(PATIENT_NUMBER)}
    if any(system in numbered for system, _ in ours - theirs) and not both:
        yield "another number"


def _names(asked: Resource, known: Resource) -> Iterator[str]:
    ours, theirs = names_of(asked), names_of(known)
    agree = [bool(a & b) for a, b in ((ours.kanji, theirs.kanji), (ours.kana, theirs.kana))]
    contradict = [bool(a and b and not a & b) for a, b in ((ours.kanji, theirs.kanji), (ours.kana, theirs.kana))]
    if any(agree):
        yield "both names" if all(agree) else "name"
    elif ours.family & theirs.family:
        yield "family name"
    elif any(contradict):
        yield "no name"


def _birth(asked: Resource, known: Resource) -> Iterator[str]:
    ours, theirs = asked.get("birthDate"), known.get("birthDate")
    if not ours or not theirs:
        return
    if ours == theirs:
        yield "birth date" if len(ours) == len("1968-03-14") else "birth date in part"
    elif ours.startswith(theirs) or theirs.startswith(ours) or _mistyped(ours, theirs):
        yield "birth date in part"
    else:
        yield "no birth date"


def _mistyped(ours: str, theirs: str) -> bool:
    """Whether two whole dates differ in one digit, or by day and month."""
    if len(ours) != len(theirs):
        return False
    year, _, rest = ours.partition("-")
    swapped = f"{year}-{'-'.join(reversed(rest.split('-')))}"
    return swapped == theirs or sum(a != b for a, b in zip(ours, theirs, strict=True)) == 1


def _sex(asked: Resource, known: Resource) -> Iterator[str]:
    ours, theirs = asked.get("gender"), known.get("gender")
    if ours in ("male", "female") and theirs in ("male", "female"):
        yield "sex" if ours == theirs else "no sex"


def _phones(asked: Resource, known: Resource) -> Iterator[str]:
    if phones_of(asked) & phones_of(known):
        yield "phone"


def _addresses(asked: Resource, known: Resource) -> Iterator[str]:
    ours, theirs = ([*_objects(each, "address")] for each in (asked, known))
    if _said(ours, _whole) & _said(theirs, _whole):
        yield "address"
    elif _said(ours, _town) & _said(theirs, _town):
        yield "town"


def _said(addresses: Iterable[Any], way: Any) -> set[str]:
    return {folded for each in addresses if (folded := way(each))}


def _whole(address: Any) -> str:
    """Return state, city and lines; `text` if it is not taken apart."""
    lines = [line for line in address.get("line", ()) if line]
    if address.get("city") and lines:
        return fold("".join((address.get("state") or "", address["city"], *lines)))
    return fold(address.get("text") or "")


def _town(address: Any) -> str:
    return fold(address.get("postalCode") or "") or fold(f"{address.get('state') or ''}{address.get('city') or ''}")


def _objects(patient: Resource, name: str) -> Iterator[Any]:
    return (each for each in patient.get(name, ()) if isinstance(each, dict))
