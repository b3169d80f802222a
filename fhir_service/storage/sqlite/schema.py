"""The tables of the SQLite file, and the steps by which an older file is brought up to them.

`PRAGMA user_version` counts the steps that a file has seen. A step that has been released is never changed.
"""

import apsw

# What is read to keep (res, hist), and what is derived from the IndexEntries of the standing version (the rest).
# A key table is WITHOUT ROWID: the table is its own index. rid and d are explained in docs/architecture.md.
_FIRST = """
CREATE TABLE res (          -- the standing version of each resource; a deletion has an empty body
  rid INTEGER PRIMARY KEY,  -- milliseconds and sequence: grows with time
  rtype TEXT NOT NULL,
  id TEXT NOT NULL,
  rk INTEGER NOT NULL UNIQUE,  -- hash64("Type/id"), what references hold
  ver INTEGER NOT NULL,
  txn INTEGER NOT NULL,     -- the commit that wrote it
  upd INTEGER NOT NULL,     -- lastUpdated, microseconds
  d INTEGER NOT NULL,       -- primary clinical date, microseconds
  deleted INTEGER NOT NULL,
  method TEXT NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (rtype, id)
) STRICT;
CREATE INDEX res_upd ON res (upd, rid);
CREATE INDEX res_type_upd ON res (rtype, upd, rid);

CREATE TABLE hist (         -- superseded versions; each stood from upd until just before `until`
  rid INTEGER NOT NULL,
  ver INTEGER NOT NULL,
  rtype TEXT NOT NULL,
  txn INTEGER NOT NULL,
  upd INTEGER NOT NULL,
  until INTEGER NOT NULL,
  method TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (rid, ver)
) STRICT;
CREATE INDEX hist_upd ON hist (upd, rid, ver);
CREATE INDEX hist_type_upd ON hist (rtype, upd, rid, ver);

CREATE TABLE entries (      -- the index rows that were written for a resource, and what it sorts by
  rid INTEGER PRIMARY KEY,
  rows BLOB NOT NULL,
  sort TEXT NOT NULL        -- JSON: parameter to its token, reference or uri, or [least, greatest] of several
) STRICT;

CREATE TABLE ix (           -- tokens, references, uris, the type, composites, the type, the shape
  k INTEGER NOT NULL,
  d INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  PRIMARY KEY (k, d, rid)
) STRICT, WITHOUT ROWID;

CREATE TABLE tok (          -- a token without its system: the keys that it has with each system, and with none
  k INTEGER NOT NULL,
  x INTEGER NOT NULL,
  PRIMARY KEY (k, x)
) STRICT, WITHOUT ROWID;

CREATE TABLE shape (        -- which parameters have a value, for `:missing`
  k INTEGER PRIMARY KEY,
  rtype TEXT NOT NULL,
  params TEXT NOT NULL      -- JSON: their codes
) STRICT;
CREATE INDEX shape_type ON shape (rtype);

CREATE TABLE rf (           -- references to this server, forward; tk is the rk of the target
  rid INTEGER NOT NULL,
  p INTEGER NOT NULL,
  tk INTEGER NOT NULL,
  PRIMARY KEY (rid, p, tk)
) STRICT, WITHOUT ROWID;
CREATE INDEX rf_target ON rf (tk, rid);

CREATE TABLE st (           -- folded strings; x is hash64 of the original
  p INTEGER NOT NULL,
  v TEXT NOT NULL,
  rid INTEGER NOT NULL,
  x INTEGER NOT NULL,
  PRIMARY KEY (p, v, rid, x)
) STRICT, WITHOUT ROWID;
CREATE INDEX st_rid ON st (rid, p, v, x);

CREATE TABLE gm (           -- every two characters in the strings of a resource, for `:contains`
  g INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  PRIMARY KEY (g, rid)
) STRICT, WITHOUT ROWID;

CREATE TABLE dt (           -- dates as ranges; far: see DateRow in rows.py
  p INTEGER NOT NULL,
  lo INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  hi INTEGER NOT NULL,
  far INTEGER NOT NULL,
  PRIMARY KEY (p, lo, rid, hi)
) STRICT, WITHOUT ROWID;
CREATE INDEX dt_rid ON dt (rid, p, lo, hi);
CREATE INDEX dt_far ON dt (p, hi, lo, rid, far) WHERE far > 0;

CREATE TABLE nq (           -- numbers and quantities as ranges of ordered(double)
  p INTEGER NOT NULL,
  lo INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  hi INTEGER NOT NULL,
  sc INTEGER NOT NULL,      -- hash64 of the unit's system and code, 0 if there is none
  c INTEGER NOT NULL,       -- of its code
  u INTEGER NOT NULL,       -- of its text, if that is another
  far INTEGER NOT NULL,
  PRIMARY KEY (p, lo, rid, hi, sc, c, u)
) STRICT, WITHOUT ROWID;
CREATE INDEX nq_rid ON nq (rid, p, lo, hi, sc, c, u);
CREATE INDEX nq_far ON nq (p, hi, lo, rid) WHERE far > 0;
"""

_TEXTS = """
CREATE TABLE txt (          -- distinct texts of tokens (folded) and URIs, and the key that each has in ix
  p INTEGER NOT NULL,
  v TEXT NOT NULL,
  k INTEGER NOT NULL,
  PRIMARY KEY (p, v, k)
) STRICT, WITHOUT ROWID;
"""

_JOBS = """
CREATE TABLE job (          -- long work: see storage/job_table.py; asked, state and result are JSON
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  asked BLOB NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL, -- microseconds, as changed
  changed INTEGER NOT NULL,
  done INTEGER NOT NULL,
  total INTEGER NOT NULL,
  state BLOB NOT NULL,
  result BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mark (         -- what the server has to know of itself when it next starts
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""

_WORDS = """
CREATE VIRTUAL TABLE ft USING fts5 (  -- tokens of the narrative and of all else, by rid; see words.py
  narrative, other, content = '', contentless_delete = 1, tokenize = 'ascii'
);
CREATE TABLE ft_state (     -- one row: what was last updated before it is in ft
  upd INTEGER NOT NULL
) STRICT;
INSERT INTO ft_state (upd) VALUES (-1);
CREATE TABLE ft_last (      -- what was last updated just then, and is in ft
  rid INTEGER PRIMARY KEY,
  ver INTEGER NOT NULL
) STRICT;
"""

# Each resource has a token of its type since.
_WORDS_ANEW = """
INSERT INTO ft (ft) VALUES ('delete-all');
DELETE FROM ft_last;
UPDATE ft_state SET upd = -1;
"""

# Rows of numbers have the primary date: those of a value stand in its order, those of a range are soon sorted. Only few
# have two ends (`hi > lo`): what `far` told is told by the row itself.
_DATED_NUMBERS = """
CREATE TABLE nq_dated (
  p INTEGER NOT NULL,
  lo INTEGER NOT NULL,
  d INTEGER NOT NULL,       -- as in res
  rid INTEGER NOT NULL,
  hi INTEGER NOT NULL,
  sc INTEGER NOT NULL,
  c INTEGER NOT NULL,
  u INTEGER NOT NULL,
  PRIMARY KEY (p, lo, d, rid, hi, sc, c, u)
) STRICT, WITHOUT ROWID;
INSERT INTO nq_dated SELECT p, lo, res.d, nq.rid, hi, sc, c, u FROM nq CROSS JOIN res ON res.rid = nq.rid;
DROP TABLE nq;
ALTER TABLE nq_dated RENAME TO nq;
CREATE INDEX nq_rid ON nq (rid, p, lo, hi, sc, c, u);
CREATE INDEX nq_long ON nq (p, hi, lo, rid) WHERE hi > lo;
"""

_TALLY = """
CREATE TABLE tally (        -- of some keys of ix how many rows they have: see tally.py
  k INTEGER PRIMARY KEY,
  n INTEGER NOT NULL
) STRICT;
"""

# What was stored before names no definitions until it is indexed again, which its search parameters say
# (`fhir/search/fingerprint.py`).
_CANONICALS = """
CREATE TABLE cn (           -- canonicals and what each means; both are the tk of rows of rf: see canonicals.py
  tk INTEGER NOT NULL,      -- a URL, or a URL with version, of definitions
  n INTEGER NOT NULL,       -- a canonical
  unless INTEGER NOT NULL,  -- the tk of the very version that it says: it means this URL unless that is here; or 0
  PRIMARY KEY (tk, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX cn_name ON cn (n, tk, unless);
"""

MIGRATIONS: tuple[str, ...] = (
    _FIRST,
    _TEXTS,
    _JOBS,
    _WORDS,
    _WORDS_ANEW,
    _DATED_NUMBERS,
    _TALLY,
    _CANONICALS,
)


class NewerFile(Exception):
    """The file was written by a newer release than this one."""


def migrate(connection: apsw.Connection, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring the file up to the newest step, in one transaction; raise NewerFile if it is beyond."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.pragma("user_version") or 0)
        if version > len(migrations):
            raise NewerFile(
                f"{connection.filename} has schema {version}, but this release knows only up to {len(migrations)}; "
                "start it with the release that wrote it, or a newer one."
            )
        for step in migrations[version:]:
            connection.execute(step)
        if version < len(migrations):
            connection.execute(f"PRAGMA user_version = {len(migrations)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
