"""Pieces of SQL with their parameters, and the terms on which the planner's pieces fit together.

The text depends only on the shape of a query, so that SQLite's statements are prepared once and found again.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

import apsw
import msgspec

Parameter = int | float | str | bytes


class Sql(NamedTuple):
    """A piece of SQL; each `?` in `text` takes the next of `parameters`."""

    text: str
    parameters: tuple[Parameter, ...] = ()


class Candidate(NamedTuple):
    """A resource that a statement looks at: the SQL for its rid and for its primary date.

    `depth` is how many queries it stands within; a query inside names its tables with it, so that they differ.
    """

    rid: str
    d: str
    depth: int = 0


class Side(NamedTuple):
    """Of a range that is open to one side: what it has in common with others, and its bound.

    Of two with the same `kind`, the one with the greater bound passes no more than the other.
    """

    kind: Hashable
    bound: int


class Context(Protocol):
    """What planning asks of the database."""

    @property
    def connection(self) -> apsw.Connection: ...

    def rows_of_key(self, key: int, limit: int) -> int:
        """Return how many rows of `ix` have a key, `limit` if it is as many or more; it may be a little old."""
        ...

    def rows_of(self, select: "Sql", limit: int, side: Side | None = None) -> int:
        """Return the same of a SELECT: an estimate, nothing to rely on."""
        ...

    def passing(self, part: "Part", limit: int, side: Side | None = None) -> int:
        """Return the estimate of a part, as it may have been a little before."""
        ...

    def primary_date(self, resource_type: str) -> str | None: ...


class Part(Protocol):
    """One clause in terms of SQL: a test of a candidate, and a way to all that pass it."""

    @property
    def drives(self) -> bool:
        """Whether `rids` is a good way to begin."""
        ...

    def probe(self, candidate: Candidate) -> Sql:
        """Return the expression that tells whether the candidate passes: 0 or 1."""
        ...

    def rids(self, depth: int = 0) -> Sql:
        """Return the SELECT of the rids that pass, perhaps some repeatedly."""
        ...

    def estimate(self, context: Context, limit: int) -> int:
        """Return about how many pass; `limit` or more means many."""
        ...


def one_of(column: str, values: Sequence[Parameter]) -> Sql:
    """Return the test that a column has one of these values."""
    match len(values):
        case 0:
            return Sql("0")
        case 1:
            return Sql(f"{column} = ?", (values[0],))
        case few if few <= 8:
            return Sql(f"{column} IN ({', '.join('?' * few)})", tuple(values))
        case _:
            return Sql(f"{column} IN (SELECT value FROM json_each(?))", (json_array(values),))


def json_array(values: Sequence[Parameter]) -> str:
    """Return the values as a parameter for json_each."""
    return msgspec.json.encode(values).decode()


def exists(select: Sql) -> Sql:
    """Return the test that a SELECT finds something.

    Compared with 1, because SQLite makes a join of a bare EXISTS, and might then begin with it.
    """
    return Sql(f"EXISTS ({select.text}) = 1", select.parameters)


def all_of(tests: Sequence[Sql]) -> Sql:
    """Return the test that all of these hold."""
    return _joined(tests, " AND ", Sql("1"))


def any_of(tests: Sequence[Sql]) -> Sql:
    """Return the test that one of these holds."""
    joined = _joined([Sql(f"({test.text})", test.parameters) for test in tests], " OR ", Sql("0"))
    return Sql(f"({joined.text})", joined.parameters)


def union_all(selects: Sequence[Sql]) -> Sql:
    """Return the SELECT of what all of these select."""
    return _joined(selects, " UNION ALL ", Sql("SELECT rid FROM res WHERE 0"))


def count_up_to(connection: apsw.Connection, select: Sql, limit: int) -> int:
    """Return how many rows there are, `limit` if as many or more."""
    text = f"SELECT count(*) FROM ({select.text} LIMIT ?)"
    found: int = connection.execute(text, (*select.parameters, limit)).get
    return found


def _joined(pieces: Sequence[Sql], between: str, none: Sql) -> Sql:
    if not pieces:
        return none
    if len(pieces) == 1:
        return pieces[0]
    return Sql(
        between.join([piece.text for piece in pieces]),
        tuple([parameter for piece in pieces for parameter in piece.parameters]),
    )
