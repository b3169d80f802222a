"""Resources, entries and queries made by hand: the store sees nothing but these values."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.index import (
    CompositeEntry,
    DateEntry,
    IndexEntries,
    NumberEntry,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
    UriEntry,
)
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.query import (
    Clause,
    DateValue,
    Match,
    NumberValue,
    Prefix,
    Query,
    ReferenceValue,
    Sort,
    StringValue,
    TokenValue,
)
from fhir_service.storage.store import Delete, Page, Put, Store

DAY = 86_400_000_000  # microseconds

# The parameters of the made-up types, enough for one of each kind.
PARAMETERS: dict[str, dict[str, SearchType]] = {
    "Patient": {
        "name": "string",
        "identifier": "token",
        "active": "token",
        "birthdate": "date",
        "general-practitioner": "reference",
        "link": "reference",
    },
    "Observation": {
        "code": "token",
        "status": "token",
        "subject": "reference",
        "encounter": "reference",
        "date": "date",
        "value-quantity": "quantity",
        "value-string": "string",
        "code-value-quantity": "composite",
        "code-value-concept": "composite",
        "code-value-date": "composite",
        "code-value-string": "composite",
    },
    "Encounter": {
        "status": "token",
        "subject": "reference",
        "date": "date",
        "length": "number",
        "instantiates": "uri",
        "reason": "reference",
        "relationship": "composite",
        "coordinate": "composite",
        "near": "special",
    },
    "Questionnaire": {
        "url": "uri",
        "title": "string",
        "status": "token",
        "date": "date",
        "derived-from": "reference",
    },
    "PlanDefinition": {
        "url": "uri",
        "title": "string",
        "definition": "reference",
        "depends-on": "reference",
        "date": "date",
    },
    "QuestionnaireResponse": {
        "questionnaire": "reference",
        "subject": "reference",
        "status": "token",
        "authored": "date",
    },
}
# Of a composite: the types of its components.
COMPONENTS: dict[str, tuple[SearchType, ...]] = {
    "code-value-quantity": ("token", "quantity"),
    "code-value-concept": ("token", "token"),
    "code-value-date": ("token", "date"),
    "code-value-string": ("token", "string"),
    "relationship": ("reference", "token"),
    "coordinate": ("token", "number", "number"),
}
CODED = frozenset({"code", "status", "active"})
PRIMARY = {"Observation": "date", "Encounter": "date", "QuestionnaireResponse": "authored"}


class Dates:
    """The part of the registry that a store asks for."""

    def primary_date(self, resource_type: str) -> str | None:
        return PRIMARY.get(resource_type)


class HandClock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 14, 38, 21, 123_456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **by: float) -> int:
        """Go on by `milliseconds=1` or more; return the time in microseconds."""
        self.now += timedelta(**(by or {"milliseconds": 1}))
        return (self.now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def parameter(resource_type: str, code: str) -> SearchParameter:
    return SearchParameter(resource_type, code, PARAMETERS[resource_type][code], None, "")


def entries(*made: Any, date: int | None = None) -> IndexEntries:
    """Return the entries, each in the list of its type."""
    found = IndexEntries(date=date, coded=CODED)
    lists: dict[type, list[Any]] = {
        TokenEntry: found.tokens,
        ReferenceEntry: found.references,
        StringEntry: found.strings,
        DateEntry: found.dates,
        NumberEntry: found.numbers,
        QuantityEntry: found.quantities,
        UriEntry: found.uris,
        CompositeEntry: found.composites,
    }
    for entry in made:
        lists[type(entry)].append(entry)
    return found


def put(resource_type: str, id_: str, *made: Any, date: int | None = None, **content: Any) -> Put:
    resource = {"resourceType": resource_type, "id": id_, **content}
    return Put(resource, entries(*made, date=date))


def delete(resource_type: str, id_: str, expected: int | None = None) -> Delete:
    return Delete(Key(resource_type, id_), expected)


def name(text: str) -> StringEntry:
    return StringEntry("name", text, text.casefold())


def named(text: str, modifier: str | None = None) -> Match:
    return Match(parameter("Patient", "name"), (StringValue(text, text.casefold()),), modifier)


def token(resource_type: str, code: str, *values: str, modifier: str | None = None) -> Match:
    """Return a clause; a value is written as in a URL: `x`, `|x`, `s|`, `s|x`."""
    return Match(parameter(resource_type, code), tuple(_token(value) for value in values), modifier)


def refers(resource_type: str, code: str, *targets: str, modifier: str | None = None) -> Match:
    return Match(parameter(resource_type, code), (ReferenceValue(targets),), modifier)


def dated(resource_type: str, code: str, *values: tuple[Prefix, int, int]) -> Match:
    return Match(parameter(resource_type, code), tuple(DateValue(*value) for value in values))


def number(prefix: Prefix, text: str) -> NumberValue:
    """Return a number as the parser makes it: half a unit of the last digit to both sides."""
    value = Decimal(text)
    half = Decimal(1).scaleb(int(value.as_tuple().exponent)) / 2
    return NumberValue(prefix, value, float(value - half), float(value + half))


def sorted_by(resource_type: str, code: str) -> Sort:
    """Return a sort key: `date`, `-date`, `_id`, `-_lastUpdated`."""
    plain = code.removeprefix("-")
    if plain == "_id":
        return Sort("_id", code != plain)
    if plain == "_lastUpdated":
        return Sort("_lastUpdated", code != plain)
    return Sort(parameter(resource_type, plain), code != plain)


def query(resource_type: str, *clauses: Clause, sort: str = "") -> Query:
    keys = tuple(sorted_by(resource_type, code) for code in sort.split(",") if code)
    return Query(resource_type, clauses, keys)


def ids(page: Page) -> list[str]:
    return [version.key.id for version in page.matches]


async def found(store: Store, asked: Query, **arguments: Any) -> list[str]:
    return ids(await store.search(asked, **{"count": 100, **arguments}))


async def walk(store: Store, asked: Query, count: int, between: Callable[[], Any] | None = None) -> list[list[str]]:
    """Return the ids on each page, from the first to the last."""
    pages = [await store.search(asked, count=count)]
    while pages[-1].next is not None:
        if between is not None:
            await between()
        pages.append(await store.search(asked, count=count, after=pages[-1].next))
    return [ids(page) for page in pages]


def _token(text: str) -> TokenValue:
    system, bar, value = text.rpartition("|")
    return TokenValue(system if bar else None, value or None)
