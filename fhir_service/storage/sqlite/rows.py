"""From the typed entries of a resource to the rows of its index.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import msgspec

from fhir_service.fhir.reference import local_key
from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.index import IndexEntries, ReferenceEntry, TokenEntry
from fhir_service.storage.doubles import ordered
from fhir_service.storage.order import composite_texts
from fhir_service.storage.sqlite.composites import NO_COMPOSITES, composite_rows, unit_texts, units
from fhir_service.storage.sqlite.keys import (
    code_text_id,
    constant,
    definition_text,
    gram_keys,
    hash64,
    identifier_text,
    label_text,
    name_text,
    other_texts,
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

DateRow = tuple[int, int, int, int]
"""p, lo, hi, far: 0 if all the parameter's values of the resource lie close together, 1 if its one value is long, 2 if
it has several."""

NumberRow = tuple[int, ...]
"""p, lo, hi; sc, c, u: the unit as system and code, as code, as text. What was stored before schema 6 has a seventh
number, which means nothing any more."""


class Rows(msgspec.Struct, array_like=True, frozen=True):
    """The index rows of one resource, without their rid; `d` belongs to each of `ix` and `nq`."""

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


class Index(NamedTuple):
    """All that stands in the tables for one resource.

    `shape` is the key and the codes of the parameters that have a value; `tokens` goes into the table `tok`, `texts`
    into `txt`, `names` into `cn`.
    """

    rows: Rows
    shape: tuple[int, frozenset[str]]
    tokens: frozenset[tuple[int, int]]
    texts: frozenset[tuple[int, str, int]]
    names: frozenset[tuple[int, int, int]]


def index_of(resource_type: str, entries: IndexEntries) -> Index:
    """Return what indexes a resource with these entries."""
    codes = shape_of(entries)
    shape = shape_key(resource_type, codes)
    composites = composite_rows(resource_type, entries.composites) if entries.composites else NO_COMPOSITES
    keys = [type_key(resource_type), shape, *composites.keys]
    tokens: list[tuple[int, int]] = [*composites.tokens]
    texts: list[tuple[int, str, int]] = [*composites.units]
    references: list[tuple[int, int]] = []
    names: list[tuple[int, int, int]] = []
    for each in entries.tokens:
        found = _token(resource_type, each, each.code in entries.coded)
        keys += found.keys
        tokens += found.tokens
        texts += found.texts
    for reference in entries.references:
        said = _reference(resource_type, reference)
        keys += said.keys
        tokens += said.tokens
        references += said.forward
        names += said.names
        texts += said.texts
    for code, uri in entries.uris:
        key = hash64(uri) ^ constant(resource_type, code)
        keys.append(key)
        texts.append((parameter_id(resource_type, code), uri, key))
    references += _definition_rows(resource_type, entries) if entries.address is not None or entries.uris else ()
    for quantity in entries.quantities:
        texts += unit_texts(resource_type, quantity.code, quantity)
    strings = {(parameter_id(resource_type, code), folded, hash64(text)) for code, text, folded in entries.strings}
    rows = Rows(
        NO_DATE if entries.date is None else entries.date,
        tuple(dict.fromkeys(keys)),
        tuple(dict.fromkeys(references)),
        tuple(strings | composites.strings),
        gram_keys(resource_type, grams({string.folded for string in entries.strings})),
        _date_rows(resource_type, entries, composites.dates),
        _number_rows(resource_type, entries, composites.numbers),
    )
    return Index(rows, (shape, codes), frozenset(tokens), frozenset(texts), frozenset(names))


def _definition_rows(resource_type: str, entries: IndexEntries) -> list[tuple[int, int]]:
    """Return the rows of `rf` by which canonicals lead here: of the definition's own URLs, and of its address."""
    texts = [uri for code, uri in entries.uris if code == "url"]
    texts += () if entries.address is None else (entries.address,)
    return [(parameter_id(resource_type, "url"), hash64(definition_text(text))) for text in texts]


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
    for composite in entries.composites:
        found.setdefault(composite.code, []).extend(composite_texts(composite))
    return {
        parameter_id(resource_type, code): texts[0] if len(set(texts)) == 1 else (min(texts), max(texts))
        for code, texts in found.items()
    }


class _Token(NamedTuple):
    """What one token adds: its keys in `ix`; for `tok` its other keys, each with that in `ix`; its text with its key.

    There are few codes for many resources: a search by the code or the system alone looks up first which they are, and
    no row is written for each resource.
    """

    keys: tuple[int, ...]
    tokens: tuple[tuple[int, int], ...]
    texts: tuple[tuple[int, str, int], ...]


@lru_cache(maxsize=32_768)  # most codes are the same again and again
def _token(resource_type: str, token: TokenEntry, coded: bool) -> _Token:
    code, system, value, text, types, kind = token
    c = constant(resource_type, code)
    keys = [hash64(each) ^ c for each in token_texts(system, value)]
    if kind is not None:
        del keys[:-1]
    tokens = tuple([(hash64(each) ^ c, keys[-1]) for each in other_texts(token)])
    texts: tuple[tuple[int, str, int], ...] = ()
    if coded and value is not None:
        texts = ((code_text_id(resource_type, code), value.casefold(), keys[-1]),)
    if text is not None:
        folded = fold(text)
        keys.append(hash64(label_text(folded)) ^ c)
        texts += ((parameter_id(resource_type, code), folded, keys[-1]),)
    for type_system, type_code in types:
        if type_system is not None and value is not None:
            keys.append(hash64(typed_text(type_system, type_code, value)) ^ c)
    return _Token(tuple(keys), tokens, texts)


class _Reference(NamedTuple):
    """What one reference adds: its keys in `ix`, as `_Token` has them those of its identifier, and a row of `rf`.

    A canonical has one for itself, rows of `cn` (`planning/canonicals.py`), and its text with the version with its key.
    """

    keys: tuple[int, ...]
    tokens: tuple[tuple[int, int], ...] = ()
    forward: tuple[tuple[int, int], ...] = ()
    names: tuple[tuple[int, int, int], ...] = ()
    texts: tuple[tuple[int, str, int], ...] = ()


@lru_cache(maxsize=32_768)
def _reference(resource_type: str, reference: ReferenceEntry) -> _Reference:
    if reference.held:
        return _Reference(())
    c = constant(resource_type, reference.code)
    keys = tuple([hash64(text) ^ c for text in reference_texts(reference)])
    tokens: tuple[tuple[int, int], ...] = ()
    if reference.value is not None:
        full = token_texts(reference.system, reference.value)[-1]
        tokens = ((hash64(identifier_text(reference.value)) ^ c, hash64(identifier_text(full)) ^ c),)
    target = reference.target
    if target is None or reference.inner:
        return _Reference(keys, tokens)
    p = parameter_id(resource_type, reference.code)
    forward: tuple[tuple[int, int], ...] = () if local_key(target, "") is None else ((p, hash64(target)),)
    if not reference.canonical:
        return _Reference(keys, tokens, forward)
    name = hash64(name_text(reference))
    meant = [hash64(definition_text(each)) for each in dict.fromkeys((target, reference.address)) if each is not None]
    forward += ((p, name),)
    if reference.version is None:
        return _Reference(keys, tokens, forward, tuple([(each, name, 0) for each in meant]))
    text = f"{target}|{reference.version}"
    exact = hash64(definition_text(text))
    names = ((exact, name, 0), *[(each, name, exact) for each in meant])
    return _Reference(keys, tokens, forward, names, ((p, text, name ^ c),))


def _date_rows(resource_type: str, entries: IndexEntries, more: set[tuple[int, int, int]]) -> tuple[DateRow, ...]:
    if not entries.dates and not more:
        return ()
    rows = {(parameter_id(resource_type, code), low, high) for code, low, high in entries.dates} | more
    far = _far(rows)
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
    return tuple(rows | more)


def _far(rows: Iterable[tuple[int, int, int]]) -> dict[int, int]:
    """Return for each parameter whether its dates, from the least low to the greatest high, reach over a day."""
    reach: dict[int, tuple[int, int, int]] = {}
    for p, low, high in rows:
        if p in reach:
            least, greatest, _ = reach[p]
            reach[p] = (min(least, low), max(greatest, high), 2)
        else:
            reach[p] = (low, high, 1)
    return {p: far if greatest - least > FAR_DATES else 0 for p, (least, greatest, far) in reach.items()}
