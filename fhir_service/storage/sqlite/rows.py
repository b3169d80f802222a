"""From the typed entries of a resource to the rows of its index.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from fhir_service.fhir.reference import local_key
from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.storage.sqlite.composites import NO_COMPOSITES, composite_rows, units
from fhir_service.storage.sqlite.keys import (
    constant,
    gram_key,
    hash64,
    identifier_text,
    label_text,
    ordered,
    parameter_id,
    reference_texts,
    shape_key,
    token_texts,
    type_key,
    typed_text,
)

NO_DATE = -(2**63)
"""The primary date of a resource that has none: the least of all."""

FAR_DATES = 86_400_000_000
"""A day, in microseconds. A resource whose dates reach further is found through an index on their ends as well."""

FAR_NUMBERS = 2**50
"""The same for numbers, as a difference of `ordered`: a quarter of an octave at the most."""

DateRow = tuple[int, int, int, int]
"""p, lo, hi, far: 0 if all the parameter's values of the resource lie close together, 1 if its one value is long, 2 if
it has several."""

NumberRow = tuple[int, int, int, int, int, int, int]
"""p, lo, hi; sc, c, u: the unit as system and code, as code, as text; far."""


class Rows(msgspec.Struct, array_like=True, frozen=True):
    """The index rows of one resource, without their rid; `d` belongs to each of `ix`."""

    d: int
    ix: tuple[int, ...]
    rf: tuple[tuple[int, int], ...] = ()
    st: tuple[tuple[int, str, int], ...] = ()
    gm: tuple[int, ...] = ()
    dt: tuple[DateRow, ...] = ()
    nq: tuple[NumberRow, ...] = ()


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
    composites = composite_rows(resource_type, entries.composites) if entries.composites else NO_COMPOSITES
    strings = {(parameter_id(resource_type, code), folded, hash64(text)) for code, text, folded in entries.strings}
    return Rows(
        NO_DATE if entries.date is None else entries.date,
        tuple(dict.fromkeys((*_keys(resource_type, entries), *composites.keys))),
        tuple(dict.fromkeys(_local_references(resource_type, entries))),
        tuple(strings | composites.strings),
        tuple([gram_key(resource_type, gram) for gram in grams(string.folded for string in entries.strings)]),
        _date_rows(resource_type, entries, composites.dates),
        _number_rows(resource_type, entries, composites.numbers),
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


def token_keys(resource_type: str, entries: IndexEntries) -> set[tuple[int, int]]:
    """Return for each value of a token its key without a system, and the key in `ix` that it has here.

    Codes have few systems, so that a search without one looks these up first, and no row is written for each resource.
    """
    pairs: set[tuple[int, int]] = set()
    for code, system, value, *_ in entries.tokens:
        if value is not None:
            c = constant(resource_type, code)
            pairs.add((hash64(value) ^ c, hash64(token_texts(system, value)[-1]) ^ c))
    for reference in entries.references:
        if reference.value is not None:
            c = constant(resource_type, reference.code)
            full = token_texts(reference.system, reference.value)[-1]
            pairs.add((hash64(identifier_text(reference.value)) ^ c, hash64(identifier_text(full)) ^ c))
    if entries.composites:
        pairs |= composite_rows(resource_type, entries.composites).tokens
    return pairs


def texts_of(resource_type: str, entries: IndexEntries) -> set[tuple[int, str, int]]:
    """Return for the texts of tokens, and for URIs, what the table `txt` says of them: parameter, text, key in `ix`."""
    found: set[tuple[int, str, int]] = set()
    for token in entries.tokens:
        if token.text is not None:
            folded = fold(token.text)
            key = hash64(label_text(folded)) ^ constant(resource_type, token.code)
            found.add((parameter_id(resource_type, token.code), folded, key))
    for code, uri in entries.uris:
        found.add((parameter_id(resource_type, code), uri, hash64(uri) ^ constant(resource_type, code)))
    return found


def _keys(resource_type: str, entries: IndexEntries) -> Iterator[int]:
    yield type_key(resource_type)
    yield shape_key(resource_type, shape_of(entries))
    for token in entries.tokens:
        for text in token_texts(token.system, token.value):
            yield hash64(text) ^ constant(resource_type, token.code)
        if token.text is not None:
            yield hash64(label_text(fold(token.text))) ^ constant(resource_type, token.code)
        for system, code in token.types:
            if system is not None and token.value is not None:
                yield hash64(typed_text(system, code, token.value)) ^ constant(resource_type, token.code)
    for reference in entries.references:
        for text in reference_texts(reference):
            yield hash64(text) ^ constant(resource_type, reference.code)
    for uri in entries.uris:
        yield hash64(uri.uri) ^ constant(resource_type, uri.code)


def _local_references(resource_type: str, entries: IndexEntries) -> Iterator[tuple[int, int]]:
    for reference in entries.references:
        if reference.target is not None and local_key(reference.target, "") is not None:
            yield parameter_id(resource_type, reference.code), hash64(reference.target)


def _date_rows(resource_type: str, entries: IndexEntries, more: set[tuple[int, int, int]]) -> tuple[DateRow, ...]:
    if not entries.dates and not more:
        return ()
    rows = {(parameter_id(resource_type, code), low, high) for code, low, high in entries.dates} | more
    far = _far(rows, FAR_DATES)
    return tuple([(p, low, high, far[p]) for p, low, high in rows])


def _number_rows(
    resource_type: str, entries: IndexEntries, more: set[tuple[int, int, int, int, int, int]]
) -> tuple[NumberRow, ...]:
    if not entries.numbers and not entries.quantities and not more:
        return ()
    rows = {
        (parameter_id(resource_type, code), ordered(low), ordered(high), 0, 0, 0) for code, low, high in entries.numbers
    }
    for quantity in entries.quantities:
        code, low, high = quantity[:3]
        rows.add((parameter_id(resource_type, code), ordered(low), ordered(high), *units(quantity)))
    rows |= more
    far = _far([row[:3] for row in rows], FAR_NUMBERS)
    return tuple([(*row, far[row[0]]) for row in rows])


def _far(rows: Iterable[tuple[int, int, int]], limit: int) -> dict[int, int]:
    """Return for each parameter whether its values, from the least low to the greatest high, reach over `limit`."""
    reach: dict[int, tuple[int, int, int]] = {}
    for p, low, high in rows:
        if p in reach:
            least, greatest, _ = reach[p]
            reach[p] = (min(least, low), max(greatest, high), 2)
        else:
            reach[p] = (low, high, 1)
    return {p: far if greatest - least > limit else 0 for p, (least, greatest, far) in reach.items()}
