"""A commit made ready for the writer, by whoever asks for it: canonical JSON, index rows, hashes.

The writer's thread is the one that all writes wait for, so that nothing is done there that can be done before.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from fhir_service.fhir.json import split_for_stamp
from fhir_service.fhir.resource import Key, key_of
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.storage.sqlite.keys import hash64
from fhir_service.storage.sqlite.rows import Rows, encode_rows, index_of, sort_texts
from fhir_service.storage.store import Change, Condition, Put

encode_json = msgspec.json.Encoder().encode


def resource_key(key: Key) -> int:
    """Return the rk of a resource: the hash of what a reference to it says."""
    return hash64(f"{key[0]}/{key[1]}")


class Content(NamedTuple):
    """What a Put stores, all but the stamp.

    `sort` is JSON, `shape` the key and codes of what has a value, `tokens` what goes into the table `tok`,
    `texts` into `txt`, `names` into `cn`.

    `entries` is None where only the rows are known any more (`packed.py`).
    """

    head: bytes
    tail: bytes
    entries: IndexEntries | None
    rows: Rows
    rows_blob: bytes
    sort: bytes
    shape: tuple[int, frozenset[str]]
    tokens: frozenset[tuple[int, int]]
    texts: frozenset[tuple[int, str, int]]
    names: frozenset[tuple[int, int, int]]


class PreparedChange(NamedTuple):
    """A change, its key and rk; `content` is None for a Delete."""

    change: Change
    key: Key
    rk: int
    content: Content | None


class PreparedCommit(NamedTuple):
    changes: tuple[PreparedChange, ...]
    conditions: tuple[Condition, ...]


def prepare(changes: Sequence[Change], conditions: Sequence[Condition]) -> PreparedCommit:
    """Return the commit with all that can be computed without the database."""
    return PreparedCommit(tuple(map(_prepare, changes)), tuple(conditions))


def _prepare(change: Change) -> PreparedChange:
    if not isinstance(change, Put):
        return PreparedChange(change, change.key, resource_key(change.key), None)
    key = key_of(change.resource)
    return PreparedChange(change, key, resource_key(key), _content(change, key.type))


def _content(change: Put, resource_type: str) -> Content:
    head, tail = split_for_stamp(change.resource)
    index = index_of(resource_type, change.entries)
    return Content(
        head,
        tail,
        change.entries,
        index.rows,
        encode_rows(index.rows),
        encode_json(sort_texts(resource_type, change.entries)),
        index.shape,
        index.tokens,
        index.texts,
        index.names,
    )
