"""History: the versions of one resource, of a type or of all, newest first.

https://hl7.org/fhir/R4/http.html#history
"""

from typing import Any

import apsw

from fhir_service.fhir.resource import Key
from fhir_service.storage.sqlite.prepared import resource_key
from fhir_service.storage.sqlite.sql import Sql, all_of
from fhir_service.storage.store import Cursor, HistoryPage, Version

_VERSIONS = """
SELECT p.upd, p.rid, p.ver, r.rtype, r.id, coalesce(h.method, r.method), coalesce(h.body, r.body)
FROM ({page}) p CROSS JOIN res r ON r.rid = p.rid LEFT JOIN hist h ON h.rid = p.rid AND h.ver = p.ver
ORDER BY p.upd DESC, p.rid DESC, p.ver DESC
"""
_RID = "SELECT rid FROM res WHERE rk = ? AND rtype = ? AND id = ?"


def history(
    connection: apsw.Connection,
    resource_type: str | None,
    resource_id: str | None,
    count: int,
    since: int | None,
    at: tuple[int, int] | None,
    after: Cursor | None,
    total: bool,
) -> HistoryPage:
    """Return a page of history; see `Store.history`."""
    whose = Sql("1")
    if resource_type is not None and resource_id is not None:
        key = Key(resource_type, resource_id)
        rid = connection.execute(_RID, (resource_key(key), *key)).get
        if rid is None:
            return HistoryPage((), 0 if total else None, None)
        whose = Sql("rid = ?", (rid,))
    elif resource_type is not None:
        whose = Sql("rtype = ?", (resource_type,))

    rows: list[tuple[Any, ...]] = []
    if count:
        page = _page(whose, since, at, after, count + 1)
        rows = connection.execute(_VERSIONS.format(page=page.text), page.parameters).fetchall()
    shown = rows[:count]
    return HistoryPage(
        tuple(Version(Key(rtype, id_), ver, upd, method, body) for upd, _, ver, rtype, id_, method, body in shown),
        _total(connection, whose, since, at) if total else None,
        shown[-1][:3] if len(rows) > count else None,
    )


def _total(connection: apsw.Connection, whose: Sql, since: int | None, at: tuple[int, int] | None) -> int:
    res, hist = _tests(whose, since, at)
    text = f"SELECT (SELECT count(*) FROM res WHERE {res.text}) + (SELECT count(*) FROM hist WHERE {hist.text})"
    found: int = connection.execute(text, (*res.parameters, *hist.parameters)).get
    return found


def _page(whose: Sql, since: int | None, at: tuple[int, int] | None, after: Cursor | None, limit: int) -> Sql:
    res, hist = _tests(whose, since, at)
    if after is not None:
        beyond = Sql("(upd, rid, ver) < (?, ?, ?)", tuple(value for value in after if value is not None))
        res, hist = all_of([res, beyond]), all_of([hist, beyond])
    return Sql(
        f"SELECT upd, rid, ver FROM res WHERE {res.text} UNION ALL SELECT upd, rid, ver FROM hist WHERE {hist.text} "
        "ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT ?",
        (*res.parameters, *hist.parameters, limit),
    )


def _tests(whose: Sql, since: int | None, at: tuple[int, int] | None) -> tuple[Sql, Sql]:
    """Return the tests of a row of res and of hist; a row of hist stood until another version came."""
    both, of_hist = [whose], list[Sql]()
    if since is not None:
        both.append(Sql("upd >= ?", (since,)))
    if at is not None:
        both.append(Sql("upd <= ?", (at[1],)))
        of_hist.append(Sql("until > ?", (at[0],)))
    return all_of(both), all_of([*both, *of_hist])
