"""The order of search results: by sort keys and rid, or by primary clinical date and rid.

https://hl7.org/fhir/R4/search.html#sort
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

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
from fhir_service.fhir.search.near import distance
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.parsing.sorting import SCORE
from fhir_service.fhir.search.query import Query, Sort
from fhir_service.storage.doubles import ordered
from fhir_service.storage.store import Cursor, PrimaryDates

SortValue = int | float | str | None


def directions(query: Query) -> tuple[bool, ...]:
    """Return for each key of the order whether it descends: the sort keys (or the date), then the rid."""
    if not query.sort:
        return (False, False)
    last = query.sort[-1].descending
    return (*(sort.descending for sort in query.sort), *([last] if is_by_number(query) else []), last)


def scores(query: Query, places: Iterable[Cursor]) -> tuple[int, ...]:
    """Return the scores that stand in these places; none where nothing is sorted by `_score`."""
    at = next((n for n, sort in enumerate(query.sort) if sort.parameter == SCORE), None)
    return () if at is None else tuple(int(keys[at] or 0) for keys in places)


def is_by_number(query: Query) -> bool:
    """Whether one number is sorted by: what is equal follows the primary date, as the index of numbers has it."""
    match query.sort:
        case (Sort(parameter=SearchParameter(type="number" | "quantity"), through=()),):
            return True
        case _:
            return False


def sort_values(sort: Sort, entries: IndexEntries) -> Iterator[int | float | str]:
    """Yield the values by which a parameter sorts: the start of a date, the low bound of a number, else its text.

    A composite has what it sorts by upwards and downwards (`composite_texts`), a place its distances in metres.
    """
    codes = (sort.parameter,) if isinstance(sort.parameter, str) else sort.parameter.stored
    for string in entries.strings:
        if string.code in codes:
            yield string.folded
    for date in entries.dates:
        if date.code in codes:
            yield date.low
    for number in entries.numbers:
        if number.code in codes:
            yield number.low
    for quantity in entries.quantities:
        if quantity.code in codes:
            yield quantity.low
    for token in entries.tokens:
        if token.code in codes and token.value is not None:
            yield token.value
    for reference in entries.references:
        if reference.code in codes and reference.target is not None:
            yield reference.target
    for uri in entries.uris:
        if uri.code in codes:
            yield uri.uri
    for composite in entries.composites:
        if composite.code in codes:
            yield from distances(sort, composite) if sort.centres else composite_texts(composite)


def distances(sort: Sort, place: CompositeEntry) -> Iterator[float]:
    """Yield how far a place is from each of the centres of a sort, in metres."""
    (latitude,), (longitude,) = place.parts
    if isinstance(latitude, NumberEntry) and isinstance(longitude, NumberEntry):
        for centre in sort.centres:
            yield distance(latitude.low, longitude.low, centre.latitude, centre.longitude)


def composite_texts(composite: CompositeEntry) -> tuple[str, str]:
    """Return the least and the greatest text by which an instance of a composite sorts.

    Its components follow each other, the first before the second, each by what it sorts by itself; none is the least.
    """
    texts = [[text for each in part if (text := _TEXTS[type(each)](each))] for part in composite.parts]
    least, greatest = [min(each, default="") for each in texts], [max(each, default="") for each in texts]
    return _BETWEEN.join(least), _BETWEEN.join(greatest)


_BETWEEN = "\1"
"""Less than every character that a value can have, so that what is shorter comes first."""


def _digits(number: int) -> str:
    return f"{number + 2**63:016x}"


_TEXTS: dict[type[NamedTuple], Callable[[Any], str]] = {
    TokenEntry: lambda entry: entry.value or "",
    StringEntry: lambda entry: entry.folded,
    DateEntry: lambda entry: _digits(entry.low),
    NumberEntry: lambda entry: _digits(ordered(entry.low)),
    QuantityEntry: lambda entry: _digits(ordered(entry.low)),
    ReferenceEntry: lambda entry: entry.target or "",
    UriEntry: lambda entry: entry.uri,
}
"""The texts that stand for the values of components, in the order of these."""


def is_primary_date(sort: Sort, query: Query, dates: PrimaryDates) -> bool:
    """Whether this sorts by the primary clinical date, which stands for the parameter in both directions.

    Among several types it does not, for what is the primary date of one may be any date of another.
    """
    if isinstance(sort.parameter, str) or sort.through or query.among:
        return False
    return sort.parameter.code == dates.primary_date(query.resource_type)


class Place(NamedTuple):
    """Where a match stands: its keys and which of them descend. None is the least value."""

    keys: Cursor
    descending: tuple[bool, ...]

    def __lt__(self, other: tuple[object, ...]) -> bool:
        return isinstance(other, Place) and _before(self.keys, other.keys, self.descending)


def _before(a: Sequence[SortValue], b: Sequence[SortValue], descending: Sequence[bool]) -> bool:
    for x, y, reverse in zip(a, b, descending, strict=True):
        if x != y:
            return (_ranked(x) < _ranked(y)) != reverse
    return False


def _ranked(value: SortValue) -> tuple[bool, SortValue]:
    return (value is not None, value)
