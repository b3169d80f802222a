"""What criteria find within a transaction: what the store holds, less what was deleted, and what was put before.

https://hl7.org/fhir/R4/http.html#trules: criteria see what the entries did that are processed before. Chains,
`_has`, hierarchies, `_lastUpdated` and full text see the store alone.
"""

from collections.abc import Collection

from fhir_service.fhir.resource import Key, Resource, key_of
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.fhir.search.match import holds
from fhir_service.fhir.search.query import (
    AllOf,
    Match,
    Query,
    TokenValue,
)
from fhir_service.interactions.searches.hierarchy import resolved
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.criteria import Criteria, query_of, several_match, too_many_match
from fhir_service.storage.store import Finds, Version

_Token = tuple[str, str]  # code of the search parameter, value


class TransactionSearch:
    """Searches for the entries of one attempt at a transaction, and keeps what the commit must be bound to."""

    def __init__(self, base: str, services: Services) -> None:
        self.conditions: list[Finds] = []
        self._base = base
        self._services = services
        self._changed: set[Key] = set()
        self._put: dict[str, list[Resource]] = {}
        self._entries: dict[Key, IndexEntries] = {}
        self._by_token: dict[str, dict[_Token, list[Key]]] = {}

    def deleted(self, key: Key) -> None:
        """Say that a resource is no more."""
        self._changed.add(key)

    def put(self, resource: Resource) -> None:
        """Say that a resource stands now as it is here, but for the links in it."""
        self._changed.add(key_of(resource))
        self._put.setdefault(resource["resourceType"], []).append(resource)

    def query(self, resource_type: str, criteria: Criteria) -> Query:
        """Return what criteria ask for; 400 if they say nothing or something unknown."""
        return query_of(resource_type, criteria, self._base, self._services)

    async def single(self, query: Query) -> tuple[Key | None, Version | None]:
        """Return what a query finds, and its version if it stands in the store; 412 if it finds several."""
        page = await self._services.store.search(query, count=len(self._changed) + 2)
        standing = [version for version in page.matches if version.key not in self._changed]
        put = await self.found_among_put(query)
        if len(standing) + len(put) > 1:
            raise several_match(query.resource_type)
        self.conditions.append(Finds(query, frozenset(version.key for version in page.matches)))
        if put:
            return put[0], None
        return (standing[0].key, standing[0]) if standing else (None, None)

    async def several(self, resource_type: str, criteria: Criteria, most: int) -> list[Key]:
        """Return what the criteria find in the store, for a delete; 412 if it is more than `most`."""
        query = self.query(resource_type, criteria)
        page = await self._services.store.search(query, count=len(self._changed) + most + 1)
        keys = [version.key for version in page.matches]
        standing = [key for key in keys if key not in self._changed]
        if len(standing) > most:
            raise too_many_match(resource_type, most)
        self.conditions.append(Finds(query, frozenset(keys)))
        return standing

    async def found_among_put(self, query: Query) -> list[Key]:
        """Return what a query finds among what was put."""
        if query.resource_type not in self._put and query.resource_type not in self._by_token:
            return []
        self._index(query.resource_type)
        candidates = self._candidates(query)
        if not candidates:
            return []
        asked = await resolved(AllOf(query.clauses), self._services.store)
        return [key for key in candidates if holds(key.id, self._entries[key], asked)]

    def _index(self, resource_type: str) -> None:
        """Index what was put since the last search of this type."""
        by_token = self._by_token.setdefault(resource_type, {})
        for resource in self._put.pop(resource_type, ()):
            key = key_of(resource)
            entries = self._entries[key] = self._services.indexer.index(resource)
            for token in entries.tokens:
                if token.value is not None:
                    by_token.setdefault((token.code, token.value), []).append(key)

    def _candidates(self, query: Query) -> Collection[Key]:
        """Return what may match: a few where a token is asked for, so that 10,000 conditional creates stay cheap."""
        for clause in query.clauses:
            if isinstance(clause, Match) and clause.modifier is None and clause.missing is None:
                values = [value for value in clause.values if isinstance(value, TokenValue) and value.value is not None]
                if values and len(values) == len(clause.values):
                    tokens = self._by_token[query.resource_type]
                    wanted = [(clause.parameter.code, str(value.value)) for value in values]
                    return {key for token in wanted for key in tokens.get(token, ())}
        return [key for key in self._entries if key.type == query.resource_type]
