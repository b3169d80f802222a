"""Composite parameters: one row for each combination of the values that stand together in one instance.

The components that are compared as a whole (token, reference, uri) are hashed together with the parameter to one key.
Without further components it is a key of `ix`; else it takes the place of the parameter in `st`, `dt` or `nq`, where
the row holds the range or text that belongs to it. Two ranges share a row of `nq`: the second stands in `sc` and `c`.
https://hl7.org/fhir/R4/search.html#composite
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.search.index import (
    CompositeEntry,
    DateEntry,
    NumberEntry,
    QuantityEntry,
    ReferenceEntry,
    StringEntry,
    TokenEntry,
    UriEntry,
)
from fhir_service.fhir.search.query import ReferenceValue, TokenValue
from fhir_service.fhir.search.units import is_convertible
from fhir_service.storage.doubles import ordered
from fhir_service.storage.sqlite.keys import (
    composite_key,
    constant,
    hash64,
    other_texts,
    parameter_id,
    target_texts,
    token_text,
    token_texts,
    unit_text,
)

MOST_ROWS = 10_000
"""A resource whose composites have more combinations is refused: none that means something has."""


@dataclass(slots=True)
class CompositeRows:
    """What the composites of a resource add to the tables; rows of `dt` and `nq` without `far`."""

    keys: list[int] = field(default_factory=list)
    strings: set[tuple[int, str, int]] = field(default_factory=set)
    dates: set[tuple[int, int, int]] = field(default_factory=set)
    numbers: set[tuple[int, int, int, int, int, int]] = field(default_factory=set)
    tokens: set[tuple[int, int]] = field(default_factory=set)
    units: set[tuple[int, str, int]] = field(default_factory=set)


NO_COMPOSITES = CompositeRows()


def composite_rows(resource_type: str, composites: Sequence[CompositeEntry]) -> CompositeRows:
    """Return the rows of these entries of one resource; 422 if there are too many."""
    rows = CompositeRows()
    if sum(prod(map(len, entry.parts)) for entry in composites) > MOST_ROWS:
        raise _too_many_rows()
    for code, parts in composites:
        for combination in product(*parts):
            keyed = tuple([entry for entry in combination if type(entry) in KEYED])
            ranged = [entry for entry in combination if type(entry) not in KEYED]
            for entry in ranged:
                if type(entry) is QuantityEntry:
                    rows.units.update(unit_texts(resource_type, code, entry))
            for key, lesser in _keys(resource_type, code, keyed):
                _add(rows, key, ranged)
                rows.tokens.update(lesser)
    return rows


KEYED = frozenset({TokenEntry, ReferenceEntry, UriEntry})
_Keyed = TokenEntry | ReferenceEntry | UriEntry


@lru_cache(maxsize=16_384)  # the components that are compared as a whole are mostly codes: the same again and again
def _keys(
    resource_type: str, code: str, keyed: tuple[_Keyed, ...]
) -> tuple[tuple[int, tuple[tuple[int, int], ...]], ...]:
    """Return each key of these components, and beside it the pairs by which it is found as `tok` has them."""
    c = constant(resource_type, code)
    found = []
    for texts in product(*map(_stored, keyed)):
        key = composite_key(texts, c)
        found.append((key, tuple([(other, key) for other in _lesser(keyed, texts, c)])))
    return tuple(found)


def _stored(entry: TokenEntry | ReferenceEntry | UriEntry) -> tuple[str, ...]:
    """Return the texts under which a component has a row."""
    match entry:
        case TokenEntry(_, system, value):
            return token_texts(system, value)[-1:]
        case ReferenceEntry(_, str(target), None):
            return (target,)
        case ReferenceEntry(_, str(target), str(version)):
            return target_texts(ReferenceValue((target,))) + target_texts(ReferenceValue((target,), version))
        case UriEntry(_, uri):
            return (uri,)
        case _:
            return ()


def _lesser(keyed: Sequence[Any], texts: Sequence[str], c: int) -> Iterator[int]:
    """Give the keys by which the same is found that name a token by its code alone, or by its system alone."""
    forms = [(text, *_lesser_forms(entry)) for entry, text in zip(keyed, texts, strict=True)]
    if any(len(form) > 1 for form in forms):
        yield from (composite_key(each, c) for each in product(*forms) if each != tuple(texts))


def _lesser_forms(entry: Any) -> tuple[str, ...]:
    if not isinstance(entry, TokenEntry) or entry.value is None:
        return ()
    if entry.system is None or entry.kind is not None:
        return other_texts(entry)
    return (entry.value, token_text(TokenValue(entry.system, None)))


def _add(rows: CompositeRows, key: int, ranged: Sequence[Any]) -> None:
    match ranged:
        case []:
            rows.keys.append(key)
        case [StringEntry(_, text, folded)]:
            rows.strings.add((key, folded, hash64(text)))
        case [DateEntry(_, low, high)]:
            rows.dates.add((key, low, high))
        case [NumberEntry(_, low, high)]:
            rows.numbers.add((key, ordered(low), ordered(high), 0, 0, 0))
        case [QuantityEntry() as quantity]:
            rows.numbers.add((key, ordered(quantity.low), ordered(quantity.high), *units(quantity)))
        case [DateEntry() | NumberEntry() as one, DateEntry() | NumberEntry() as other]:
            rows.numbers.add((key, *_bounds(one), *_bounds(other), 0))


def unit_texts(resource_type: str, code: str, entry: QuantityEntry) -> tuple[tuple[int, str, int], ...]:
    """Return the row of `txt` that tells which units of UCUM a parameter has, to which a search converts."""
    return _unit_texts(resource_type, code, entry.system, entry.unit_code)


@lru_cache(maxsize=4096)
def _unit_texts(
    resource_type: str, code: str, system: str | None, unit_code: str | None
) -> tuple[tuple[int, str, int], ...]:
    if system is None or unit_code is None or not is_convertible(system, unit_code):
        return ()
    return ((parameter_id(resource_type, code), unit_code, hash64(unit_text(system, unit_code))),)


def units(entry: QuantityEntry) -> tuple[int, int, int]:
    """Return sc, c and u of a quantity: its unit as system and code, as code, as text (see `schema.py`)."""
    _, _, _, system, code, unit = entry
    return (
        0 if system is None else hash64(unit_text(system, code)),
        0 if code is None else hash64(code),
        0 if unit is None or unit == code else hash64(unit),
    )


def _bounds(entry: DateEntry | NumberEntry) -> tuple[int, int]:
    if isinstance(entry, DateEntry):
        return entry.low, entry.high
    return ordered(entry.low), ordered(entry.high)


def _too_many_rows() -> FhirError:
    return fhir_error(
        "too-costly",
        f"複合検索パラメータの値の組み合わせが{MOST_ROWS}を超えるため保存できません。",
        f"The values of its composite search parameters have more than {MOST_ROWS} combinations.",
    )
