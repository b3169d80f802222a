"""The rules of Bundles that no invariant says: full URLs, what references mean, and what each type of Bundle must hold.

https://hl7.org/fhir/R4/bundle.html, https://hl7.org/fhir/R4/documents.html and https://hl7.org/fhir/R4/messaging.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Resource
from fhir_service.validation.bundle_links import BundleLinks, Place, pointed
from fhir_service.validation.bundle_request import REQUESTS, request_faults
from fhir_service.validation.fault import Fault, Faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 120

# "Except for transactions and batches, each entry in a Bundle must have a fullUrl."
WITHOUT_FULL_URL = frozenset({"transaction", "transaction-response", "batch", "batch-response"})

# https://www.iana.org/assignments/link-relations: those that can only be said once of a page
ONCE = frozenset({"self", "first", "prev", "previous", "next", "last"})

# Links of pages, which only searches and histories have: https://hl7.org/fhir/R4/bundle.html#link
PAGED = frozenset({"searchset", "history"})
PAGES = frozenset({"first", "prev", "previous", "next", "last"})

# The type that the first entry must have (the invariants bdl-11 and bdl-12)
FIRST = {"document": "Composition", "message": "MessageHeader"}

# What must be in the Bundle: https://hl7.org/fhir/R4/documents.html#content
TOLD: dict[str, tuple[tuple[str, ...], ...]] = {
    "Composition": (
        ("subject",),
        ("encounter",),
        ("author",),
        ("custodian",),
        ("attester", "party"),
        ("event", "detail"),
    ),
    "MessageHeader": (("focus",),),
}


def bundle_rules(bundle: Resource, run: Run) -> Faults:
    """Return the faults of a Bundle that has the structure of one."""
    kind = bundle.get("type")
    entries = [each if isinstance(each, dict) else {} for each in bundle.get("entry", ())]
    links = BundleLinks(entries)
    found = [*_links(bundle), *_full_urls(entries, str(kind), run), *_lost(entries, links, str(kind))]
    if kind in FIRST:
        found += _first(entries, links, str(kind))
    if kind in REQUESTS:
        found += request_faults(entries, str(kind), run.validator.definitions.resource_types)
    if kind == "searchset":
        found += _search_set(bundle, entries, run)
    return found or None


def _links(bundle: Resource) -> Iterator[Fault]:
    seen: set[str] = set()
    kind = bundle.get("type")
    for index, link in enumerate(bundle.get("link", ())):
        relation = link.get("relation")
        if relation in PAGES and kind not in PAGED:
            ja = f"リンク「{relation}」は検索と履歴の Bundle だけのもので、{kind} では使えません。"
            en = f"A link '{relation}' is for searches and histories, not for a Bundle of type {kind}."
            yield Fault(f".link[{index}].relation", "invalid", ja, en, rule="link")
        if relation in seen and relation in ONCE:
            ja = f"リンク「{relation}」は一つだけにしてください。"
            yield Fault(
                f".link[{index}].relation", "invalid", ja, f"There can be only one link '{relation}'.", rule="link"
            )
        seen.add(relation)


def _full_urls(entries: list[Resource], kind: str, run: Run) -> Iterator[Fault]:
    for index, entry in enumerate(entries):
        full_url, resource = entry.get("fullUrl"), entry.get("resource")
        place = f".entry[{index}]"
        if full_url is None:
            outcome = (entry.get("search") or {}).get("mode") == "outcome"
            if resource is not None and kind not in WITHOUT_FULL_URL and not outcome:
                ja = "fullUrl がありません。transaction と batch のほかは、どの entry にも fullUrl が必要です。"
                en = "The fullUrl is missing: except in transactions and batches each entry must have one."
                yield Fault(place, "invalid", ja, en, rule="full-url")
        elif ":" not in full_url:
            ja = f"fullUrl「{full_url[:SHOWN]}」は絶対 URL(http://… や urn:uuid:…)でなければなりません。"
            en = f"The fullUrl '{full_url[:SHOWN]}' must be an absolute URL, such as http://… or urn:uuid:…."
            yield Fault(f"{place}.fullUrl", "invalid", ja, en, rule="full-url")
        elif isinstance(resource, dict):
            yield from _named_otherwise(full_url, resource, place, run)


def _named_otherwise(full_url: str, resource: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of a full URL of a server that ends in another type or id than its resource has.

    https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.fullUrl: it "SHALL NOT disagree with the id".
    """
    parsed = parse_reference(full_url)
    key, id_ = parsed.key, resource.get("id")
    if key is None or parsed.base is None or key.type not in run.validator.definitions.resource_types:
        return
    if id_ is None:
        ja = f"fullUrl「{full_url[:SHOWN]}」はサーバーのものですが、リソースに id がありません。"
        en = f"The fullUrl '{full_url[:SHOWN]}' is one of a server, but the resource has no id."
        yield Fault(f"{place}.resource.id", "invalid", ja, en, rule="full-url")
        return
    if (key.type, key.id) != (resource.get("resourceType"), id_):
        own = f"{resource.get('resourceType')}/{id_}"[:SHOWN]
        ja = f"fullUrl「{full_url[:SHOWN]}」の末尾が、リソースの型と id({own})と一致しません。"
        en = f"The fullUrl '{full_url[:SHOWN]}' does not end in the type and id of its resource ({own})."
        yield Fault(f"{place}.fullUrl", "invalid", ja, en, rule="full-url")


def _first(entries: list[Resource], links: BundleLinks, kind: str) -> Iterator[Fault]:
    """Check what the first entry of a document or message names, and that all else belongs to it."""
    wanted = FIRST[kind]
    head = entries[0].get("resource") if entries else None
    if not isinstance(head, dict) or head.get("resourceType") != wanted:
        return  # which the invariants bdl-11 and bdl-12 tell
    for place in _told(head):
        target = links.targets(place.reference, 0)
        if len(target) != 1 and not place.reference.startswith("#"):
            yield _not_there(place, bool(target), wanted, links)
    yield from _unreachable(entries, links, "error" if kind == "document" else "warning", wanted)


def _told(head: Resource) -> Iterator[Place]:
    """Give the references of the first resource that have to be answered inside of the Bundle."""
    base = ".entry[0].resource"
    for steps in TOLD[head["resourceType"]]:
        yield from pointed(head, steps, base)
    yield from _of_sections(head.get("section"), f"{base}.section", 0)


def _of_sections(sections: Any, base: str, depth: int) -> Iterator[Place]:
    if not isinstance(sections, list) or depth > 40:
        return
    for index, section in enumerate(sections):
        if isinstance(section, dict):
            place = f"{base}[{index}]"
            for steps in (("focus",), ("author",), ("entry",)):
                yield from pointed(section, steps, place)
            yield from _of_sections(section.get("section"), f"{place}.section", depth + 1)


def _not_there(place: Place, several: bool, wanted: str, links: BundleLinks) -> Fault:
    shown = place.reference[:SHOWN]
    if several:
        ja, en = (text.replace("{}", shown) for text in SEVERAL)
    else:
        ja = f"{wanted} が参照する「{shown}」が Bundle の中にありません。"
        en = f"The {wanted} refers to '{shown}', which is not in the Bundle."
        if links.has_like(place.reference):
            ja += "同じ型と id のリソースはありますが、fullUrl が一致しません。"
            en += " There is a resource of that type and id, but with another fullUrl."
    return Fault(
        place.path, "not-found", ja, en, rule="document-reference" if wanted == "Composition" else "message-reference"
    )


def _lost(entries: list[Resource], links: BundleLinks, kind: str) -> Iterator[Fault]:
    """Tell of references that cannot be followed: a URN to nothing here, a resource called otherwise, or several."""
    for index in range(len(entries)):
        faults = [_why_lost(reference, index, links, kind) for reference in links.references(index)]
        if not any(faults):
            continue
        for place in links.places(index):
            why = _why_lost(place.reference, index, links, kind)
            if why is not None:
                ja, en = (text.replace("{}", place.reference[:SHOWN]) for text in why)
                yield Fault(place.path, "not-found", ja, en, *(AMBIGUOUS if why is SEVERAL else NOT_FOUND))


NO_ENTRY = (
    "参照「{}」に当たる entry が Bundle の中にありません。",
    "No entry of the Bundle has the fullUrl '{}'.",
)
OTHER_URL = (
    "参照「{}」と同じ型と id のリソースが Bundle にありますが、fullUrl か版が違うため、それを指しません。",
    "A resource of the Bundle has the type and id of '{}', but another fullUrl or version: it is not what is meant.",
)
SEVERAL = (
    "参照「{}」に当たる entry が Bundle の中に二つ以上あります。",
    "Several entries of the Bundle match '{}'.",
)
NOT_FOUND: tuple[Severity, str] = ("warning", "bundle-reference")
AMBIGUOUS: tuple[Severity, str] = ("error", "bundle-ambiguous")


def _why_lost(reference: str, index: int, links: BundleLinks, kind: str) -> tuple[str, str] | None:
    if reference.startswith("#"):
        return None
    if found := links.targets(reference, index):
        told = kind in FIRST and index == 0  # by what the first entry has to name
        return SEVERAL if len(found) > 1 and kind != "history" and not told else None
    if reference.startswith(("urn:uuid:", "urn:oid:")):
        return NO_ENTRY
    return OTHER_URL if ":" not in reference and links.has_like(reference) else None


def _unreachable(entries: list[Resource], links: BundleLinks, severity: Severity, wanted: str) -> Iterator[Fault]:
    reached = links.reached_from(0)
    for index, entry in enumerate(entries):
        if index not in reached and "resource" in entry:
            name = str(entry.get("fullUrl") or entry["resource"].get("id", ""))[:SHOWN]
            ja = f"entry「{name}」は {wanted} からも、そこから参照されるものからもつながっていません。"
            en = f"The entry '{name}' is not linked with the {wanted}, nor with what that refers to."
            yield Fault(f".entry[{index}]", "informational", ja, en, severity, rule="reachable")


def _search_set(bundle: Resource, entries: list[Resource], run: Run) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/bundle.html#searchset"""
    types = _searched(bundle, run)
    for index, entry in enumerate(entries):
        mode, resource = (entry.get("search") or {}).get("mode"), entry.get("resource")
        if not isinstance(resource, dict) or mode is None:
            continue
        found = resource.get("resourceType")
        place = f".entry[{index}].resource"
        if mode == "outcome" and found != "OperationOutcome":
            ja = f"search.mode が outcome の entry は OperationOutcome でなければなりません({found} です)。"
            en = f"An entry of mode outcome must be an OperationOutcome, not {found}."
            yield Fault(place, "invalid", ja, en, rule="search")
        if mode in ("match", "include") and "id" not in resource:
            ja, en = "検索結果には id が必要です。", "What a search finds must have an id."
            yield Fault(place, "invalid", ja, en, rule="search")
        if mode == "match" and types and found not in types:
            ja = f"検索した型({'、'.join(sorted(types))[:SHOWN]})ではありません({found} です)。"
            en = f"It is a {found}, but the search is for {', '.join(sorted(types))[:SHOWN]}."
            yield Fault(place, "invalid", ja, en, rule="search")


def _searched(bundle: Resource, run: Run) -> set[str]:
    """Return the types that the link `self` says were searched; none if it does not say."""
    urls = [link["url"] for link in bundle.get("link", ()) if link.get("relation") == "self" and "url" in link]
    if len(urls) != 1:
        return set()
    path, _, query = str(urls[0]).partition("?")
    known = run.validator.definitions.resource_types
    last = path.rstrip("/").rpartition("/")[2]
    if last in known:
        return {last}
    listed = {each for name, value in parse_qsl(query) if name == "_type" for each in value.split(",")}
    return listed if listed <= known else set()
