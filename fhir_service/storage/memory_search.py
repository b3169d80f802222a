"""Search over resources in memory: every clause is asked of every resource of the type.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fhir_service.fhir.reference import local_key
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.contained import inside
from fhir_service.fhir.search.index import DateEntry, IndexEntries, UriEntry
from fhir_service.fhir.search.match import matches
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.paths import told_type
from fhir_service.fhir.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Clause,
    Has,
    HierarchyValue,
    Hop,
    IdMatch,
    Include,
    LastUpdatedMatch,
    Match,
    NoneOf,
    Query,
    ReferenceValue,
    Sort,
    WordsMatch,
    words_of,
)
from fhir_service.fhir.search.words import Texts, score
from fhir_service.storage.order import Place, SortValue, directions, is_by_number, is_primary_date, sort_values
from fhir_service.storage.store import PrimaryDates
from fhir_service.storage.too_costly import MOST_IN_HIERARCHY, too_large_hierarchy, too_many_included

_LAST_UPDATED = "_lastUpdated"


@dataclass(frozen=True, slots=True)
class Resources:
    """The standing resources: what they say to search, their rids, when they were last updated, and their words."""

    entries: Mapping[Key, IndexEntries]
    rids: Mapping[Key, int]
    updated: Mapping[Key, int]
    dates: PrimaryDates
    texts: Callable[[Key], Texts]
    hierarchies: dict[HierarchyValue, ReferenceValue] = field(default_factory=dict)

    def changed(self, put: Mapping[Key, IndexEntries], gone: Iterable[Key]) -> "Resources":
        """Return these resources after a commit, for what they refer to."""
        entries = {**self.entries, **put}
        for key in gone:
            entries.pop(key, None)
        return Resources(entries, self.rids, self.updated, self.dates, self.texts)

    def find(self, query: Query) -> list[tuple[Place, Key]]:
        """Return the matches and their places, in order."""
        descending = directions(query)
        found = [
            (Place((*self._sort_keys(key, query), self.rids[key]), descending), key)
            for key in self.entries
            if key.type == query.resource_type and all(self._holds(key, clause) for clause in query.clauses)
        ]
        return sorted(found, key=lambda pair: pair[0])

    def included(self, keys: Sequence[Key], includes: Sequence[Include], limit: int) -> list[Key]:
        """Return what these resources include, hop by hop, each hop by rid; FhirError if it is more than `limit`."""
        seen, found, frontier, hop = set(keys), list[Key](), list(keys), includes
        while frontier and hop:
            reached = {target for key in frontier for include in hop for target in self._reach(key, include)}
            frontier = sorted(reached - seen, key=lambda key: self.rids[key])
            seen |= reached
            found += frontier
            if len(found) > limit:
                raise too_many_included(limit)
            hop = [include for include in includes if include.iterate]
        return found

    def referrers(self, key: Key) -> Iterator[Key]:
        """Yield every resource with a reference to this one."""
        for source, entries in self.entries.items():
            if any(entry.target == str(key) and not entry.inner for entry in entries.references):
                yield source

    def _holds(self, key: Key, clause: Clause) -> bool:
        match clause:
            case Match():
                return matches(self.entries[key], self._resolved(clause))
            case IdMatch(ids):
                return key.id in ids
            case LastUpdatedMatch(values):
                updated = IndexEntries(dates=[DateEntry(_LAST_UPDATED, self.updated[key], self.updated[key])])
                parameter = SearchParameter(key.type, _LAST_UPDATED, "date", None, "")
                return matches(updated, Match(parameter, values))
            case Chain(clauses=clauses):
                return any(
                    target.type == type_ and self._holds(target, rest)
                    for target in self._led(key, clause)
                    for type_, rest in clauses
                ) or any(self._holds(key, each) for each in inside(clause, partial(matches, self.entries[key])))
            case Has(resource_type, _, rest):
                return any(
                    source.type == resource_type and key in self._led(source, clause) and self._holds(source, rest)
                    for source in self.entries
                )
            case WordsMatch(where, phrase):
                return self.texts(key).often(where, phrase) > 0
            case AnyOf(clauses):
                return any(self._holds(key, each) for each in clauses)
            case AllOf(clauses):
                return all(self._holds(key, each) for each in clauses)
            case NoneOf(clauses):
                return not any(self._holds(key, each) for each in clauses)

    def members(self, value: HierarchyValue) -> ReferenceValue:
        """Return what a hierarchy stands for; FhirError if it is very much."""
        if value not in self.hierarchies:
            self.hierarchies[value] = ReferenceValue(tuple(sorted(self._members(value))))
        return self.hierarchies[value]

    def _members(self, value: HierarchyValue) -> set[str]:
        found = set(value.targets)
        for parameter in value.part_of:
            last = {each for each in value.targets if told_type(each) == parameter.resource_type}
            while last:
                last = set(self._step(last, parameter, value.above)) - found
                found |= last
        if len(found) - len(value.targets) > MOST_IN_HIERARCHY:
            raise too_large_hierarchy(MOST_IN_HIERARCHY)
        return found

    def _step(self, named: set[str], parameter: SearchParameter, above: bool) -> Iterator[str]:
        """Give what is part of these by a parameter, or what these are part of."""
        for key in self.entries:
            if key.type != parameter.resource_type:
                continue
            if above and str(key) in named:
                yield from (str(whole) for whole in self._targets(key, parameter) if whole.type == key.type)
            elif not above and any(
                entry.code == parameter.code and entry.target in named for entry in self.entries[key].references
            ):
                yield str(key)

    def _resolved(self, match: Match) -> Match:
        """Return a match with the members of each hierarchy in its place."""
        if not any(isinstance(value, HierarchyValue) for value in match.values):
            return match
        values = tuple(self.members(each) if isinstance(each, HierarchyValue) else each for each in match.values)
        return Match(match.parameter, values)

    def _led(self, key: Key, link: Chain | Has | Hop) -> Iterator[Key]:
        """Yield the standing resources that a step leads to."""
        if link.literal:
            yield from self._targets(key, link.parameter)
        yield from self._named(key, link.parameter, link.canonical)

    def _targets(self, key: Key, parameter: SearchParameter) -> Iterator[Key]:
        """Yield the standing resources of this server that `key` refers to by the parameter."""
        for entry in self.entries[key].references:
            if entry.code == parameter.code and entry.target is not None:
                target = local_key(entry.target, "")
                if target is not None and target in self.entries:
                    yield target

    def _reach(self, key: Key, include: Include) -> Iterator[Key]:
        if not include.reverse:
            if key.type == include.source:
                yield from (target for target in self._include(key, include) if include.target in (None, target.type))
        elif include.target in (None, key.type):
            for source in self.entries:
                if source.type == include.source and key in self._include(source, include):
                    yield source

    def _include(self, key: Key, include: Include) -> Iterator[Key]:
        yield from self._targets(key, include.parameter)
        yield from self._named(key, include.parameter, include.canonical)

    def _named(self, key: Key, parameter: SearchParameter, types: tuple[str, ...]) -> Iterator[Key]:
        """Yield what a resource names by canonical URL, of these types: that version, if it says one that is here."""
        for entry in self.entries[key].references if types else ():
            if entry.code != parameter.code or entry.target is None or not entry.canonical or entry.inner:
                continue
            exact = entry.version is not None and self._known_by(types, f"{entry.target}|{entry.version}")
            yield from exact or self._known_by(types, entry.target, entry.address)

    def _known_by(self, types: tuple[str, ...], url: str, address: str | None = None) -> list[Key]:
        return [each for each in self.entries if each.type in types and self._is_known(each, url, address)]

    def _is_known(self, key: Key, url: str, address: str | None) -> bool:
        entries = self.entries[key]
        return UriEntry("url", url) in entries.uris or (address is not None and entries.address == address)

    def _sort_keys(self, key: Key, query: Query) -> Iterator[SortValue]:
        if not query.sort:
            yield self.entries[key].date
        for sort in query.sort:
            yield self._sort_key(key, sort, query)
        if is_by_number(query):
            yield self.entries[key].date

    def _sort_key(self, key: Key, sort: Sort, query: Query) -> SortValue:
        if sort.parameter == "_score":
            return self._score(key, query)
        if is_primary_date(sort, query, self.dates):
            return self.entries[key].date
        keys = [key]
        for hop in sort.through:
            keys = [target for each in keys for target in self._led(each, hop) if target.type == hop.target]
        values = [value for each in keys for value in self._values(each, sort)]
        return max(values, default=None) if sort.descending else min(values, default=None)

    def _score(self, key: Key, query: Query) -> int:
        texts = self.texts(key)
        return sum(score(texts.often(each.where, each.phrase), texts.length) for each in words_of(query.clauses))

    def _values(self, key: Key, sort: Sort) -> Iterable[int | float | str]:
        if sort.parameter == "_id":
            return (key.id,)
        if sort.parameter == _LAST_UPDATED:
            return (self.updated[key],)
        return sort_values(sort, self.entries[key])
