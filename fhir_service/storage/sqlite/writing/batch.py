"""Commits decided one after another against the state that the earlier ones of the same batch leave behind.

Deciding writes nothing: what is to be written is planned, and goes into the tables at once at the end (`bulk.py`). A
commit whose condition fails has thus left no trace, without a savepoint.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.match import matches
from fhir_service.fhir.search.query import HierarchyValue, IdMatch, Match, Query
from fhir_service.storage.identity import IdSequence, rid_for, rid_of
from fhir_service.storage.sqlite.context import Reader
from fhir_service.storage.sqlite.search import find
from fhir_service.storage.sqlite.writing import bulk
from fhir_service.storage.sqlite.writing.bulk import Known, Planned
from fhir_service.storage.sqlite.writing.prepared import PreparedChange, PreparedCommit, encode_json, resource_key
from fhir_service.storage.stamp import stamped
from fhir_service.storage.store import (
    Committed,
    ConditionFailed,
    Exists,
    Finds,
    Put,
    Unreferenced,
    Version,
)

_STATES = """
SELECT rk, rid, rtype, id, ver, deleted, upd, method FROM res WHERE rk IN (SELECT value FROM json_each(?))
UNION ALL SELECT NULL, rid, '', '', 0, 0, 0, '' FROM res WHERE rid IN (SELECT value FROM json_each(?))
"""
_REFERRERS = """
SELECT DISTINCT res.rid, res.rtype, res.id FROM rf CROSS JOIN res ON res.rid = rf.rid
WHERE rf.tk IN (SELECT value FROM json_each(?))
"""
_FOUND_MOST = 100  # how many of what a failed Finds found instead are told


class KeyCollision(Exception):
    """Two resources have the same 64-bit hash; the second cannot be stored."""


class _State(NamedTuple):
    """The standing version of a resource, as far as a commit asks for it."""

    rid: int
    version: int
    deleted: bool
    updated: int
    method: str


class Batch:
    """The commits of one transaction of the database. `updated` is when they happen."""

    def __init__(
        self,
        reader: Reader,
        sequence: IdSequence,
        transactions: IdSequence,
        updated: int,
        known: Known,
    ) -> None:
        self._reader = reader
        self._connection = reader.connection
        self._sequence = sequence
        self._transactions = transactions
        self._updated = updated
        self._known = known
        self.newly_known = Known()
        self._states: dict[Key, _State] = {}
        self._planned: dict[Key, Planned] = {}
        self._in_use: set[int] = set()  # of the rids that the ids here are written for, and of those given

    def look_up(self, commits: Iterable[PreparedCommit]) -> None:
        """Read the state of every resource that these commits name, in one statement."""
        keys: dict[int, Key] = {}
        rids: list[int] = []
        for commit in commits:
            keys |= {change.rk: change.key for change in commit.changes}
            rids += [rid for change in commit.changes if (rid := rid_of(change.key.id)) is not None]
            for condition in commit.conditions:
                if isinstance(condition, Exists):
                    keys |= {resource_key(key): key for key in condition.keys}
        for rk, rid, rtype, id_, version, deleted, updated, method in self._connection.execute(
            _STATES, (encode_json(list(keys)), encode_json(rids))
        ):
            if rk is None:
                self._in_use.add(rid)
                continue
            if keys[rk] != (rtype, id_):
                raise KeyCollision(f"{keys[rk]} and {rtype}/{id_} have the same hash.")
            self._states[Key(rtype, id_)] = _State(rid, version, bool(deleted), updated, method)

    def decide(self, commit: PreparedCommit) -> list[Committed]:
        """Return what becomes of each change and plan to write it; or raise ConditionFailed and plan nothing."""
        for condition in commit.conditions:
            match condition:
                case Finds():
                    self._check_finds(condition)
                case Exists():
                    self._check_exists(condition, commit.changes)
                case Unreferenced():
                    self._check_unreferenced(condition, commit.changes)
        self._check_versions(commit.changes)

        txn = self._transactions.rid()
        return [self._plan(change, txn) for change in commit.changes]

    def write(self) -> None:
        """Write what is planned into the tables."""
        if self._planned:
            bulk.write(self._connection, list(self._planned.values()), self._updated, self._known, self.newly_known)
            self._planned.clear()

    def _standing(self, key: Key) -> int:
        state = self._states.get(key)
        return 0 if state is None or state.deleted else state.version

    def _check_exists(self, condition: Exists, changes: Sequence[PreparedChange]) -> None:
        put = {change.key for change in changes if change.content is not None}
        absent = frozenset(key for key in condition.keys if key not in put and not self._standing(key))
        if absent:
            raise ConditionFailed(condition=condition, keys=absent)

    def _check_versions(self, changes: Sequence[PreparedChange]) -> None:
        standing: dict[Key, int] = {}
        for prepared in changes:
            key, change = prepared.key, prepared.change
            actual = standing.get(key, self._standing(key))
            if change.expected not in (None, actual):
                raise ConditionFailed(change=change, actual=actual)
            state = self._states.get(key)
            last = max(actual, state.version if state else 0)
            standing[key] = last + 1 if prepared.content is not None else 0

    def _check_finds(self, condition: Finds) -> None:
        query, most = condition.query, len(condition.keys) + _FOUND_MOST
        if not (_asks_for_itself(query) and all(map(_has_entries, self._planned.values()))):
            self.write()
        found = find(self._reader, query, most + len(self._planned))
        found -= self._planned.keys()
        found |= {planned.key for planned in self._planned.values() if _fulfils(planned, query)}
        if found != condition.keys:
            raise ConditionFailed(condition=condition, keys=frozenset(found))

    def _check_unreferenced(self, condition: Unreferenced, changes: Sequence[PreparedChange]) -> None:
        targets = {resource_key(key) for key in condition.keys}
        changed = {change.key for change in changes}
        rows = self._connection.execute(_REFERRERS, (encode_json(list(targets)),))
        found = {Key(rtype, id_) for _, rtype, id_ in rows} - self._planned.keys()
        found |= {
            planned.key
            for planned in self._planned.values()
            if planned.content and any(tk in targets for _, tk in planned.content.rows.rf)
        }
        found -= changed
        found |= {
            change.key
            for change in changes
            if change.content and any(tk in targets for _, tk in change.content.rows.rf)
        }
        if found:
            raise ConditionFailed(condition=condition, keys=frozenset(found))

    def _plan(self, prepared: PreparedChange, txn: int) -> Committed:
        key, change = prepared.key, prepared.change
        state = self._states.get(key)
        if not isinstance(change, Put) and (state is None or state.deleted):
            return Committed(_deletion(key, state), False)
        if key in self._planned:
            self.write()  # the version before this one has to be in its table to be superseded

        created = not self._standing(key)
        rid = state.rid if state else rid_for(key.id, self._in_use.__contains__, self._sequence, self._updated)
        number = state.version + 1 if state else 1
        content = prepared.content
        body = stamped(content.head, content.tail, number, self._updated) if content else b""
        version = Version(key, number, self._updated, change.method if isinstance(change, Put) else "DELETE", body)
        self._in_use.add(rid)
        self._states[key] = _State(rid, number, content is None, self._updated, version.method)
        self._planned[key] = Planned(rid, key, prepared.rk, number, txn, self._updated, version.method, body, content)
        return Committed(version, created and content is not None)


def _deletion(key: Key, state: _State | None) -> Version:
    if state is None:
        return Version(key, 0, 0, "DELETE", b"")
    return Version(key, state.version, state.updated, "DELETE", b"")


def _asks_for_itself(query: Query) -> bool:
    """Whether the entries and the id of a resource tell if it is found; chains and hierarchies depend on others too."""
    return all(
        isinstance(clause, IdMatch)
        or (isinstance(clause, Match) and not any(isinstance(value, HierarchyValue) for value in clause.values))
        for clause in query.clauses
    )


def _has_entries(planned: Planned) -> bool:
    return planned.content is None or planned.content.entries is not None


def _fulfils(planned: Planned, query: Query) -> bool:
    """Whether a planned version is what a query finds that asks for nothing but itself."""
    entries = planned.content.entries if planned.content else None
    if entries is None or planned.key.type != query.resource_type:
        return False
    return all(
        planned.key.id in clause.ids if isinstance(clause, IdMatch) else matches(entries, clause)
        for clause in query.clauses
        if isinstance(clause, Match | IdMatch)
    )
