"""A connection that reads, with what planning remembers between searches."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import apsw

from fhir_service.storage.sqlite import tally
from fhir_service.storage.sqlite.planning.composite_parts import near
from fhir_service.storage.sqlite.sql import Part, Side, Sql, count_up_to
from fhir_service.storage.sqlite.words import register
from fhir_service.storage.store import PrimaryDates

_COUNT = "SELECT count(*) FROM (SELECT 1 FROM ix WHERE k = ? LIMIT ?)"
_REMEMBERED = 20_000
_MOST_OF_PAGES = 8_000_000
"""So many bytes remembered pages have at the most, with the statements that they answer."""

_MOST_OF_TOTALS = 8_000_000
"""So many bytes the statements have of which remembered totals are."""

_FRESH = 20_000
"""After so many counts asked for, all are made anew: they are estimates, and the tables grow."""


_EACH = 300  # bytes that a remembered answer takes, whatever it says

Value = TypeVar("Value")


class Answers(Generic[Value]):
    """What statements gave, as long as nothing is written; of no more bytes than `most`, all are forgotten before."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Sql, Value] = {}
        self._bytes = 0

    def get(self, select: Sql) -> Value | None:
        """Return what is known."""
        return self._known.get(select)

    def keep(self, select: Sql, value: Value, size: int = 0) -> None:
        """Remember a value of so many bytes, unless it is too large by itself."""
        asked = sum([len(each) for each in select.parameters if isinstance(each, (str, bytes))])
        size += _EACH + len(select.text) + asked
        if size > self._most:
            return
        if self._bytes + size > self._most:
            self.forget()
        self._known[select] = value
        self._bytes += size

    def forget(self) -> None:
        """Forget all of it."""
        self._known.clear()
        self._bytes = 0


class Reader:
    """See `Context` in `sql.py`."""

    def __init__(self, connection: apsw.Connection, dates: PrimaryDates) -> None:
        self.connection = connection
        self._dates = dates
        register(connection)
        connection.create_scalar_function("near", near, 4, deterministic=True)
        # of a key, or the hash of something else (it may be long): rows found, limit that was counted to
        self._counts: dict[int, tuple[int, int]] = {}
        # of ranges that are open to one side: the greatest bound known to have so many rows (or more)
        self._many: dict[Hashable, tuple[int, int]] = {}
        self._asked = 0
        self._totals: Answers[int] = Answers(_MOST_OF_TOTALS)
        self._pages: Answers[list[tuple[Any, ...]]] = Answers(_MOST_OF_PAGES)
        self._read_at = (-1, -1)
        self.to_tally: set[int] = set()

    def rows_of_key(self, key: int, limit: int) -> int:
        """Return how many rows of `ix` have a key, `limit` if it is as many or more; it may be a little old."""
        return self._estimate(key, lambda: self._rows_of_key(key, limit), limit)

    def rows_of(self, select: Sql, limit: int, side: Side | None = None) -> int:
        """Return the same of a SELECT; of what is open to one `side`, often without counting."""
        return self._estimate(hash(select), lambda: count_up_to(self.connection, select, limit), limit, side)

    def passing(self, part: Part, limit: int, side: Side | None = None) -> int:
        """Return the estimate of a part; as above."""
        return self._estimate(hash(part), lambda: part.estimate(self, limit), limit, side)

    def _estimate(self, of: int, count: Callable[[], int], limit: int, side: Side | None = None) -> int:
        bound, many = self._many.get(side.kind, (0, 0)) if side else (0, 0)
        if side and side.bound <= bound and limit <= many:
            return limit
        rows = self._counted(of, count, limit)
        if side and rows >= limit >= many and (side.bound > bound or limit > many):
            self._many[side.kind] = (side.bound, limit)
        return rows

    def _counted(self, of: int, count: Callable[[], int], limit: int) -> int:
        self._asked += 1
        if self._asked > _FRESH or len(self._counts) > _REMEMBERED:
            self._asked = 0
            self._counts.clear()
            self._many.clear()
        rows, counted_to = self._counts.get(of, (0, 0))
        if rows == counted_to < limit:
            rows = count()
            self._counts[of] = (rows, limit)
        return min(rows, limit)

    def total_of_key(self, key: int) -> int:
        """Return how many resources have a key now."""
        return self._rows_of_key(key, -1)

    def _rows_of_key(self, key: int, limit: int) -> int:
        """Return how many rows of `ix` have a key, `limit` at the most (-1: all); of many, `to_tally` takes the key."""
        if 0 <= limit <= tally.WORTH:
            return int(self.connection.execute(_COUNT, (key, limit)).get)
        rows = tally.find(self.connection, key)
        if rows is None:
            rows = int(self.connection.execute(_COUNT, (key, limit)).get)
            if rows >= tally.WORTH:
                self.to_tally.add(key)
        return rows

    def count(self, select: Sql) -> int:
        """Return what a SELECT counts; the same is not counted twice as long as nothing is written."""
        self._forget_what_changed()
        found = self._totals.get(select)
        if found is None:
            found = int(self.connection.execute(select.text, select.parameters).get)
            self._totals.keep(select, found)
        return found

    def page(self, select: Sql) -> list[tuple[Any, ...]]:
        """Return the rows of a page, for which many more have to be gathered; remembered until something is written."""
        self._forget_what_changed()
        found = self._pages.get(select)
        if found is None:
            found = self.connection.execute(select.text, select.parameters).fetchall()
            self._pages.keep(select, found, sum([len(row[-1]) for row in found if isinstance(row[-1], bytes)]))
        return found

    def _forget_what_changed(self) -> None:
        written: int = self.connection.execute("PRAGMA data_version").get  # by others
        if (at := (written, self.connection.total_changes())) != self._read_at:
            self._read_at = at
            self._totals.forget()
            self._pages.forget()

    def primary_date(self, resource_type: str) -> str | None:
        """Return the code of the primary date parameter of a type."""
        return self._dates.primary_date(resource_type)
