"""The search criteria of a conditional interaction, and the one resource that they find.

What was found is bound to the commit by a `Finds` condition, so that two requests with the same criteria cannot both
find nothing and both create (https://hl7.org/fhir/R4/http.html#ccreate).
"""

from collections.abc import Sequence
from typing import NamedTuple

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.query import Query
from fhir_service.fhir.url import query_parameters
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Finds, Version

Criteria = tuple[tuple[str, str], ...]
_NOT_CRITERIA = frozenset({"_format", "_pretty"})


class Found(NamedTuple):
    """The match, if there is one, and the condition that it (or nothing) is still what the criteria find."""

    version: Version | None
    condition: Finds


def criteria_of(query: Sequence[tuple[str, str]]) -> Criteria:
    """Return the search criteria in the parameters of a URL."""
    return tuple(pair for pair in query if pair[0] not in _NOT_CRITERIA)


def decoded(text: str) -> Criteria:
    """Return the parameters of If-None-Exist: `identifier=…`, with or without `Type?` or `?` before it."""
    before, mark, query = text.partition("?")
    return query_parameters((text if "=" in before or not mark else query).encode())


async def single_match(resource_type: str, criteria: Criteria, base: str, services: Services) -> Found:
    """Search; 412 if the criteria find several, 400 if they say nothing or something unknown."""
    query = query_of(resource_type, criteria, base, services)
    page = await services.store.search(query, count=2)
    if len(page.matches) > 1:
        raise several_match(resource_type)
    keys: frozenset[Key] = frozenset(version.key for version in page.matches)
    return Found(page.matches[0] if page.matches else None, Finds(query, keys))


def query_of(resource_type: str, criteria: Criteria, base: str, services: Services) -> Query:
    """Return what the criteria ask for; 400 if they say nothing or something unknown."""
    parsed = parse_search(resource_type, criteria, services.indexer, base=base, now=services.now(), lenient=False)
    if parsed.query.clauses:
        return parsed.query
    raise fhir_error(
        "required",
        "条件付き操作には検索条件が必要です。",
        "A conditional interaction needs search criteria.",
        status=400,
    )


async def refuse_taken(key: Key, services: Services) -> None:
    """Raise 409 if a resource that the criteria did not find stands under the id that the client gave."""
    version = await services.store.read(key)
    if version is not None and not version.deleted:
        raise fhir_error(
            "duplicate",
            f"{key}はすでにありますが、検索条件に合いません。",
            f"{key} exists already, but the criteria do not find it.",
            (f"{key.type}.id",),
        )


def several_match(resource_type: str) -> FhirError:
    """Return the error for criteria that find more than one resource (412)."""
    return fhir_error(
        "multiple-matches",
        f"条件に合う{resource_type}が複数あります。条件をしぼってください。",
        f"The criteria find more than one {resource_type}; narrow them.",
    )


def too_many_match(resource_type: str, limit: int) -> FhirError:
    """Return the error for the criteria of a delete that find more than may be deleted at once (412)."""
    return fhir_error(
        "multiple-matches",
        f"条件に合う{resource_type}が{limit:,}件を超えています。何も削除していません。条件をしぼってください。",
        f"The criteria find more than {limit:,} {resource_type}s; nothing was deleted. Narrow them.",
    )
