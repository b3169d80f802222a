"""The index rows of many resources into the tables: one statement for each table, however many resources.

What goes into SQLite is one value of JSON, the rows of each resource as they are (`Rows`), which is parsed once for all
tables. So SQLite works without Python's lock, and the event loop goes on meanwhile; row by row the two would wait for
each other thousands of times a second.
https://sqlite.org/json1.html#jsonb
"""

from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from fhir_service.storage.sqlite.rows import Rows
from fhir_service.storage.sqlite.writing.prepared import encode_json

# The columns of each index table: `rid`, `d`, and what stands in a row of `Rows` in that order.
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

RowsOf = Sequence[tuple[int, Rows]]
"""The rows of some resources, each with its rid."""

_BINARY = "SELECT jsonb(?)"


def _select(table: str) -> str:
    """Return the SELECT of the rows of a table, in its columns, from `RowsOf` as JSONB."""
    columns = INDEX_TABLES[table]
    place = Rows.__struct_fields__.index(table)
    sources = [
        "jsonb_each(?) r",
        "jsonb_each(r.value, '$[0]') rid",
        "jsonb_each(r.value, '$[1][0]') d",
        f"jsonb_each(r.value, '$[1][{place}]') e",
    ]
    own = [column for column in columns if column not in ("rid", "d")]
    if len(own) == 1:
        return _joined(["e" if column in own else column for column in columns], sources)
    return _joined(columns, [*sources, *elements("e", own)])


def _joined(columns: Sequence[str], sources: Sequence[str]) -> str:
    return f"SELECT {', '.join(f'{column}.value' for column in columns)} FROM {' CROSS JOIN '.join(sources)}"


def elements(row: str, columns: Sequence[str]) -> list[str]:
    """Return the sources, each with its column's name, of the elements of a row that is an array.

    They are joined because a function (`->>`) makes SQLite copy each page before it is changed, lest the function fail.
    """
    return [f"jsonb_each({row}.value, '$[{n}]') {column}" for n, column in enumerate(columns)]


def insert_of_arrays(table: str, columns: Sequence[str]) -> str:
    """Return the INSERT of rows that are given as a JSON array of arrays; some may be there already."""
    select = _joined(columns, ["jsonb_each(?) r", *elements("r", columns)])
    return f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) {select}"


def _insert(table: str) -> str:
    order = " ORDER BY 1, 2" if table in SCATTERED else ""
    return f"INSERT OR IGNORE INTO {table} ({', '.join(INDEX_TABLES[table])}) {_select(table)}{order}"


def _delete(table: str) -> str:
    return f"DELETE FROM {table} WHERE ({', '.join(INDEX_TABLES[table])}) IN ({_select(table)})"


_INSERTS = {table: _insert(table) for table in INDEX_TABLES}
_DELETES = {table: _delete(table) for table in INDEX_TABLES}


def replace(connection: apsw.Connection, removed: RowsOf, added: RowsOf) -> None:
    """Delete and insert index rows; those that are there already may be inserted again."""
    _execute(connection, _DELETES, removed)
    _execute(connection, _INSERTS, added)


def _execute(connection: apsw.Connection, statements: dict[str, str], rows: RowsOf) -> None:
    if not rows:
        return
    binary = connection.execute(_BINARY, (encode_json(rows),)).get
    for table, statement in statements.items():
        if any(getattr(each, table) for _, each in rows):
            connection.execute(statement, (binary,))


def changed(before: Rows, after: Rows) -> tuple[Rows, Rows]:
    """Return the rows of a resource that go and those that come; a row that stays is not touched."""
    gone: dict[str, Any] = {}
    come: dict[str, Any] = {}
    for table, columns in INDEX_TABLES.items():
        was, will = getattr(before, table), getattr(after, table)
        is_moved = "d" in columns and before.d != after.d
        if was == will and not is_moved:  # nearly always: most updates change little
            gone[table] = come[table] = ()
            continue
        # What was stored before schema 6 has a seventh number, which means nothing any more.
        had, has = frozenset([row[:6] for row in was] if table == "nq" else was), frozenset(will)
        stay = frozenset() if is_moved else had & has
        gone[table], come[table] = tuple(had - stay), tuple(has - stay)
    return msgspec.structs.replace(before, **gone), msgspec.structs.replace(after, **come)
