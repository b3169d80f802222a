"""History: the versions of one resource, of a type or of all.

https://hl7.org/fhir/R4/http.html#history
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from fhir_service.fhir.resource import Key
from fhir_service.storage.sqlite.sql import Sql, all_of, any_of, json_array
from fhir_service.storage.sqlite.writing.prepared import resource_key
from fhir_service.storage.store import Cursor, HistoryPage, Reference, Version

_VERSIONS = """
SELECT p.upd, p.rid, p.ver, r.rtype, r.id, coalesce(h.method, r.method), coalesce(h.body, r.body)
FROM ({page}) p CROSS JOIN res r ON r.rid = p.rid LEFT JOIN hist h ON h.rid = p.rid AND h.ver = p.ver
ORDER BY {order}
"""
_RID = "SELECT rid FROM res WHERE rk = ? AND rtype = ? AND id = ?"
_ANY_OF = "rid IN (SELECT r.rid FROM json_each(?) m CROSS JOIN res r ON r.rk = m.value)"
_JUST = "(rid, ver) IN (SELECT r.rid, m.value ->> 1 FROM json_each(?) m CROSS JOIN res r ON r.rk = m.value ->> 0)"


class Asked(NamedTuple):
    """See `Store.history`."""

    resource_type: str | None
    resource_id: str | None
    since: int | None
    at: tuple[int, int] | None
    only: Sequence[Reference] | None
    oldest_first: bool

    def order(self, *columns: str) -> str:
        return ", ".join(columns if self.oldest_first else [f"{column} DESC" for column in columns])


def history(connection: apsw.Connection, asked: Asked, count: int, after: Cursor | None) -> HistoryPage:
    """Return a page of history; see `Store.history`."""
    whose = _whose(connection, asked)
    if whose is None:
        return HistoryPage((), 0, None)
    rows: list[tuple[Any, ...]] = []
    if count:
        page = _page(whose, asked, after, count + 1)
        text = _VERSIONS.format(page=page.text, order=asked.order("p.upd", "p.rid", "p.ver"))
        rows = connection.execute(text, page.parameters).fetchall()
    shown = rows[:count]
    return HistoryPage(
        tuple(Version(Key(rtype, id_), ver, upd, method, body) for upd, _, ver, rtype, id_, method, body in shown),
        _total(connection, whose, asked),
        shown[-1][:3] if len(rows) > count else None,
    )


def _whose(connection: apsw.Connection, asked: Asked) -> Sql | None:
    """Return the test of whose version a row is; None if there is nobody."""
    whose = Sql("1")
    if asked.resource_type is not None and asked.resource_id is not None:
        key = Key(asked.resource_type, asked.resource_id)
        rid = connection.execute(_RID, (resource_key(key), *key)).get
        if rid is None:
            return None
        whose = Sql("rid = ?", (rid,))
    elif asked.resource_type is not None:
        whose = Sql("rtype = ?", (asked.resource_type,))
    if asked.only is None:
        return whose
    any_version = [resource_key(key) for key, version in asked.only if version is None]
    versions = [(resource_key(key), version) for key, version in asked.only if version is not None]
    named = any_of([Sql(_ANY_OF, (json_array(any_version),)), Sql(_JUST, (msgspec.json.encode(versions).decode(),))])
    return all_of([whose, named])


def _total(connection: apsw.Connection, whose: Sql, asked: Asked) -> int:
    res, hist = _tests(whose, asked)
    text = f"SELECT (SELECT count(*) FROM res WHERE {res.text}) + (SELECT count(*) FROM hist WHERE {hist.text})"
    found: int = connection.execute(text, (*res.parameters, *hist.parameters)).get
    return found


def _page(whose: Sql, asked: Asked, after: Cursor | None, limit: int) -> Sql:
    res, hist = _tests(whose, asked)
    if after is not None:
        beyond = Sql(
            f"(upd, rid, ver) {'>' if asked.oldest_first else '<'} (?, ?, ?)",
            tuple(value for value in after if value is not None),
        )
        res, hist = all_of([res, beyond]), all_of([hist, beyond])
    return Sql(
        f"SELECT upd, rid, ver FROM res WHERE {res.text} UNION ALL SELECT upd, rid, ver FROM hist WHERE {hist.text} "
        f"ORDER BY {asked.order('1', '2', '3')} LIMIT ?",
        (*res.parameters, *hist.parameters, limit),
    )


def _tests(whose: Sql, asked: Asked) -> tuple[Sql, Sql]:
    """Return the tests of a row of res and of hist; a row of hist stood until another version came."""
    both, of_hist = [whose], list[Sql]()
    if asked.since is not None:
        both.append(Sql("upd >= ?", (asked.since,)))
    if asked.at is not None:
        both.append(Sql("upd <= ?", (asked.at[1],)))
        of_hist.append(Sql("until > ?", (asked.at[0],)))
    return all_of(both), all_of([*both, *of_hist])
