"""Planned writes into the tables: one statement for each table, however many resources.

The rows go in as one JSON array (bodies as one blob beside it), so that SQLite works without Python's lock and the
event loop goes on meanwhile; row by row the two would wait for each other thousands of times a second.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from fhir_service.fhir.resource import Key
from fhir_service.storage.sqlite.prepared import Content, encode_json
from fhir_service.storage.sqlite.rows import NO_DATE, Rows, decode_rows

# The columns of each index table, in the order in which rows are given.
INDEX_TABLES: dict[str, tuple[str, ...]] = {
    "ix": ("k", "d", "rid"),
    "rf": ("rid", "p", "tk"),
    "st": ("rid", "p", "v", "x"),
    "gm": ("g", "rid"),
    "dt": ("rid", "p", "lo", "hi", "far"),
    "nq": ("rid", "d", "p", "lo", "hi", "sc", "c", "u"),
}


SCATTERED = ("ix", "gm")
"""Their keys are hashes: in the order of these, each page is come to once in a batch; a load gains a twentieth."""


def _insert(table: str, columns: Sequence[str]) -> str:
    values = ", ".join(f"value->>'$[{index}]'" for index in range(len(columns)))
    order = " ORDER BY 1, 2" if table in SCATTERED else ""
    return f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) SELECT {values} FROM json_each(?){order}"


def _delete(table: str, columns: Sequence[str]) -> str:
    # `far` follows from the other values of the resource and may change alone: see `_changed`.
    values = ", ".join(f"value->>{index}" for index in range(len(columns)))
    return f"DELETE FROM {table} WHERE ({', '.join(columns)}) IN (SELECT {values} FROM json_each(?))"


_INSERTS = {table: _insert(table, columns) for table, columns in INDEX_TABLES.items()}
_DELETES = {table: _delete(table, columns) for table, columns in INDEX_TABLES.items()}

_SUPERSEDE = """
INSERT INTO hist (rid, ver, rtype, txn, upd, until, method, body)
SELECT rid, ver, rtype, txn, upd, ?, method, body FROM res WHERE rid IN (SELECT value FROM json_each(?))
"""
_RES = """
INSERT INTO res (rid, rtype, id, rk, ver, txn, upd, d, deleted, method, body)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9,
  coalesce(substr(?, 1 + (value->>10), value->>11), x'') FROM json_each(?) WHERE true
ON CONFLICT (rid) DO UPDATE SET ver = excluded.ver, txn = excluded.txn, upd = excluded.upd, d = excluded.d,
  deleted = excluded.deleted, method = excluded.method, body = excluded.body
"""
_OLD_ROWS = "SELECT rid, rows FROM entries WHERE rid IN (SELECT value FROM json_each(?))"
_ENTRIES = """
INSERT OR REPLACE INTO entries (rid, rows, sort)
SELECT value->>0, substr(?, 1 + (value->>1), value->>2), value->'$[3]' FROM json_each(?)
"""
_NO_ENTRIES = "DELETE FROM entries WHERE rid IN (SELECT value FROM json_each(?))"
_TOKENS = "INSERT OR IGNORE INTO tok (k, x) SELECT value->>0, value->>1 FROM json_each(?)"
_TEXTS = "INSERT OR IGNORE INTO txt (p, v, k) SELECT value->>0, value->>1, value->>2 FROM json_each(?)"
_NAMES = "INSERT OR IGNORE INTO cn (tk, n, unless) SELECT value->>0, value->>1, value->>2 FROM json_each(?)"
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
    for table in INDEX_TABLES:
        removed, added = _changed(table, planned, old)
        replace_rows(connection, table, removed, added)
        if table == "ix" and known.tallied:
            _tally(connection, known, removed, added)


def _tally(connection: apsw.Connection, known: Known, removed: Sequence[Any], added: Sequence[Any]) -> None:
    more = Counter([k for k, _, _ in added if k in known.tallied])
    more.subtract([k for k, _, _ in removed if k in known.tallied])
    connection.executemany(_MORE, [(n, k) for k, n in more.items() if n])


def replace_rows(connection: apsw.Connection, table: str, removed: Sequence[Any], added: Sequence[Any]) -> None:
    """Delete and insert rows of an index table; those that are there already may be inserted again."""
    if removed:
        connection.execute(_DELETES[table], (encode_json(removed),))
    if added:
        connection.execute(_INSERTS[table], (encode_json(added),))


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


def _changed(table: str, planned: Sequence[Planned], old: dict[int, Rows]) -> tuple[list[Any], list[Any]]:
    """Return the rows of a table that go and those that come; a row that stays is not touched."""
    removed: list[Any] = []
    added: list[Any] = []
    for w in planned:
        before = old.get(w.rid)
        after = w.content.rows if w.content else None
        if before is None:
            added += table_rows(table, after, w.rid)
        else:
            was, will = table_rows(table, before, w.rid), table_rows(table, after, w.rid)
            removed += set(was).difference(will)
            added += set(will).difference(was)
    return removed, added


def table_rows(table: str, rows: Rows | None, rid: int) -> Iterable[tuple[Any, ...]]:
    if rows is None:
        return ()
    if table == "ix":
        return [(k, rows.d, rid) for k in rows.ix]
    if table == "nq":
        return [(rid, rows.d, *row[:6]) for row in rows.nq]
    if table == "gm":
        return [(g, rid) for g in rows.gm]
    return [(rid, *row) for row in getattr(rows, table)]
