"""Short forms of the data types that the demonstration region is made of (fhir.resources, R4B models).

Between R4 and R4B no element of the resource types used here differs.
https://pypi.org/project/fhir.resources/
"""

from datetime import date, datetime, time
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.contactpoint import ContactPoint
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.humanname import HumanName
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.period import Period
from fhir.resources.R4B.reference import Reference

from fhir_service.outreach.codes import NAME_REPRESENTATION, WORKFLOW_EPISODE_OF_CARE
from fhir_service.outreach.demo_region.names import Name

Model: TypeAlias = Any  # a resource model of fhir.resources: pydantic makes its constructor, which mypy cannot see
JAPAN = ZoneInfo("Asia/Tokyo")


def coding(system: str, code: str, display: str) -> Model:
    return Coding(system=system, code=code, display=display)


def concept(system: str, code: str, display: str, text: str | None = None) -> Model:
    return CodeableConcept(coding=[coding(system, code, display)], text=text)


def reference(target: str, display: str | None = None) -> Model:
    return Reference(reference=target, display=display)


def identifier(system: str, value: str) -> Model:
    return Identifier(system=system, value=value)


def period(start: date | datetime | None, end: date | datetime | None = None) -> Model:
    return Period(start=start, end=end)


def phone(number: str, use: str = "work") -> Model:
    return ContactPoint(system="phone", value=number, use=use)


def extension(url: str, **value: Any) -> Model:
    return Extension(url=url, **value)


def of_episode(case: str) -> list[Model]:
    """Return the extension that binds a resource to the case's EpisodeOfCare."""
    return [extension(WORKFLOW_EPISODE_OF_CARE, valueReference=reference(f"EpisodeOfCare/{case}-episode"))]


def human_names(name: Name, use: str) -> list[Model]:
    """Return the two names of JP Core: as written (IDE) and as read (SYL)."""
    forms = (("IDE", name.written, name.family, name.given), ("SYL", name.read, name.family_kana, name.given_kana))
    return [
        HumanName(
            extension=[extension(NAME_REPRESENTATION, valueCode=code)], use=use, text=text, family=family, given=[given]
        )
        for code, text, family, given in forms
    ]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """Return a time of day in Japan."""
    return datetime.combine(day, time(hour, minute), JAPAN)
