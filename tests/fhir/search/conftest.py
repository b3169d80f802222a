"""The real definitions, search parameters and indexer."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.match import holds
from fhir_service.fhir.search.parsing.draft import ParsedSearch
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.registry import SearchRegistry

BASE = "https://outreach.example.jp/fhir"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone(timedelta(hours=9)))

Parse = Callable[..., ParsedSearch]
Finds = Callable[[str, Resource], bool]


def observation(**elements: Any) -> Resource:
    return {"resourceType": "Observation", "id": "o", "status": "final", **elements}


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", "id": "p", **elements}


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions.load()


@pytest.fixture(scope="session")
def registry(definitions: Definitions) -> SearchRegistry:
    return SearchRegistry(definitions)


@pytest.fixture(scope="session")
def indexer(definitions: Definitions, registry: SearchRegistry) -> Indexer:
    return Indexer(definitions, registry, BASE)


@pytest.fixture(scope="session")
def parse(indexer: Indexer) -> Parse:
    """Return a function that parses `Patient?name=山田&_count=5`."""

    def parse(url: str, *, lenient: bool = False, skip_empty: bool = False) -> ParsedSearch:
        resource_type, _, query = url.partition("?")
        parameters = parse_qsl(query, keep_blank_values=True)
        return parse_search(
            resource_type, parameters, indexer, base=BASE, now=NOW, lenient=lenient, skip_empty=skip_empty
        )

    return parse


@pytest.fixture(scope="session")
def finds(indexer: Indexer, parse: Parse) -> Finds:
    """Return a function that tells whether a query (`name=山田`) finds a resource, chains aside."""

    def finds(query: str, resource: Resource) -> bool:
        clauses = parse(f"{resource['resourceType']}?{query}").query.clauses
        entries = indexer.index(resource)
        return all(holds(resource.get("id"), entries, clause) for clause in clauses)

    return finds
