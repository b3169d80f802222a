"""The region's organisations: a prefecture, two municipalities, a health centre, a hospital, a station, a consultation
provider; and what they offer. All of them are invented.

No municipality in Japan has the number 99, and no telephone number begins with 099-000. Organisations that are no
medical institutions have the number that JP Core gives them: 9 and the last nine digits of their telephone number.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir.resources.R4B.address import Address
from fhir.resources.R4B.healthcareservice import HealthcareService, HealthcareServiceAvailableTime
from fhir.resources.R4B.location import Location
from fhir.resources.R4B.organization import Organization
from fhir.resources.R4B.organizationaffiliation import OrganizationAffiliation

from fhir_service.outreach.codes import MEDICAL_INSTITUTION, ORGANIZATION_KIND, OUTREACH, SERVICE_CATEGORY
from fhir_service.outreach.demo_region.models import Model, concept, identifier, phone, reference


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation. `kind` and `kind_ja` are its organization-kind."""

    id: str
    kind: str
    kind_ja: str
    name: str
    number: str
    phone: str
    postal_code: str
    address: str

    @property
    def reference(self) -> Model:
        return reference(f"Organization/{self.id}", self.name)


PREFECTURE = Place(
    "org-aoba-prefecture",
    "prefecture",
    "都道府県",
    "青葉県",
    "9990000001",
    "099-000-0001",
    "999-0000",
    "青葉県青葉市大通1-1",
)
CITY = Place(
    "org-shiokaze-city",
    "municipality",
    "市町村",
    "潮風市",
    "9990001100",
    "099-000-1100",
    "999-0001",
    "青葉県潮風市中央町1-1",
)
TOWN = Place(
    "org-yamanami-town",
    "municipality",
    "市町村",
    "山並町",
    "9990002200",
    "099-000-2200",
    "999-0021",
    "青葉県山並郡山並町役場前1",
)
HEALTH_CENTRE = Place(
    "org-shiokaze-health-centre", "health-centre", "保健所", "青葉県潮風保健所", "9990003300", "099-000-3300",
    "999-0003", "青葉県潮風市港町3-3",
)  # fmt: skip
HOSPITAL = Place(
    "org-aoba-kokoro-hospital", "hospital", "病院", "青葉こころの病院", "4719900011", "099-000-5500", "999-0005",
    "青葉県潮風市松原町5-5",
)  # fmt: skip
NURSING = Place(
    "org-soyokaze-nursing", "visiting-nurse-station", "訪問看護ステーション", "訪問看護ステーションそよかぜ",
    "4769900012", "099-000-6600", "999-0006", "青葉県潮風市若葉町6-6",
)  # fmt: skip
CONSULTATION = Place(
    "org-hinata-consultation", "consultation-support", "相談支援事業所", "相談支援事業所ひなた", "9990004400",
    "099-000-4400", "999-0004", "青葉県潮風市朝日町4-4",
)  # fmt: skip

PLACES = (PREFECTURE, CITY, TOWN, HEALTH_CENTRE, HOSPITAL, NURSING, CONSULTATION)
MUNICIPALITIES = (CITY, TOWN)
DISTRICTS = {
    CITY.id: ("中央町", "港町", "若葉町", "朝日町", "浜町", "松原町"),
    TOWN.id: ("本町", "川上", "桜台", "南原"),
}
TEAM_PHONE = {CITY.id: "099-000-1111", TOWN.id: "099-000-2222"}

# id, provider, category, display, name, round the clock
SERVICES = (
    ("service-shiokaze-outreach", CITY, "outreach", "アウトリーチ支援", "潮風市アウトリーチ支援", True),
    ("service-yamanami-outreach", TOWN, "outreach", "アウトリーチ支援", "山並町アウトリーチ支援", True),
    (
        "service-health-centre",
        HEALTH_CENTRE,
        "consultation-health-centre",
        "保健所の専門相談",
        "精神保健福祉相談",
        False,
    ),
    ("service-hospital-outpatient", HOSPITAL, "hospital-recovery", "回復期の病院", "精神科外来", False),
    ("service-psychiatric-nursing", NURSING, "psychiatric-nursing", "精神科訪問看護", "精神科訪問看護", True),
    ("service-consultation", CONSULTATION, "consultation-planning", "計画相談支援", "計画相談支援", False),
)
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]
BACKED_UP_BY = ((CITY, HEALTH_CENTRE), (TOWN, HEALTH_CENTRE), (HEALTH_CENTRE, PREFECTURE))


def places() -> Iterator[Model]:
    """Give the organisations, the areas of the municipalities, the services, and who backs up whom."""
    yield from (_organization(place) for place in PLACES)
    yield from (_area(place) for place in MUNICIPALITIES)
    yield from (_service(*row) for row in SERVICES)
    yield from (_backup(*pair) for pair in BACKED_UP_BY)


def _organization(place: Place) -> Model:
    return Organization(
        id=place.id,
        language="ja",
        identifier=[identifier(MEDICAL_INSTITUTION, place.number)],
        active=True,
        type=[concept(ORGANIZATION_KIND, place.kind, place.kind_ja)],
        name=place.name,
        telecom=[phone(place.phone)],
        address=[Address(text=place.address, postalCode=place.postal_code, state="青葉県", country="JP")],
    )


def _area(place: Place) -> Model:
    kind = concept("http://terminology.hl7.org/CodeSystem/location-physical-type", "area", "Area")
    return Location(
        id=place.id.replace("org-", "area-"),
        status="active",
        name=f"{place.name}全域",
        mode="kind",
        physicalType=kind,
        managingOrganization=place.reference,
    )


def _service(service_id: str, place: Place, category: str, display: str, name: str, round_the_clock: bool) -> Model:
    available = (
        HealthcareServiceAvailableTime(daysOfWeek=[*WEEKDAYS, "sat", "sun"], allDay=True)
        if round_the_clock
        else HealthcareServiceAvailableTime(
            daysOfWeek=WEEKDAYS, availableStartTime="08:30:00", availableEndTime="17:15:00"
        )
    )
    areas = [reference(f"Location/{each.id.replace('org-', 'area-')}") for each in MUNICIPALITIES]
    return HealthcareService(
        id=service_id,
        active=True,
        providedBy=place.reference,
        category=[concept(SERVICE_CATEGORY, category, display)],
        name=name,
        telecom=[phone(TEAM_PHONE.get(place.id, place.phone))],
        coverageArea=[areas[MUNICIPALITIES.index(place)]] if place in MUNICIPALITIES else areas,
        availableTime=[available],
    )


def _backup(helped: Place, helper: Place) -> Model:
    return OrganizationAffiliation(
        id=f"backup-{helped.id.removeprefix('org-')}",
        active=True,
        organization=helped.reference,
        participatingOrganization=helper.reference,
        code=[concept(f"{OUTREACH}/CodeSystem/affiliation", "backup", "バックアップ")],
    )
