"""Which contained resources fulfil clauses: their chains lead to what is contained beside them, or to what is stored.

Nothing but its container, and what that contains, refers to a contained resource; so `_has` asks these alone. What a
chain asks of stored resources is asked of the store, once for all that it leads to.
https://hl7.org/fhir/R4/search.html#contained and references.html#contained
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from fhir_service.fhir import json
from fhir_service.fhir.reference import local_key
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.contained import CONTAINER, codes_inside, contained_in, with_types
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.fhir.search.match import holds
from fhir_service.fhir.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Clause,
    Has,
    IdMatch,
    Match,
    NoneOf,
    Query,
    UriValue,
    WordsMatch,
)
from fhir_service.fhir.search.words import texts_of
from fhir_service.interactions.searches.hierarchy import resolved
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Cursor, Version

_AT_ONCE = 1_000


class Container:
    """A stored resource with what it contains."""

    def __init__(self, version: Version, services: Services) -> None:
        self.version = version
        self._services = services
        resource: Resource = json.decode(version.body)
        self._typed = with_types(resource)
        pairs = zip(contained_in(resource), contained_in(self._typed), strict=True)
        self.contained = [Contained(self, each, typed, services) for each, typed in pairs]

    @cached_property
    def references(self) -> frozenset[tuple[str, str]]:
        """The texts of its references, with the codes of their parameters."""
        return frozenset(self._services.indexer.references(self._typed))


class Contained:
    """A resource within another. `typed` is the same, its references with the types of what is beside it."""

    def __init__(self, container: Container, resource: Resource, typed: Resource, services: Services) -> None:
        self.container = container
        self.resource = resource
        self.type: str = resource["resourceType"]
        self.name = f"#{resource['id']}" if "id" in resource else None
        self._typed = typed
        self._services = services

    @cached_property
    def entries(self) -> IndexEntries:
        return self._services.indexer.index(self._typed)

    @cached_property
    def references(self) -> frozenset[tuple[str, str]]:
        """The texts of its references, with the codes of their parameters."""
        return frozenset(self._services.indexer.references(self._typed))

    def led_to(self, codes: Iterable[str]) -> Iterator["Contained"]:
        """Give what is contained beside it that it refers to by these parameters."""
        for each in self.container.contained:
            if each.name and any((code, each.name) in self.references for code in codes):
                yield each

    def stored(self, codes: Iterable[str]) -> Iterator[Key]:
        """Give the stored resources that it refers to by type and id; its container is one."""
        for entry in self.entries.references:
            if entry.code in codes and entry.target and (key := local_key(entry.target, "")):
                yield key
        if any((code, CONTAINER) in self.references for code in codes):
            yield self.container.version.key


Some = set[Contained]
Canonical = tuple[str, str | None, str | None]
"""A URL, the version after `|`, and the resource of this server of which it is the address."""


@dataclass(frozen=True, slots=True)
class ContainedSearch:
    """Asks contained resources whether they fulfil clauses."""

    services: Services

    async def fulfilling(self, clause: Clause, among: Some) -> Some:
        """Return those of these that fulfil a clause."""
        match clause:
            case AnyOf(clauses):
                return {each for one in clauses for each in await self.fulfilling(one, among)}
            case AllOf(clauses):
                for one in clauses:
                    among = await self.fulfilling(one, among)
                return among
            case NoneOf(clauses):
                return among - await self.fulfilling(AnyOf(clauses), among)
            case Chain(parameter, clauses):
                found: Some = set()
                for type_, rest in clauses:
                    found |= await self._chained(clause, codes_inside(parameter), type_, rest, among)
                return found
            case Has():
                return await self._had(clause, among)
            case WordsMatch(where, phrase):
                return {each for each in among if texts_of(each.resource).often(where, phrase)}
            case _:
                clause = await resolved(clause, self.services.store)
                return {each for each in among if holds(each.resource.get("id"), each.entries, clause)}

    async def _chained(self, chain: Chain, codes: tuple[str, ...], type_: str, rest: Clause, among: Some) -> Some:
        """Return those that refer to a resource of this type that fulfils the rest of a chain."""
        beside = {each: {to for to in each.led_to(codes) if to.type == type_} for each in among}
        passed = await self.fulfilling(rest, set().union(*beside.values()))
        stored: dict[Contained, set[Key]] = {each: set() for each in among}
        if chain.literal:
            stored = {each: {key for key in each.stored(codes) if key.type == type_} for each in among}
        if type_ in chain.canonical:
            named = await self._named(chain, {url for each in among for url in _urls(each, codes)})
            for each in among:
                stored[each].update(key for url in _urls(each, codes) for key in named[url] if key.type == type_)
        standing = await self._standing(set().union(*stored.values()), rest)
        return {each for each in among if beside[each] & passed or stored[each] & standing}

    async def _had(self, has: Has, among: Some) -> Some:
        """Return those to which a resource refers that fulfils a `_has`: their container, or what is beside them."""
        codes = codes_inside(has.parameter)
        source = has.resource_type
        beside = {each: {by for by in _beside(each, codes) if by.type == source} for each in among}
        passed = await self.fulfilling(has.clause, set().union(*beside.values()))
        within = {
            each: each.container.version.key
            for each in among
            if any((code, each.name) in each.container.references for code in codes)
        }
        standing = await self._standing({key for key in within.values() if key.type == source}, has.clause)
        return {each for each in among if beside[each] & passed or within.get(each) in standing}

    async def _standing(self, keys: set[Key], clause: Clause) -> set[Key]:
        """Return those of these stored resources, all of one type, that fulfil a clause."""
        if not keys:
            return set()
        (type_,) = {key.type for key in keys}
        ids = IdMatch(tuple(sorted(key.id for key in keys)))
        return {version.key async for version in self._found(Query(type_, (ids, clause)))}

    async def _named(self, chain: Chain, canonicals: set[Canonical]) -> dict[Canonical, list[Key]]:
        """Return the definitions that canonical URLs name: of the version that each says, if that is here."""
        versions: dict[str, list[tuple[str | None, Key]]] = {url: [] for url, _, _ in canonicals}
        for type_ in chain.canonical if canonicals else ():
            url = self.services.indexer.registry.parameters(type_)["url"]
            query = Query(type_, (Match(url, tuple(UriValue(each) for each in sorted(versions))),))
            async for version in self._found(query):
                said = json.decode(version.body)
                versions[said["url"]].append((said.get("version"), version.key))
        return {
            (url, wanted, address): [key for version, key in versions[url] if version == wanted and wanted is not None]
            or [*[key for _, key in versions[url]], *filter(None, [local_key(address or "", "")])]
            for url, wanted, address in canonicals
        }

    async def _found(self, query: Query) -> AsyncIterator[Version]:
        after: Cursor | None = None
        while True:
            page = await self.services.store.search(query, count=_AT_ONCE, after=after)
            for version in page.matches:
                yield version
            if (after := page.next) is None:
                return


def _beside(contained: Contained, codes: tuple[str, ...]) -> Iterator[Contained]:
    """Give what is contained beside it and refers to it by these parameters."""
    for each in contained.container.contained:
        if any((code, contained.name) in each.references for code in codes):
            yield each


def _urls(contained: Contained, codes: tuple[str, ...]) -> Iterator[Canonical]:
    """Give the canonical URLs by which it names definitions, each with its version."""
    for entry in contained.entries.references:
        if entry.code in codes and entry.target and entry.canonical:
            yield entry.target, entry.version, entry.address
