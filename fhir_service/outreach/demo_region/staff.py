"""Who works in the region's organisations: practitioners and their roles, with the professions of the programme.

JP Core's table of professions knows no psychiatric social worker, so that both codings are given.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.practitioner import Practitioner, PractitionerQualification
from fhir.resources.R4B.practitionerrole import PractitionerRole

from fhir_service.outreach.codes import MEDICAL_REGISTRATION, PRACTITIONER_ROLE, PROFESSION, STAFF_ID
from fhir_service.outreach.demo_region.models import Model, coding, concept, human_names, identifier, reference
from fhir_service.outreach.demo_region.names import Name
from fhir_service.outreach.demo_region.places import CITY, CONSULTATION, HEALTH_CENTRE, HOSPITAL, NURSING, TOWN, Place

LICENCE = "http://jpfhir.jp/fhir/core/CodeSystem/JP_MedicalLicenseCertificate_CS"

# Our profession: its name, and the code and name of JP Core.
PROFESSIONS = {
    "psychiatrist": ("精神科医師", "JPR10000", "医師"),
    "phn": ("保健師", "JPR20300", "保健師"),
    "nurse": ("看護師", "JPR20000", "看護師"),
    "psw": ("精神保健福祉士", "JPR90100", "他専門職"),
    "ot": ("作業療法士", "JPR30500", "作業療法士"),
    "consultation-support-specialist": ("相談支援専門員", "JPR90100", "他専門職"),
    "peer-supporter": ("ピアサポーター", "JPR90200", "その他"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works in a place. `licence` is a number in the medical register."""

    id: str
    name: Name
    gender: str
    profession: str
    place: Place
    licence: str | None = None

    @property
    def role(self) -> Model:
        return reference(f"PractitionerRole/{self.id}", self.name.written)


def _member(key: str, name: str, gender: str, profession: str, place: Place, licence: str | None = None) -> Member:
    return Member(key, Name(*name.split()), gender, profession, place, licence)


STAFF = (
    _member("staff-city-phn-1", "西村 彩 ニシムラ アヤ", "female", "phn", CITY),
    _member("staff-city-phn-2", "大野 拓也 オオノ タクヤ", "male", "phn", CITY),
    _member("staff-city-psw-1", "久保 美穂 クボ ミホ", "female", "psw", CITY),
    _member("staff-town-phn-1", "丸山 春香 マルヤマ ハルカ", "female", "phn", TOWN),
    _member("staff-town-psw-1", "片山 亮 カタヤマ リョウ", "male", "psw", TOWN),
    _member("staff-health-centre-phn-1", "藤田 恵 フジタ メグミ", "female", "phn", HEALTH_CENTRE),
    _member("staff-health-centre-phn-2", "平野 昇 ヒラノ ノボル", "male", "phn", HEALTH_CENTRE),
    _member("staff-hospital-psychiatrist-1", "小川 直子 オガワ ナオコ", "female", "psychiatrist", HOSPITAL, "990123"),
    _member("staff-hospital-psychiatrist-2", "柴田 徹 シバタ トオル", "male", "psychiatrist", HOSPITAL, "990456"),
    _member("staff-hospital-psw-1", "林 健 ハヤシ ケン", "male", "psw", HOSPITAL),
    _member("staff-nursing-nurse-1", "森田 誠 モリタ マコト", "male", "nurse", NURSING),
    _member("staff-nursing-nurse-2", "星野 千夏 ホシノ チナツ", "female", "nurse", NURSING),
    _member("staff-nursing-ot-1", "土屋 陽介 ツチヤ ヨウスケ", "male", "ot", NURSING),
    _member(
        "staff-consultation-1", "石田 香織 イシダ カオリ", "female", "consultation-support-specialist", CONSULTATION
    ),
    _member("staff-consultation-peer-1", "前田 進 マエダ ススム", "male", "peer-supporter", CONSULTATION),
)


def working_in(place: Place, *professions: str) -> list[Member]:
    """Return who works in a place, of these professions."""
    return [each for each in STAFF if each.place == place and each.profession in professions]


def profession(key: str) -> Model:
    """Return a profession as the programme and as JP Core has it."""
    name, jp_code, jp_name = PROFESSIONS[key]
    codings = [coding(PROFESSION, key, name), coding(PRACTITIONER_ROLE, jp_code, jp_name)]
    return CodeableConcept(coding=codings, text=name)


def staff() -> Iterator[Model]:
    """Give every practitioner and their role."""
    for member in STAFF:
        yield _practitioner(member)
        yield PractitionerRole(
            id=member.id,
            identifier=[_staff_id(member)],
            active=True,
            practitioner=reference(f"Practitioner/{member.id}", member.name.written),
            organization=member.place.reference,
            code=[profession(member.profession)],
        )


def _practitioner(member: Member) -> Model:
    licence = concept(LICENCE, "medical-registration", "医籍登録番号")
    return Practitioner(
        id=member.id,
        language="ja",
        identifier=[_staff_id(member)],
        active=True,
        name=human_names(member.name, "official"),
        gender=member.gender,
        qualification=[
            PractitionerQualification(identifier=[identifier(MEDICAL_REGISTRATION, member.licence)], code=licence)
        ]
        if member.licence
        else None,
    )


def _staff_id(member: Member) -> Model:
    return identifier(STAFF_ID, member.id.removeprefix("staff-"))
