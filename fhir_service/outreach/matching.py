"""Who of those on this server is meant by a resource of a document: found by business identifiers, never by likeness.

What was found is bound to the commit (`Finds`), so that two documents at once cannot make the same person twice.
https://hl7.org/fhir/R4/datatypes.html#Identifier
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.query import Match, Query, TokenValue
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Finds, Version

FOUND_LIMIT = 20
AMBIGUOUS = 409


class Matched(NamedTuple):
    """What a document's resource is here: the version that stands (None: nobody, so it is filed as a new one).

    `amended` is what the stored resource becomes, None if it stays as it is.
    """

    version: Version | None
    conditions: tuple[Finds, ...] = ()
    issues: tuple[Issue, ...] = ()
    amended: Resource | None = None


async def found(query: Query, services: Services) -> tuple[tuple[Version, ...], Finds]:
    """Return what a query finds, and the condition that it still finds just this."""
    page = await services.store.search(query, count=FOUND_LIMIT)
    return page.matches, Finds(query, frozenset(version.key for version in page.matches))


def by_identifier(
    resource_type: str, identifiers: Iterable[tuple[str, str]], services: Services, code: str = "identifier"
) -> Query:
    """Return the search for resources with any of these (system, value)."""
    parameter = services.indexer.registry.parameters(resource_type)[code]
    values = tuple(TokenValue(system, value) for system, value in identifiers)
    return Query(resource_type, (Match(parameter, values),))


def pairs(resource: Resource) -> list[tuple[str, str]]:
    """Return the identifiers that have both a system and a value."""
    found = ((each.get("system"), each.get("value")) for each in resource.get("identifier", ()))
    return [(system, value) for system, value in found if system and value]


def ambiguous(what_ja: str, what_en: str, versions: Sequence[Version], expression: str) -> FhirError:
    """Return the error (409) for a resource of the document that is two or more on this server."""
    names = ", ".join(sorted(str(version.key) for version in versions))
    return fhir_error(
        "multiple-matches",
        f"文書の{what_ja}に当てはまるものがこのサーバーに複数あります({names})。同じものか確認し、統合してから送り直してください。",
        f"The {what_en} of the document matches several on this server ({names}); settle which is meant and retry.",
        (expression,),
        status=AMBIGUOUS,
    )
