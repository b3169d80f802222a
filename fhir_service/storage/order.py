"""The order of search results: by sort keys and rid, or by primary clinical date and rid.

https://hl7.org/fhir/R4/search.html#sort
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fhir_service.fhir.search.index import IndexEntries
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.query import Query, Sort
from fhir_service.fhir.search.sorting import SCORE
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
    """Yield the values by which a parameter sorts: the start of a date, the low bound of a number, else its text."""
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
