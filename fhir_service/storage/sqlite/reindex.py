"""The index of standing versions written anew, in the place of what is there."""

from collections.abc import Sequence
from typing import Any

import apsw

from fhir_service.fhir.resource import Key
from fhir_service.storage.sqlite import bulk
from fhir_service.storage.sqlite.bulk import INDEX_TABLES, Known, Planned
from fhir_service.storage.sqlite.prepared import Content, encode_json, resource_key
from fhir_service.storage.sqlite.rows import Rows, decode_rows, encode_rows, index_of, sort_texts
from fhir_service.storage.store import Reindex

_STANDING = """
SELECT rid, rtype, id, ver FROM res WHERE rk IN (SELECT value FROM json_each(?)) AND deleted = 0
"""
_OLD_ROWS = "SELECT rid, rows FROM entries WHERE rid IN (SELECT value FROM json_each(?))"
_DATE = "UPDATE res SET d = ?2 WHERE rid = ?1 AND d <> ?2"


def indexed(rewrite: Reindex) -> tuple[Reindex, Content]:
    """Return a rewrite with all that can be computed without the database."""
    resource_type, entries = rewrite.key.type, rewrite.entries
    index = index_of(resource_type, entries)
    sort = encode_json(sort_texts(resource_type, entries))
    rows = encode_rows(index.rows)
    return rewrite, Content(b"", b"", entries, index.rows, rows, sort, *index[1:])


def rewrite(
    connection: apsw.Connection, known: Known, newly: Known, rewrites: Sequence[tuple[Reindex, Content]]
) -> int:
    """Write the indexes of those versions that still stand; return how many these are.

    Every row is written again, those that should be there already, too: what a defect lost comes back.
    """
    wanted = {each.key: (each, content) for each, content in rewrites}
    rks = encode_json([resource_key(key) for key in wanted])
    planned: list[Planned] = []
    for rid, rtype, id_, version in connection.execute(_STANDING, (rks,)):
        each, content = wanted.get(Key(rtype, id_), (None, None))
        if each is not None and each.version == version:
            planned.append(Planned(rid, each.key, resource_key(each.key), version, 0, 0, "", b"", content))
    if not planned:
        return 0
    rids = encode_json([each.rid for each in planned])
    old = {rid: decode_rows(rows) for rid, rows in connection.execute(_OLD_ROWS, (rids,))}
    bulk.write_entries(connection, planned, old)
    bulk.write_names(connection, planned, known, newly)
    connection.executemany(_DATE, [(each.rid, _rows(each).d) for each in planned])
    for table in INDEX_TABLES:
        _write(connection, table, planned, old)
    connection.execute("DELETE FROM tally")  # what a defect lost had been counted, too
    return len(planned)


def _write(connection: apsw.Connection, table: str, planned: Sequence[Planned], old: dict[int, Rows]) -> None:
    rows: list[Any] = []
    gone: list[Any] = []
    for each in planned:
        will = list(bulk.table_rows(table, _rows(each), each.rid))
        gone += set(bulk.table_rows(table, old.get(each.rid), each.rid)).difference(will)
        rows += will
    bulk.replace_rows(connection, table, gone, rows)


def _rows(planned: Planned) -> Rows:
    assert planned.content is not None
    return planned.content.rows
