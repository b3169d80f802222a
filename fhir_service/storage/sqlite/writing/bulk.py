"""Planned writes into the tables: one statement for each table, however many resources.

The rows go in as one JSON array (bodies as one blob beside it), and the index rows as `index_tables.py` tells why.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from fhir_service.fhir.resource import Key
from fhir_service.storage.sqlite.rows import NO_DATE, Rows, decode_rows
from fhir_service.storage.sqlite.writing import index_tables
from fhir_service.storage.sqlite.writing.index_tables import RowsOf
from fhir_service.storage.sqlite.writing.prepared import Content, encode_json

_SUPERSEDE = """
INSERT INTO hist (rid, ver, rtype, txn, upd, until, method, body)
SELECT rid, ver, rtype, txn, upd, ?, method, body FROM res WHERE rid IN (SELECT value FROM json_each(?))
"""
_RES = """
INSERT INTO res (rid, rtype, id, rk, ver, txn, upd, d, deleted, method, body)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9,
  coalesce(substr(?, 1 + (value->>10), value->>11), x'') FROM jsonb_each(?) WHERE true
ON CONFLICT (rid) DO UPDATE SET ver = excluded.ver, txn = excluded.txn, upd = excluded.upd, d = excluded.d,
  deleted = excluded.deleted, method = excluded.method, body = excluded.body
"""
_OLD_ROWS = "SELECT rid, rows FROM entries WHERE rid IN (SELECT value FROM json_each(?))"
_ENTRIES = """
INSERT OR REPLACE INTO entries (rid, rows, sort)
SELECT value->>0, substr(?, 1 + (value->>1), value->>2), value->'$[3]' FROM jsonb_each(?)
"""
_NO_ENTRIES = "DELETE FROM entries WHERE rid IN (SELECT value FROM json_each(?))"
_TOKENS = index_tables.insert_of_arrays("tok", ("k", "x"))
_TEXTS = index_tables.insert_of_arrays("txt", ("p", "v", "k"))
_NAMES = index_tables.insert_of_arrays("cn", ("tk", "n", "unless"))
_SHAPES = "INSERT OR IGNORE INTO shape (k, rtype, params) SELECT value->>0, value->>1, value->'$[2]' FROM json_each(?)"


_MORE = "UPDATE tally SET n = n + ? WHERE k = ?"

_MOST_TOKENS = 50_000  # remembered: some megabytes
_MOST_TEXTS = 20_000
_MOST_NAMES = 20_000


class Planned(NamedTuple):
    """One version that is to stand; `content` None is a deletion."""

    rid: int
    key: Key
    rk: int
    version: int
    txn: int
    updated: int
    method: str
    body: bytes
    content: Content | None


class Known:
    """Rows of `shape`, `tok`, `txt` and `cn` that are surely there, so that most need not be written again.

    `tallied` are all keys of the table `tally`, and perhaps others.
    """

    def __init__(self, shapes: Iterable[int] = (), tallied: Iterable[int] = ()) -> None:
        self.shapes = set(shapes)
        self.tallied = set(tallied)
        self.tokens: set[tuple[int, int]] = set()
        self.texts: set[tuple[int, str, int]] = set()
        self.names: set[tuple[int, int, int]] = set()

    def add(self, newer: "Known") -> None:
        """Take over what has come to be there."""
        self.shapes |= newer.shapes
        self.tallied |= newer.tallied
        if len(self.tokens) > _MOST_TOKENS:
            self.tokens.clear()
        self.tokens |= newer.tokens
        if len(self.texts) > _MOST_TEXTS:
            self.texts.clear()
        self.texts |= newer.texts
        if len(self.names) > _MOST_NAMES:
            self.names.clear()
        self.names |= newer.names


def write(connection: apsw.Connection, planned: Sequence[Planned], updated: int, known: Known, newly: Known) -> None:
    """Write the versions, each of another resource, and their index rows.

    Rows of `shape`, `tok`, `txt` and `cn` are left out if they are `known`; others are added to `newly`.
    """
    superseding = [write.rid for write in planned if write.version > 1]
    old: dict[int, Rows] = {}
    if superseding:
        rids = encode_json(superseding)
        connection.execute(_SUPERSEDE, (updated, rids))
        old = {rid: decode_rows(rows) for rid, rows in connection.execute(_OLD_ROWS, (rids,))}
    _write_versions(connection, planned)
    write_entries(connection, planned, old)
    write_names(connection, planned, known, newly)
    removed, added = _changed(planned, old)
    index_tables.replace(connection, removed, added)
    if known.tallied:
        _tally(connection, known, removed, added)


def _changed(planned: Sequence[Planned], old: dict[int, Rows]) -> tuple[RowsOf, RowsOf]:
    removed: list[tuple[int, Rows]] = []
    added: list[tuple[int, Rows]] = []
    for w in planned:
        before = old.get(w.rid)
        after = w.content.rows if w.content else None
        if before is not None and after is not None:
            before, after = index_tables.changed(before, after)
        if before is not None:
            removed.append((w.rid, before))
        if after is not None:
            added.append((w.rid, after))
    return removed, added


def _tally(connection: apsw.Connection, known: Known, removed: RowsOf, added: RowsOf) -> None:
    more = Counter([k for _, rows in added for k in rows.ix if k in known.tallied])
    more.subtract([k for _, rows in removed for k in rows.ix if k in known.tallied])
    connection.executemany(_MORE, [(n, k) for k, n in more.items() if n])


def _write_versions(connection: apsw.Connection, planned: Sequence[Planned]) -> None:
    rows: list[tuple[Any, ...]] = []
    offset = 0
    for w in planned:
        d = w.content.rows.d if w.content else NO_DATE
        size = len(w.body)
        deleted = w.content is None
        rows.append((w.rid, *w.key, w.rk, w.version, w.txn, w.updated, d, deleted, w.method, offset, size))
        offset += size
    connection.execute(_RES, (b"".join([w.body for w in planned]), encode_json(rows)))


def write_entries(connection: apsw.Connection, planned: Sequence[Planned], old: dict[int, Rows]) -> None:
    rows: list[tuple[Any, ...]] = []
    blobs: list[bytes] = []
    gone: list[int] = []
    offset = 0
    for w in planned:
        if w.content is not None:
            rows.append((w.rid, offset, len(w.content.rows_blob), msgspec.Raw(w.content.sort)))
            blobs.append(w.content.rows_blob)
            offset += len(w.content.rows_blob)
        elif w.rid in old:
            gone.append(w.rid)
    if rows:
        connection.execute(_ENTRIES, (b"".join(blobs), encode_json(rows)))
    if gone:
        connection.execute(_NO_ENTRIES, (encode_json(gone),))


def write_names(connection: apsw.Connection, planned: Sequence[Planned], known: Known, newly: Known) -> None:
    shapes: dict[int, tuple[str, list[str]]] = {}
    tokens: set[tuple[int, int]] = set()
    texts: set[tuple[int, str, int]] = set()
    names: set[tuple[int, int, int]] = set()
    for w in planned:
        if w.content is not None:
            k, codes = w.content.shape
            if k not in known.shapes:
                shapes[k] = (w.key.type, sorted(codes))
            tokens |= w.content.tokens - known.tokens
            texts |= w.content.texts - known.texts
            names |= w.content.names - known.names
    if shapes:
        connection.execute(_SHAPES, (encode_json([(k, *named) for k, named in shapes.items()]),))
        newly.shapes |= shapes.keys()
    if tokens:
        connection.execute(_TOKENS, (encode_json(list(tokens)),))
        newly.tokens |= tokens
    if texts:
        connection.execute(_TEXTS, (encode_json(list(texts)),))
        newly.texts |= texts
    if names:
        connection.execute(_NAMES, (encode_json(list(names)),))
        newly.names |= names
