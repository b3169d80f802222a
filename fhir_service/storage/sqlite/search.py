"""Searches on a connection: a page of matches, with the total and what they include.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Sequence
from typing import Any

import apsw

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.query import Query
from fhir_service.storage.order import Place, scores
from fhir_service.storage.sqlite.context import Reader
from fhir_service.storage.sqlite.includes import included
from fhir_service.storage.sqlite.planning.order import Order
from fhir_service.storage.sqlite.planning.order import Page as Part
from fhir_service.storage.sqlite.planning.plan import COUNTED, Plan
from fhir_service.storage.sqlite.sql import Sql, count_up_to, json_array
from fhir_service.storage.sqlite.writing.prepared import resource_key
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
    found: list[tuple[Cursor, Version | None]] = []
    if count:
        found = _found(reader, plans, Part(count + 1, before if backward else after, backward))
    more = len(found) > count
    found = found[:count]
    if backward:
        found.reverse()

    rows = [keys for keys, _ in found]
    rids = [int(keys[-1] or 0) for keys in rows]
    total_found: int | None = None
    if total:
        total_found = sum([_total(reader, plan, estimate) for plan in plans])
    includes = tuple(dict.fromkeys([include for query in queries for include in query.includes]))
    types = [query.resource_type for query in queries]
    others = included(connection, rids, types, includes, include_limit) if includes else []
    return Page(
        tuple([version for _, version in found if version] or versions(connection, rids)),
        tuple(versions(connection, others)),
        total_found,
        rows[-1] if rows and (backward or more) else None,
        rows[0] if rows and (after is not None or (backward and more)) else None,
        scores(queries[0], rows),
    )


def _total(reader: Reader, plan: Plan, estimate: bool) -> int:
    if (key := plan.key) is not None:
        return reader.total_of_key(key)
    if estimate and len(plan.parts) > 1:
        found = count_up_to(reader.connection, plan.matches(), COUNTED)
        return found if found < COUNTED else reader.count(plan.guess())
    return reader.count(plan.count())


def _found(reader: Reader, plans: Sequence[Plan], part: Part) -> list[tuple[Cursor, Version | None]]:
    """Return the keys of a page, one more than it has; with the versions if they come in order from one plan."""
    if len(plans) == 1:
        return list(_page(reader, plans[0], part, with_versions=True).items())
    directions = tuple([down != part.backward for down in plans[0].order.descending])
    rows = [row for plan in plans for row in _page(reader, plan, part, with_versions=False)]
    rows.sort(key=lambda row: Place(row, directions))
    return [(row, None) for row in rows[: part.limit]]


def _page(reader: Reader, plan: Plan, part: Part, *, with_versions: bool) -> dict[Cursor, Version | None]:
    """Return the keys of a page of one plan. It goes on behind the last as long as repeated ones take up the page."""
    size = len(plan.order.keys)
    rows: dict[Cursor, Version | None] = {}
    while True:
        select = plan.page(part)
        if with_versions:
            select = _with_versions(select, plan.order, part)
        if plan.start.gathered is not None:
            found = reader.page(select)
        else:
            found = reader.connection.execute(select.text, select.parameters).fetchall()
        for row in found:
            rows[row[:size]] = _version(row[size:]) if with_versions else None
        if len(found) < part.limit or len(rows) >= part.limit:
            return rows
        part = part._replace(cursor=found[-1][:size])


def _with_versions(page: Sql, order: Order, part: Part) -> Sql:
    """Return the SELECT of a page with the versions beside their keys: half as long as in two statements."""
    keys = [f"k{n}" for n in range(len(order.keys))]
    by = ", ".join([f"{n} DESC" if down != part.backward else f"{n}" for n, down in enumerate(order.descending, 1)])
    return Sql(
        f"WITH page ({', '.join(keys)}) AS ({page.text}) "
        f"SELECT page.*, rtype, id, ver, upd, method, body FROM page CROSS JOIN res ON res.rid = {keys[-1]} "
        f"ORDER BY {by}",
        page.parameters,
    )


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


def _version(row: tuple[Any, ...]) -> Version:
    return _new(Version, (_new(Key, row[:2]), *row[2:]))


def versions(connection: apsw.Connection, rids: Sequence[int]) -> Sequence[Version]:
    """Return the standing versions of these resources, in this order."""
    if not rids:
        return ()
    found = {row[0]: _version(row[1:]) for row in connection.execute(_VERSIONS, (json_array(rids),))}
    return [found[rid] for rid in rids]
