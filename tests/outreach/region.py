"""A hospital, a city and a nurse station at one server, each with sample documents of its own person.

The samples are the same for every test, so that each test gives them numbers, and with them a person, of its own.
"""

import copy
import json
import re
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

EXAMPLES = Path(__file__).resolve().parents[2] / "profiles" / "examples"
FHIR_JSON = "application/fhir+json"
PATIENT_NUMBER = "urn:oid:1.2.392.100495.20.3.51.14719900011"
INSTITUTION = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"
Resource = dict[str, Any]


@dataclass
class Region:
    """The server as the region uses it. `mark` makes the numbers of one test differ from those of any other."""

    api: httpx.Client
    mark: str = field(default_factory=lambda: str(uuid.uuid4().int)[:12])

    def sample(self, name: str) -> Resource:
        """Return an example whose person, document and organisations are this test's own."""
        text = (EXAMPLES / f"{name}.json").read_text(encoding="utf-8")
        text = text.replace("0001234:01", f"{self.mark}:01")
        for number in ("00012345", "000318", "000127", "990123", "4719900011", "9990001100", "2026-0042-1"):
            text = text.replace(number, number + self.mark)
        text = re.sub(r"urn:uuid:([0-9a-f-]{36})", self._uuid, text)
        return json.loads(text)  # type: ignore[no-any-return]

    def _uuid(self, written: re.Match[str]) -> str:
        return uuid.uuid5(uuid.UUID(written[1]), self.mark).urn

    @property
    def patient_number(self) -> str:
        """The token by which the person is found."""
        return f"{PATIENT_NUMBER}{self.mark}|00012345{self.mark}"

    def submit(self, document: Resource | bytes, media_type: str = FHIR_JSON) -> httpx.Response:
        """Send a document."""
        raw = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
        return self.api.post("$submit-document", content=raw, headers={"Content-Type": media_type})

    def post(self, bundle: Resource) -> httpx.Response:
        return self.api.post("", json=bundle, headers={"Content-Type": FHIR_JSON})

    def put(self, resource: Resource) -> httpx.Response:
        url = f"{resource['resourceType']}/{resource['id']}"
        return self.api.put(url, json=resource, headers={"Content-Type": FHIR_JSON})

    def read(self, location: str) -> Resource:
        """Return the resource at a (versioned) location."""
        answer = self.api.get(location)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def search(self, url: str) -> list[Resource]:
        """Return what a search finds and includes, all pages."""
        found: list[Resource] = []
        while url:
            page = self.read(url)
            found += [entry["resource"] for entry in page.get("entry", [])]
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        return found

    def patient(self) -> Resource:
        (patient,) = self.search(f"Patient?identifier={self.patient_number}")
        return patient

    def inbox(self, organization: str) -> list[Resource]:
        """Return the tasks that wait for the organisation with this number."""
        (owner,) = self.search(f"Organization?identifier={INSTITUTION}|{organization}{self.mark}")
        return self.search(f"Task?owner=Organization/{owner['id']}&status=requested")


def locations(receipt: Resource, resource_type: str) -> list[str]:
    """Return where the resources of a type are that a receipt names."""
    named = [entry["response"].get("location", "") for entry in receipt["entry"]]
    return [location for location in named if location.startswith(f"{resource_type}/")]


def outcome(receipt: Resource) -> list[Resource]:
    """Return the issues of a receipt."""
    issues: list[Resource] = receipt["entry"][-1]["resource"]["issue"]
    return issues


def renumbered(document: Resource, suffix: str) -> Resource:
    """Return the same document as another one: under another identifier."""
    other = copy.deepcopy(document)
    other["identifier"]["value"] += suffix
    return other
