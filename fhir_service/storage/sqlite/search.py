"""Searches on a connection: a page of matches, with the total and what they include.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterable, Sequence

import apsw

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.query import Query
from fhir_service.storage.order import Place
from fhir_service.storage.sqlite.context import Reader
from fhir_service.storage.sqlite.includes import included
from fhir_service.storage.sqlite.order import Page as Part
from fhir_service.storage.sqlite.plan import COUNTED, Plan
from fhir_service.storage.sqlite.prepared import resource_key
from fhir_service.storage.sqlite.sql import count_up_to, json_array
from fhir_service.storage.store import Cursor, Page, Version

_VERSIONS = """
SELECT rid, rtype, id, ver, upd, method, body FROM res WHERE rid IN (SELECT value FROM json_each(?)) AND deleted = 0
"""
_RIDS = """
SELECT rid, rtype, id FROM res WHERE rk IN (SELECT value FROM json_each(?)) AND deleted = 0
"""
_KEYS = "SELECT rtype, id FROM res WHERE rid IN (SELECT value FROM json_each(?))"


def search(
    reader: Reader,
    queries: Sequence[Query],
    count: int,
    after: Cursor | None,
    before: Cursor | None,
    total: bool,
    estimate: bool,
    include_limit: int,
) -> Page:
    """Return a page; see `Store.search`."""
    connection, plans = reader.connection, [Plan(query, reader) for query in queries]
    backward = before is not None
    rows: list[Cursor] = []
    if count:
        rows = _rows(connection, plans, Part(count + 1, before if backward else after, backward))
    more = len(rows) > count
    rows = rows[:count]
    if backward:
        rows.reverse()

    rids = [int(row[-1] or 0) for row in rows]
    total_found: int | None = None
    if total:
        total_found = sum([_total(reader, plan, estimate) for plan in plans])
    includes = tuple(dict.fromkeys([include for query in queries for include in query.includes]))
    others = included(connection, rids, includes, include_limit) if includes else []
    return Page(
        tuple(versions(connection, rids)),
        tuple(versions(connection, others)),
        total_found,
        rows[-1] if rows and (backward or more) else None,
        rows[0] if rows and (after is not None or (backward and more)) else None,
    )


def _total(reader: Reader, plan: Plan, estimate: bool) -> int:
    if estimate and len(plan.parts) > 1:
        found = count_up_to(reader.connection, plan.matches(), COUNTED)
        return found if found < COUNTED else reader.count(plan.guess())
    return reader.count(plan.count())


def _rows(connection: apsw.Connection, plans: Sequence[Plan], part: Part) -> list[Cursor]:
    """Return the keys of a page, one more than it has; those of several plans are merged."""
    rows: list[Cursor] = []
    for plan in plans:
        rows += _page(connection, plan, part)
    if len(plans) > 1:
        directions = tuple([down != part.backward for down in plans[0].order.descending])
        rows.sort(key=lambda row: Place(row, directions))
    return rows[: part.limit]


def _page(connection: apsw.Connection, plan: Plan, part: Part) -> list[Cursor]:
    """Return the keys of a page of one plan. It goes on behind the last as long as repeated ones take up the page."""
    rows: list[Cursor] = []
    while True:
        select = plan.page(part)
        found: list[Cursor] = connection.execute(select.text, select.parameters).fetchall()
        rows += dict.fromkeys(found)
        if len(found) < part.limit or len(rows) >= part.limit:
            return rows
        part = part._replace(cursor=found[-1])


def find(reader: Reader, query: Query, limit: int) -> set[Key]:
    """Return the keys of the matches, `limit` at the most."""
    select = Plan(query, reader).rids(limit)
    rids = [rid for (rid,) in reader.connection.execute(select.text, select.parameters)]
    if not rids:
        return set()
    return {Key(*row) for row in reader.connection.execute(_KEYS, (json_array(rids),))}


def rids_of(connection: apsw.Connection, keys: Sequence[Key]) -> list[int]:
    """Return the rids of those of these resources that stand."""
    rows = connection.execute(_RIDS, (json_array([resource_key(key) for key in keys]),))
    return [rid for rid, rtype, id_ in rows if Key(rtype, id_) in keys]


_new = tuple.__new__  # half as long as by name; a page has twenty


def versions(connection: apsw.Connection, rids: Sequence[int]) -> Iterable[Version]:
    """Return the standing versions of these resources, in this order."""
    if not rids:
        return ()
    found = {
        row[0]: _new(Version, (_new(Key, row[1:3]), *row[3:]))
        for row in connection.execute(_VERSIONS, (json_array(rids),))
    }
    return [found[rid] for rid in rids]
