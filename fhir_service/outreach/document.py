"""A referral or discharge summary as it arrives: a document Bundle, taken apart.

https://hl7.org/fhir/R4/documents.html
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path
from typing import NamedTuple

from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Key, Resource
from fhir_service.outreach.codes import DOCUMENT_TYPE, LOINC

TABLE = Path(__file__).with_name("document_sections.toml")
SECTION_SYSTEM = "/document-section"  # the Japanese documents have one such system each


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A kind of document. `sections` has, by code, what the table says of each: title, use, required, within."""

    code: str
    title: str
    sections: Mapping[str, Mapping[str, str]]


@cache
def document_types() -> Mapping[str, DocumentType]:
    """Return the documents that are taken, by LOINC code, as `document_sections.toml` has them."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        each["type"]: DocumentType(each["type"], each["title"], table["sections"][each["type"]][each["version"]])
        for each in table["document"]
    }


class Section(NamedTuple):
    """A section of the Composition with its code, and where it stands."""

    code: str
    section: Resource
    expression: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document Bundle. `resources` are its entries by full URL, in their order, the Composition first."""

    bundle: Resource
    resources: Mapping[str, Resource]

    @property
    def composition(self) -> Resource:
        return next(iter(self.resources.values()))

    @property
    def composition_url(self) -> str:
        return next(iter(self.resources))

    @property
    def type(self) -> DocumentType | None:
        """The kind of document, None if it is none that is taken."""
        for coding in self.composition["type"].get("coding", ()):
            if coding.get("system") in (DOCUMENT_TYPE, LOINC) and coding.get("code") in document_types():
                return document_types()[coding["code"]]
        return None

    @property
    def identifier(self) -> Resource:
        identifier: Resource = self.bundle["identifier"]
        return identifier

    def resolve(self, text: str, referrer: str) -> str | None:
        """Return the full URL of the entry that a reference in the entry `referrer` means, None if there is none.

        https://hl7.org/fhir/R4/bundle.html#references; beside it, many senders write `Patient/1` for an entry whose
        full URL is a `urn:uuid:` and whose id is 1: taken if just one entry is called so.
        """
        if text in self.resources:
            return text
        parsed = parse_reference(text)
        if parsed.key is None:
            return None
        if parsed.base is not None:
            absolute = f"{parsed.base}/{parsed.key}"
            return absolute if absolute in self.resources else None
        base = referrer.removesuffix(str(_key_in(self.resources[referrer])))
        if base != referrer and base + str(parsed.key) in self.resources:
            return base + str(parsed.key)
        named = [url for url, resource in self.resources.items() if _key_in(resource) == parsed.key]
        return named[0] if len(named) == 1 else None

    def targets(self, references: list[Resource], resource_type: str) -> list[str]:
        """Return the full URLs of the entries of a type that these References of the Composition mean."""
        resolved = (self.resolve(each["reference"], self.composition_url) for each in references if "reference" in each)
        return [url for url in resolved if url and self.resources[url]["resourceType"] == resource_type]

    def sections(self) -> Iterator[Section]:
        """Give every section that has a code of the Japanese documents, from the outer to the inner."""
        yield from _sections(self.composition.get("section", []), "Bundle.entry[0].resource.section")

    def used(self, use: str) -> list[Section]:
        """Return the sections that the table has for a use (`sender`, `recipient`, `purpose`, `reason`)."""
        table = self.type.sections if self.type else {}
        return [each for each in self.sections() if table.get(each.code, {}).get("use") == use]

    def named_in(self, use: str, resource_type: str) -> list[str]:
        """Return the full URLs of the entries of a type that the sections for a use list, each once."""
        listed = (self.targets(each.section.get("entry", []), resource_type) for each in self.used(use))
        return list(dict.fromkeys(url for urls in listed for url in urls))

    def text_of(self, use: str) -> str | None:
        """Return what the sections for a use say, as plain text."""
        texts = [_plain(each.section["text"]["div"]) for each in self.used(use) if "text" in each.section]
        return "\n".join(texts) or None

    @property
    def patient(self) -> str | None:
        """The full URL of the Patient it is about, None if the subject is not a Patient in it."""
        found = self.targets([self.composition.get("subject", {})], "Patient")
        return found[0] if found else None

    @property
    def sender(self) -> str | None:
        """The full URL of the organisation that sends it: section 紹介元, else author, else custodian."""
        composition = self.composition
        written_by = [*composition["author"], *([composition["custodian"]] if "custodian" in composition else [])]
        found = self.named_in("sender", "Organization") or self.targets(written_by, "Organization")
        return found[0] if found else None

    @property
    def recipient(self) -> str | None:
        """The full URL of the organisation that it is sent to (紹介先), None if it names none."""
        found = self.named_in("recipient", "Organization")
        return found[0] if found else None

    def affiliations(self) -> dict[str, str]:
        """Return for practitioners the organisation they stand beside: in 紹介元, 紹介先, or as authors."""
        pairs: dict[str, str] = {}
        for use, organization in (("sender", self.sender), ("recipient", self.recipient)):
            if organization:
                pairs |= dict.fromkeys(self.named_in(use, "Practitioner"), organization)
        if self.sender:
            for author in self.targets(self.composition["author"], "Practitioner"):
                pairs.setdefault(author, self.sender)
        return pairs


def _key_in(resource: Resource) -> Key:
    return Key(resource["resourceType"], resource.get("id", ""))


def _sections(sections: list[Resource], path: str) -> Iterator[Section]:
    for i, section in enumerate(sections):
        for coding in section.get("code", {}).get("coding", ()):
            if coding.get("system", "").endswith(SECTION_SYSTEM) and "code" in coding:
                yield Section(coding["code"], section, f"{path}[{i}]")
                break
        yield from _sections(section.get("section", []), f"{path}[{i}].section")


_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr)>")
_TAG = re.compile(r"<[^>]*>")


def _plain(div: str) -> str:
    lines = unescape(_TAG.sub("", _BREAK.sub("\n", div))).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())
