"""How many resources have a key, where these are so many that a total should not look at each.

Nothing is tallied before somebody has counted it; from then on each commit says what it changes.
"""

from collections.abc import Iterable

import apsw

from fhir_service.storage.sqlite.writing.bulk import Known

WORTH = 10_000
"""Of fewer rows a count takes less than a third of a millisecond."""

MOST_KEYS = 1_000

_BEGIN = """
INSERT OR IGNORE INTO tally (k, n) SELECT ?1, (SELECT count(*) FROM ix WHERE k = ?1)
WHERE NOT EXISTS (SELECT 1 FROM tally WHERE k = ?1) AND (SELECT count(*) FROM tally) < ?2
"""
_TALLIED = "SELECT n FROM tally WHERE k = ?"


def begin(connection: apsw.Connection, newly: Known, keys: Iterable[int]) -> None:
    """Count these keys once more, within a transaction, to tally them from then on."""
    for key in keys:
        connection.execute(_BEGIN, (key, MOST_KEYS))
        newly.tallied.add(key)


def find(connection: apsw.Connection, key: int) -> int | None:
    """Return how many resources have a key, if it is tallied."""
    found: int | None = connection.execute(_TALLIED, (key,)).get
    return found
