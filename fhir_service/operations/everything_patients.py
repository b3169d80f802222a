"""Walking everything about every patient, one patient after the other in the order of their ids.

A cursor names the patient where it is, and where the next one is found, so that patients who are added or removed
meanwhile neither repeat nor lose what is about the others.
https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fhir_service.fhir.json import decode
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.dates import Bounds
from fhir_service.fhir.search.query import Query, Sort
from fhir_service.interactions.services import Services
from fhir_service.operations.everything_walk import MOST_READS, Found, Root, Walk
from fhir_service.storage.store import Cursor, Version

_PATIENTS = Query("Patient", sort=(Sort("_id", False),))


class _Place(NamedTuple):
    """Where a page ended: `next` leads to the next patients; of `patient` (none: all is shown), what follows `within`.

    `last` says that nobody follows.
    """

    next: Cursor | None = None
    patient: Key | None = None
    within: Cursor | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class EveryPatient:
    """`within` are the types about a patient; `types` (empty: any) and `care` leave out matches; `base` is ours."""

    within: frozenset[str]
    types: frozenset[str]
    care: Bounds | None
    base: str
    services: Services

    async def page(self, size: int, after: Cursor | None) -> tuple[list[Found], Cursor | None]:
        """Return the next matches, patients before what is about them, and where they end (None: nobody is left)."""
        found: list[Found] = []
        place = _read(after) if after is not None else _Place()
        for _ in range(MOST_READS):
            if len(found) >= size:
                break
            if place.patient is None:
                if place.last:
                    return found, None
                page = await self.services.store.search(_PATIENTS, count=1, after=place.next)
                if not page.matches:
                    return found, None
                found += [Found(each, decode(each.body)) for each in page.matches]
                place = _Place(page.next, page.matches[0].key, None, page.next is None)
            else:
                more, end = await self._about(place.patient).page(max(1, size - len(found)), place.within)
                found += more
                place = place._replace(patient=None, within=None) if end is None else place._replace(within=end)
        return found, None if place.last and place.patient is None else _written(place)

    async def referred(self, found: Iterable[Found], but: Collection[str]) -> list[Version]:
        """Return what these refer to, less these types; no patient is among it."""
        return await Walk((), self.types, self.care, self.base, self.services).referred(found, but)

    def _about(self, patient: Key) -> Walk:
        root = Root(patient, self.within)
        return Walk((root,), self.types, self.care, self.base, self.services, after=patient)


def _written(place: _Place) -> Cursor:
    """Return a place as a cursor: its parts one after the other, those that are cursors with their length."""
    following, within = place.next or (), place.within or ()
    patient = place.patient.id if place.patient else None
    return (int(place.last), patient, len(following), *following, *within)


def _read(cursor: Cursor) -> _Place:
    last, patient, length, *rest = cursor
    cut = int(length or 0)
    key = Key("Patient", str(patient)) if patient is not None else None
    return _Place(tuple(rest[:cut]) or None, key, tuple(rest[cut:]) or None, bool(last))
