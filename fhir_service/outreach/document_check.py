"""Whether a document can be filed: what a FHIR document and the Japanese documents ask for.

https://hl7.org/fhir/R4/documents.html and, for the sections, `document_sections.toml`
"""

from collections.abc import Callable, Iterator

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.reference import parse_reference, references
from fhir_service.fhir.resource import Resource
from fhir_service.outreach.codes import DOCUMENT_TYPE
from fhir_service.outreach.document import Document, document_types

UNPROCESSABLE = 422
FILED_STATUS = ("final", "amended")


def read_document(bundle: Resource) -> tuple[Document, list[Issue]]:
    """Return the document in a (structurally checked) Bundle, and warnings; 422 with every reason if it is none."""
    _refuse(_shape(bundle))
    document = Document(bundle, {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]})

    issues = [issue for check in CHECKS for issue in check(document)]
    _refuse(issues)
    return document, issues


def _refuse(issues: list[Issue]) -> None:
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors:
        raise FhirError(*errors, *(issue for issue in issues if issue not in errors), status=UNPROCESSABLE)


def _shape(bundle: Resource) -> list[Issue]:
    """Return why this is not a document Bundle that can be taken apart."""
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "document":
        return [
            Issue(
                "invalid",
                "typeがdocumentのBundleを送ってください。",
                "The body must be a Bundle of type document.",
                ("Bundle.type",),
            )
        ]
    entries = bundle.get("entry", [])
    if not entries or entries[0].get("resource", {}).get("resourceType") != "Composition":
        return [
            Issue(
                "structure",
                "文書の最初のentryはCompositionでなければなりません。",
                "The first entry of a document must be its Composition.",
                ("Bundle.entry[0].resource" if entries else "Bundle.entry",),
            )
        ]
    return [*_entries(entries)]


def _entries(entries: list[Resource]) -> Iterator[Issue]:
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        for name in ("fullUrl", "resource"):
            if name not in entry:
                yield Issue(
                    "required",
                    f"entryに{name}がありません。",
                    f"The entry has no {name}.",
                    (f"Bundle.entry[{i}].{name}",),
                )
        if (url := entry.get("fullUrl")) in seen:
            yield Issue(
                "invariant",
                f"fullUrl「{url}」が重複しています。",
                f'The fullUrl "{url}" is there twice.',
                (f"Bundle.entry[{i}].fullUrl",),
            )
        elif url is not None:
            seen.add(url)


def _identified(document: Document) -> Iterator[Issue]:
    """A document has an identifier and a date (invariants bdl-9 and bdl-10)."""
    identifier = document.bundle.get("identifier", {})
    if not (identifier.get("system") and identifier.get("value")):
        yield Issue(
            "required",
            "文書にはidentifier(systemとvalue)が必要です。同じ文書かどうかをこれで見分けます。",
            "A document needs an identifier with system and value: by it the same document is known again.",
            ("Bundle.identifier",),
        )
    if "timestamp" not in document.bundle:
        yield Issue(
            "required",
            "文書にはtimestamp(作成日時)が必要です。",
            "A document needs its timestamp.",
            ("Bundle.timestamp",),
        )


def _typed(document: Document) -> Iterator[Issue]:
    if document.type is None:
        known = "、".join(f"{each.code} {each.title}" for each in document_types().values())
        yield Issue(
            "not-supported",
            f"受け付ける文書の種類は{known}です。Composition.typeに{DOCUMENT_TYPE}またはLOINCのコードが必要です。",
            f"The documents taken are {', '.join(document_types())}: Composition.type needs such a code of "
            f"{DOCUMENT_TYPE} or LOINC.",
            ("Bundle.entry[0].resource.type",),
        )
    if document.composition["status"] not in FILED_STATUS:
        yield Issue(
            "business-rule",
            f"確定した文書(statusがfinalまたはamended)だけを受け付けます。statusは{document.composition['status']}です。",
            f"Only final or amended documents are filed; the status is {document.composition['status']}.",
            ("Bundle.entry[0].resource.status",),
        )


def _resolved(document: Document) -> Iterator[Issue]:
    """Every reference of the Composition, and every relative or urn reference of the rest, is to an entry.

    "the document bundle SHALL include any resource that the Composition references"
    https://hl7.org/fhir/R4/documents.html#content
    """
    for i, (url, resource) in enumerate(document.resources.items()):
        for found in references(resource):
            parsed = parse_reference(found.text)
            elsewhere = i > 0 and (parsed.base is not None or parsed.kind == "other")
            if parsed.kind == "fragment" or elsewhere or document.resolve(found.text, url):
                continue
            yield Issue(
                "invalid",
                f"参照先「{found.text}」が文書の中にありません。",
                f'The reference is to "{found.text}", which is not in the document.',
                (f"Bundle.entry[{i}].resource{found.expression.removeprefix(resource['resourceType'])}.reference",),
            )


def _about_a_patient(document: Document) -> Iterator[Issue]:
    if document.patient is None:
        yield Issue(
            "required",
            "Composition.subjectは文書の中のPatientを指す必要があります。",
            "Composition.subject must refer to a Patient in the document.",
            ("Bundle.entry[0].resource.subject",),
        )


def _sectioned(document: Document) -> Iterator[Issue]:
    """The sections that the table requires: refused without some, warned of others."""
    if document.type is None:
        return
    present = {section.code for section in document.sections()}
    for code, row in document.type.sections.items():
        asked = "required" in row and ("within" not in row or row["within"] in present)
        if asked and code not in present:
            yield Issue(
                "required",
                f"セクション{code}({row['title']})がありません。",
                f"Section {code} ({row['title']}) is missing.",
                ("Bundle.entry[0].resource.section",),
                severity="error" if row["required"] == "refused" else "warning",
            )


def _addressed(document: Document) -> Iterator[Issue]:
    """The section 紹介先 names an Organization."""
    for section in document.used("recipient"):
        if not document.targets(section.section.get("entry", []), "Organization"):
            yield Issue(
                "required",
                f"セクション{section.code}(紹介先)に、宛先の機関(Organization)がありません。",
                f"Section {section.code} (recipient) lists no Organization.",
                (f"{section.expression}.entry",),
            )


CHECKS: tuple[Callable[[Document], Iterator[Issue]], ...] = (
    _identified,
    _typed,
    _resolved,
    _about_a_patient,
    _sectioned,
    _addressed,
)
