"""From the typed entries of a resource to the rows of its index.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from fhir_service.fhir.reference import local_key
from fhir_service.fhir.search.index import IndexEntries, QuantityEntry
from fhir_service.storage.sqlite.keys import (
    constant,
    gram_key,
    hash64,
    ordered,
    parameter_id,
    reference_texts,
    shape_key,
    token_texts,
    type_key,
)

NO_DATE = -(2**63)
"""The primary date of a resource that has none: the least of all."""

FAR_DATES = 32 * 86_400_000_000
"""Microseconds. A resource whose dates reach further than this is found through an index on their ends as well."""

FAR_NUMBERS = 2**50
"""The same for numbers, as a difference of `ordered`: a quarter of an octave at the most."""

ANY_UNIT = 0


class Rows(msgspec.Struct, array_like=True, frozen=True):
    """The index rows of one resource, without their rid; `d` belongs to each of `ix`."""

    d: int
    ix: tuple[int, ...]
    rf: tuple[tuple[int, int], ...] = ()
    st: tuple[tuple[int, str, int], ...] = ()
    gm: tuple[int, ...] = ()
    dt: tuple[tuple[int, int, int, bool], ...] = ()  # p, lo, hi, far
    nq: tuple[tuple[int, int, int, int, bool], ...] = ()  # p, unit, lo, hi, far


encode_rows = msgspec.msgpack.Encoder().encode
decode_rows = msgspec.msgpack.Decoder(Rows).decode


def shape_of(entries: IndexEntries) -> frozenset[str]:
    """Return the codes of the parameters that have a value."""
    return frozenset(
        [
            entry[0]
            for of_type in (
                entries.tokens,
                entries.references,
                entries.strings,
                entries.dates,
                entries.numbers,
                entries.quantities,
                entries.uris,
                entries.composites,
            )
            for entry in of_type
        ]
    )


def rows_of(resource_type: str, entries: IndexEntries) -> Rows:
    """Return the rows that index a resource with these entries."""
    return Rows(
        NO_DATE if entries.date is None else entries.date,
        tuple(dict.fromkeys(_keys(resource_type, entries))),
        tuple(dict.fromkeys(_local_references(resource_type, entries))),
        tuple({(parameter_id(resource_type, code), folded, hash64(text)) for code, text, folded in entries.strings}),
        tuple([gram_key(resource_type, gram) for gram in grams(string.folded for string in entries.strings)]),
        _date_rows(resource_type, entries),
        _number_rows(resource_type, entries),
    )


def grams(texts: Iterable[str]) -> set[str]:
    """Return each two characters that stand side by side in one of the texts."""
    return {a + b for text in texts for a, b in pairwise(text)}


def sort_texts(resource_type: str, entries: IndexEntries) -> dict[int, str | tuple[str, str]]:
    """Return for each parameter without a table of its own the text it sorts by, or the least and the greatest."""
    found: dict[str, list[str]] = {}
    for token in entries.tokens:
        if token.value is not None:
            found.setdefault(token.code, []).append(token.value)
    for reference in entries.references:
        if reference.target is not None:
            found.setdefault(reference.code, []).append(reference.target)
    for uri in entries.uris:
        found.setdefault(uri.code, []).append(uri.uri)
    return {
        parameter_id(resource_type, code): texts[0] if len(texts) == 1 else (min(texts), max(texts))
        for code, texts in found.items()
    }


def unit_key(system: str, code: str) -> int:
    """Return the key of a unit in its system; without a system, of a code or the text of a unit."""
    return hash64(f"{system}\0{code}")


def _keys(resource_type: str, entries: IndexEntries) -> Iterator[int]:
    yield type_key(resource_type)
    yield shape_key(resource_type, shape_of(entries))
    for token in entries.tokens:
        for text in token_texts(token.system, token.value):
            yield hash64(text) ^ constant(resource_type, token.code)
    for reference in entries.references:
        for text in reference_texts(reference):
            yield hash64(text) ^ constant(resource_type, reference.code)
    for uri in entries.uris:
        yield hash64(uri.uri) ^ constant(resource_type, uri.code)


def _local_references(resource_type: str, entries: IndexEntries) -> Iterator[tuple[int, int]]:
    for reference in entries.references:
        if reference.target is not None and local_key(reference.target, "") is not None:
            yield parameter_id(resource_type, reference.code), hash64(reference.target)


def _date_rows(resource_type: str, entries: IndexEntries) -> tuple[tuple[int, int, int, bool], ...]:
    if not entries.dates:
        return ()
    rows = {(parameter_id(resource_type, code), low, high) for code, low, high in entries.dates}
    far = _far(rows, FAR_DATES)
    return tuple([(p, low, high, p in far) for p, low, high in rows])


def _number_rows(resource_type: str, entries: IndexEntries) -> tuple[tuple[int, int, int, int, bool], ...]:
    if not entries.numbers and not entries.quantities:
        return ()
    rows = {
        (ANY_UNIT, parameter_id(resource_type, code), ordered(low), ordered(high))
        for code, low, high in entries.numbers
    }
    for quantity in entries.quantities:
        p, low, high = parameter_id(resource_type, quantity.code), ordered(quantity.low), ordered(quantity.high)
        rows |= {(unit, p, low, high) for unit in _unit_keys(quantity)}
    far = _far([row[1:] for row in rows], FAR_NUMBERS)
    return tuple([(p, unit, low, high, p in far) for unit, p, low, high in rows])


def _unit_keys(quantity: QuantityEntry) -> set[int]:
    keys = {unit_key("", name) for name in (quantity.unit_code, quantity.unit) if name is not None}
    if quantity.system is not None:
        keys.add(unit_key(quantity.system, quantity.unit_code or ""))
    return keys | {ANY_UNIT}


def _far(rows: Iterable[tuple[int, int, int]], limit: int) -> set[int]:
    """Return the parameters whose values, from the least low to the greatest high, reach over more than `limit`."""
    least: dict[int, int] = {}
    greatest: dict[int, int] = {}
    for p, low, high in rows:
        least[p] = min(least.get(p, low), low)
        greatest[p] = max(greatest.get(p, high), high)
    return {p for p in least if greatest[p] - least[p] > limit}
