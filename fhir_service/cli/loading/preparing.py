"""From the text of resources to what is ready to be stored: decoded, checked, indexed. Any process can do this.

A Bundle is more than one resource: of a document, collection, searchset or message each entry is loaded, with the links
between the entries resolved; a batch or transaction is left to be processed as such; any other kind is refused.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from fhir_service.cli.loading.sources import Chunk, Item, Place, decoded
from fhir_service.fhir import json
from fhir_service.fhir.bundle_links import FullUrls
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.reference import local_key, quoted_references, references
from fhir_service.fhir.resource import Resource, key_of
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.storage.sqlite.writing.packed import pack
from fhir_service.storage.store import Put
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.compiled import COMPILED, Compiled
from fhir_service.validation.policy import Policy
from fhir_service.validation.policy_file import read_policy
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator

UNPACKED = ("document", "collection", "searchset", "message")
PROCESSED = ("batch", "transaction")
URN = "urn:uuid:"


class Ready(NamedTuple):
    """A resource that can be stored once all that it refers to is there (or comes with it); keys are `Patient/1`."""

    place: Place
    key: str
    references: tuple[str, ...]
    packed: bytes


class ToProcess(NamedTuple):
    """A batch or transaction."""

    place: Place
    bundle: Resource


class Refused(NamedTuple):
    """Something that is not loaded: why in one word, what is wrong (as others may have it, too), and what in it."""

    place: Place
    reason: str
    what: str
    where: str = ""


Prepared = Ready | ToProcess | Refused


class Preparer:
    """Prepares resources for a server at `base`: with R4's definitions and those of `packages`, by a policy file."""

    def __init__(self, packages: Path, base: str, policy: Path | None) -> None:
        self._definitions = Definitions.load(packages=packages)
        compiled = Compiled(packages.parent / COMPILED, self._definitions)
        terminology = LoadedTerminology(self._definitions, compiled)
        self._indexer = Indexer(self._definitions, SearchRegistry(self._definitions, terminology), base)
        rules = read_policy(policy, self._definitions.resource_types) if policy else None
        self._check = Policy(Validator(self._definitions, terminology, extra=RULES, compiled=compiled), rules)
        self._base = base
        self._local = lru_cache(maxsize=1 << 14)(self._local_key)

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Give what becomes of one text."""
        try:
            resource = decoded(item, self._definitions)
        except FhirError as error:
            yield refused(item.place, "unreadable", error.issues[0])
            return
        if resource["resourceType"] != "Bundle" or resource.get("type") not in (*UNPACKED, *PROCESSED):
            yield self._resource(resource, item.place)
            return
        if resource["type"] in PROCESSED:
            yield ToProcess(item.place, resource)
            return
        errors = [issue for issue in self._check(resource) if issue.severity in ("error", "fatal")]
        if errors:
            yield refused(item.place, "invalid", errors[0])
            return
        yield from self._entries(resource, item.place)

    def _resource(self, resource: Resource, place: Place) -> Ready | Refused:
        errors = [issue for issue in self._check(resource) if issue.severity in ("error", "fatal")]
        if errors:
            return refused(place, "invalid", errors[0])
        return self._ready(resource if "id" in resource else resource | {"id": made_id(resource)}, place)

    def _entries(self, bundle: Resource, place: Place) -> Iterator[Prepared]:
        entries = [entry for entry in bundle.get("entry", ()) if "resource" in entry]
        links = FullUrls(self._definitions, self._base)
        for entry in entries:
            resource, full_url = entry["resource"], entry.get("fullUrl", "")
            if "id" not in resource:
                resource["id"] = full_url.removeprefix(URN) if full_url.startswith(URN) else made_id(resource)
            if full_url:
                links.add(full_url, key_of(resource))
        for entry in entries:
            links.replace(entry["resource"], entry.get("fullUrl"))
            yield self._ready(entry["resource"], place)

    def _ready(self, resource: Resource, place: Place) -> Ready:
        packed = pack(Put(resource, self._indexer.index(resource)))
        key = str(key_of(resource))
        found = quoted_references(packed) if resource["resourceType"] != "Bundle" else _of_bundle(resource)
        wanted = dict.fromkeys(map(self._local, found))
        return Ready(place, key, tuple(each for each in wanted if each and each != key), packed)

    def _local_key(self, text: bytes) -> str | None:
        """Return the key of the resource of this server that a reference (as JSON has it) names."""
        key = local_key(json.decode(text), self._base)
        return str(key) if key else None


def _of_bundle(bundle: Resource) -> list[bytes]:
    return [json.encode(each.text) for each in references(bundle)]


preparer = cache(Preparer)  # the definitions are opened once in each process


def prepare_chunk(packages: Path, base: str, policy: Path | None, chunk: Chunk) -> list[Prepared]:
    """Return what becomes of a chunk, by the definitions and the policy that `Preparer` takes."""
    prepare = preparer(packages, base, policy).prepare
    return [prepared for item in chunk.items() for prepared in prepare(item)]


def made_id(resource: Resource) -> str:
    """Return an id made of the content, for a resource without one: loaded again, it is the same resource."""
    return str(uuid5(NAMESPACE_URL, json.encode(resource).decode()))


def refused(place: Place, reason: str, issue: Issue) -> Refused:
    """Return what an issue says, so that the same issue at another place says the same."""
    where = issue.expression[0] if issue.expression else f"column {issue.column}" if issue.column else ""
    element = _INDEX.sub("", issue.expression[0]) + ": " if issue.expression else ""
    return Refused(place, reason, f"{element}{issue.ja} / {issue.en}", where)


_INDEX = re.compile(r"\[\d+\]")
