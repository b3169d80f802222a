"""The resources of a document as resources of this server: who is known already stays, the rest is new.

References within the document become references on this server; a resource that is about nobody is given the
document's patient as its subject, so that it stands in that patient's compartment.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple

from fhir_service.fhir.bundle_links import FullUrls
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.json import decode
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.reference import references
from fhir_service.fhir.resource import Key, Resource
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.references import integrity
from fhir_service.outreach.document import Document
from fhir_service.outreach.matching import Matched
from fhir_service.outreach.organization_matching import match_organization, match_practitioner, match_role
from fhir_service.outreach.patient_matching import match_patient
from fhir_service.storage.store import Condition, Put

NOT_ABOUT_A_PATIENT = frozenset({"Device"})  # its `patient` is who wears it, not whom the document is about


class Filed(NamedTuple):
    """One line of the receipt: what became of an entry (`full_url`), or what was made beside them (None)."""

    full_url: str | None
    key: Key
    version: int
    made: bool


@dataclass(slots=True)
class Filing:
    """A commit in the making: everything made for the document itself has its `id`, at the instant `now`.

    `standing` are the document's resources as they will stand here, by full URL.
    """

    id: str
    now: str
    services: Services
    base: str
    standing: dict[str, Resource] = field(default_factory=dict)
    filed: list[Filed] = field(default_factory=list)
    changes: list[Put] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def key(self, full_url: str) -> Key:
        """Return the key of a document's resource on this server."""
        resource = self.standing[full_url]
        return Key(resource["resourceType"], resource["id"])

    def reference(self, full_url: str) -> Resource:
        """Return a Reference to a document's resource on this server."""
        return {"reference": str(self.key(full_url))}

    def create(self, resource: Resource, full_url: str | None = None) -> None:
        """Add a resource that is new here."""
        self.filed.append(Filed(full_url, Key(resource["resourceType"], resource["id"]), 1, made=True))
        self._put(Put(resource, self.services.indexer.index(resource), "POST", expected=0))

    def keep(self, full_url: str, matched: Matched) -> None:
        """Note a resource that stands here already, and its new version if the document adds to it."""
        if matched.version is None:
            return
        number = matched.version.version
        if matched.amended is not None:
            entries = self.services.indexer.index(matched.amended)
            self._put(Put(matched.amended, entries, "PUT", expected=number))
            number += 1
        self.filed.append(Filed(full_url, matched.version.key, number, made=False))

    def _put(self, change: Put) -> None:
        self.changes.append(change)
        if self.services.referential_integrity:
            self.conditions += integrity(change.resource, self.base)


async def file_entries(document: Document, filing: Filing) -> None:
    """Add every resource of the document to the filing."""
    matches = await _matches(document, filing)
    patient = document.patient
    subject = filing.reference(patient) if patient else {}
    links = FullUrls(filing.services.definitions, filing.base)
    for url in document.resources:
        links.add(url, filing.key(url))

    for url, resource in document.resources.items():
        if (matched := matches.get(url)) and matched.version is not None:
            filing.keep(url, matched)
            continue
        here = _here(resource, url, document, filing, links)
        filing.create(_about(here, subject, filing.services.definitions), url)
    _affiliate(document, filing)


async def _matches(document: Document, filing: Filing) -> Mapping[str, Matched]:
    """Look for everyone whom the document names, and give every resource its key."""
    services, matches = filing.services, dict[str, Matched]()
    places = {url: f"Bundle.entry[{i}].resource" for i, url in enumerate(document.resources)}

    def note(url: str, matched: Matched) -> None:
        matches[url] = matched
        filing.conditions += matched.conditions
        filing.issues += matched.issues
        if matched.version is not None:
            filing.standing[url] = matched.amended or decode(matched.version.body)

    for url, resource in _entries(document, "Organization"):
        note(url, await match_organization(resource, places[url], services))
    for url, resource in _entries(document, "Patient"):
        note(url, await match_patient(resource, places[url], services))
    workplaces = _workplaces(document)
    for url, resource in _entries(document, "Practitioner"):
        workplace = workplaces.get(url, "")
        known = filing.key(workplace) if workplace in filing.standing else None
        note(url, await match_practitioner(resource, known, places[url], services))
    for url, resource in _entries(document, "PractitionerRole"):
        practitioner, organization = _sides(document, url, resource)
        if practitioner in filing.standing and organization in filing.standing:
            note(url, await match_role(filing.key(practitioner), filing.key(organization), services))

    for url, resource in document.resources.items():
        filing.standing.setdefault(url, resource | {"id": services.new_id()})
    return matches


def _workplaces(document: Document) -> dict[str, str]:
    """Return in which organisation each practitioner is, by their roles or by where they stand in the document."""
    sides = (_sides(document, url, role) for url, role in _entries(document, "PractitionerRole"))
    return document.affiliations() | {
        practitioner: organization for practitioner, organization in sides if organization
    }


def _sides(document: Document, url: str, role: Resource) -> tuple[str, str]:
    """Return the full URLs of the practitioner and the organisation of a PractitionerRole ("" for none)."""
    practitioner, organization = (
        document.resolve(role.get(side, {}).get("reference", ""), url) or ""
        for side in ("practitioner", "organization")
    )
    return practitioner, organization


def _affiliate(document: Document, filing: Filing) -> None:
    """Add a PractitionerRole for each practitioner who is new here and stands beside an organisation without one."""
    with_role = {_sides(document, url, role)[0] for url, role in _entries(document, "PractitionerRole")}
    new = {filed.full_url for filed in filing.filed if filed.made}
    for practitioner, organization in document.affiliations().items():
        if practitioner in new and practitioner not in with_role:
            filing.create(
                {
                    "resourceType": "PractitionerRole",
                    "id": filing.services.new_id(),
                    "active": True,
                    "practitioner": filing.reference(practitioner),
                    "organization": filing.reference(organization),
                }
            )


def _entries(document: Document, resource_type: str) -> list[tuple[str, Resource]]:
    return [each for each in document.resources.items() if each[1]["resourceType"] == resource_type]


def _here(resource: Resource, url: str, document: Document, filing: Filing, links: FullUrls) -> Resource:
    """Return the resource with its id here, and with its links in the document turned to what stands here."""
    here = deepcopy(resource) | {"id": filing.standing[url]["id"]}
    for found in references(here):
        found.reference["reference"] = document.resolve(found.text, url) or found.text
    links.replace(here, url)
    filing.standing[url] = here
    return here


def _about(resource: Resource, subject: Resource, definitions: Definitions) -> Resource:
    """Return the resource, about this subject if it can be about a patient and says of nobody."""
    if resource["resourceType"] in NOT_ABOUT_A_PATIENT or not subject:
        return resource
    elements = definitions.type(resource["resourceType"]).by_json
    for name in ("subject", "patient"):
        element, kind = elements.get(name, (None, ""))
        can = element is not None and kind == "Reference" and not element.repeats and "Patient" in element.targets
        if can and name not in resource:
            return resource | {name: subject}
    return resource
