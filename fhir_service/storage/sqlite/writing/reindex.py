"""The index of standing versions written anew, in the place of what is there."""

from collections.abc import Sequence

import apsw

from fhir_service.fhir.resource import Key
from fhir_service.storage.sqlite.rows import Rows, decode_rows, encode_rows, index_of, sort_texts
from fhir_service.storage.sqlite.writing import bulk, index_tables
from fhir_service.storage.sqlite.writing.bulk import Known, Planned
from fhir_service.storage.sqlite.writing.index_tables import changed
from fhir_service.storage.sqlite.writing.prepared import Content, encode_json, resource_key
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
    removed = [(each.rid, changed(old[each.rid], _rows(each))[0]) for each in planned if each.rid in old]
    index_tables.replace(connection, removed, [(each.rid, _rows(each)) for each in planned])
    connection.execute("DELETE FROM tally")  # what a defect lost had been counted, too
    return len(planned)


def _rows(planned: Planned) -> Rows:
    assert planned.content is not None
    return planned.content.rows
