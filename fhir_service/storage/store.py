"""The one interface to storage; every backend passes the one suite in `tests/storage/`.

A backend keeps versions, answers searches and commits groups of changes, all or none. What it returns is the bytes
that were stored: canonical JSON with `meta.versionId` and `meta.lastUpdated` stamped. Bounds: a commit is durable when
`commit` returns; every call reads one consistent state that holds every commit acknowledged before it began.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.fhir.search.query import HierarchyValue, Include, Query, ReferenceValue
from fhir_service.storage.explanation import Explanation
from fhir_service.storage.job_table import JobTable

Method = Literal["POST", "PUT", "PATCH", "DELETE"]
Clock = Callable[[], datetime]
"""The time with its zone. A backend never goes back behind the last time that it stamped."""

Cursor = tuple[int | float | str | None, ...]
"""Where a page ended: the sort keys of its last (or first) match; opaque to everyone but the backend that made it."""


class PrimaryDates(Protocol):
    """What a backend asks of the search registry."""

    def primary_date(self, resource_type: str) -> str | None:
        """Return the code of the date parameter whose least value is `IndexEntries.date`, None if it has none."""
        ...


class Version(NamedTuple):
    """One stored version. `body` is empty for a deletion. `updated` is microseconds since 1970 (UTC)."""

    key: Key
    version: int
    updated: int
    method: Method
    body: bytes

    @property
    def deleted(self) -> bool:
        return self.method == "DELETE"


@dataclass(frozen=True, slots=True)
class Put:
    """Create or update one resource. `resource` carries its id; meta.versionId and lastUpdated are the store's.

    `expected` is what must stand now: a version number (If-Match), 0 for "does not exist or is deleted", None for
    whatever there is.
    """

    resource: Resource
    entries: IndexEntries
    method: Method = "PUT"
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete one resource; nothing happens (no version) if it is absent or deleted already."""

    key: Key
    expected: int | None = None


Change = Put | Delete


@dataclass(frozen=True, slots=True)
class Finds:
    """The search still finds exactly these: how conditional interactions cannot race."""

    query: Query
    keys: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Exists:
    """Each of these exists and is not deleted, before the commit or by it (referential integrity)."""

    keys: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Unreferenced:
    """Nothing that stands after the commit refers to these (referential integrity of a delete)."""

    keys: frozenset[Key]


Condition = Finds | Exists | Unreferenced


class Committed(NamedTuple):
    """What became of one change: the version that now stands; `created` if none stood before.

    For a Delete of what never was, the version is 0.
    """

    version: Version
    created: bool


class Reindex(NamedTuple):
    """New index entries for a version that stands; if another stands by then, that one has its own."""

    key: Key
    version: int
    entries: IndexEntries


Told = Callable[[Version], None]
"""Is told of a version that was stored, in the event loop, before whoever stored it hears that it is."""


class ConditionFailed(Exception):
    """A condition or an `expected` version did not hold; nothing of the commit was stored.

    `change` is the change whose `expected` failed and `actual` the version that stands (0 for none); or `condition`
    is the condition that failed, and `keys` what it found instead (for Finds), what is absent (for Exists), or what
    refers to them (for Unreferenced).
    """

    def __init__(
        self,
        *,
        change: Change | None = None,
        actual: int = 0,
        condition: Condition | None = None,
        keys: frozenset[Key] = frozenset(),
    ) -> None:
        super().__init__("condition failed")
        self.change = change
        self.actual = actual
        self.condition = condition
        self.keys = keys


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search. `total` is there if it was asked for; `next` and `previous` if there is such a page.

    Towards the side that it was reached from, a neighbour is taken to be there still. `scores` are those of the matches
    where `_score` is a sort key: thousandths for each phrase, more for what is more about it (`words.score`).
    """

    matches: tuple[Version, ...]
    included: tuple[Version, ...] = ()
    total: int | None = None
    next: Cursor | None = None
    previous: Cursor | None = None
    scores: tuple[int, ...] = ()


Reference = tuple[Key, int | None]
"""What refers to one version of a resource, or (None) to any."""


class HistoryPage(NamedTuple):
    """In the order asked for. `next` is there if more versions remain."""

    versions: tuple[Version, ...]
    total: int
    next: Cursor | None


class Store(Protocol):
    """See the module. All times are microseconds since 1970 (UTC)."""

    @property
    def jobs(self) -> JobTable: ...

    async def read(self, key: Key) -> Version | None:
        """Return the version that stands (a deletion has `deleted`), or None if there never was one."""
        ...

    async def vread(self, key: Key, version: int) -> Version | None: ...

    async def read_many(self, keys: Sequence[Key]) -> dict[Key, Version]:
        """Return the standing, not deleted version of each key that has one."""
        ...

    async def history(
        self,
        resource_type: str | None,
        resource_id: str | None,
        *,
        count: int,
        since: int | None = None,
        at: tuple[int, int] | None = None,
        only: Sequence[Reference] | None = None,
        oldest_first: bool = False,
        after: Cursor | None = None,
    ) -> HistoryPage:
        """History of one resource, of a type (`resource_id` None) or of all (both None), newest first.

        `since`: versions made at or after it. `at`: versions that stood at some time within the two bounds. `only`:
        versions that these refer to.
        """
        ...

    async def search(
        self,
        query: Query,
        *,
        also: Sequence[Query] = (),
        count: int,
        after: Cursor | None = None,
        before: Cursor | None = None,
        total: bool = False,
        estimate: bool = False,
        include_limit: int = 1000,
    ) -> Page:
        """Return a page of matches and what they include; more than `include_limit` included is a FhirError.

        `count` 0 with `total` is a count; with `estimate` one that may be a guess where it would take long.
        `after`/`before` continue from a cursor. Without sort keys the order is (primary clinical date, rid); with them,
        (sort keys, rid), rid in the direction of the last key. Of several values the ascending order takes the least,
        the descending the greatest; no value is the least of all.

        `also`: queries on other types, of the same sort keys; the matches of all stand in one order. Then each query is
        `among` others.
        """
        ...

    async def members(self, value: HierarchyValue) -> ReferenceValue:
        """Return what a hierarchy stands for now, as `search` and `Finds` take it; FhirError if it is very much."""
        ...

    async def explain(self, query: Query, *, also: Sequence[Query] = (), count: int) -> Sequence[Explanation]:
        """Return how each of these queries is answered; nothing of it tells a value that is asked for."""
        ...

    async def included(self, keys: Sequence[Key], includes: Sequence[Include], limit: int) -> tuple[Version, ...]:
        """Return what these resources include (as `search` does for its matches)."""
        ...

    async def referrers(self, key: Key, resource_types: Sequence[str], *, count: int, after: Cursor | None) -> Page:
        """Return resources of these types (none given: of any) with a local reference to `key`, by rid."""
        ...

    def scan(self, resource_type: str | None) -> AsyncIterator[Version]:
        """Yield every standing resource (of a type), each once, however others write meanwhile."""
        ...

    async def commit(self, changes: Sequence[Change], conditions: Sequence[Condition] = ()) -> list[Committed]:
        """Store all changes durably, or none; raise ConditionFailed if one of the conditions does not hold."""
        ...

    def watch(self, resource_type: str, told: Told) -> None:
        """Have every version of this type that is stored from now on, a deletion too, told to `told`."""
        ...

    async def count(self, resource_type: str) -> int:
        """Return how many resources of a type stand."""
        ...

    async def standing(self, resource_type: str, *, after: str, count: int) -> Sequence[Version]:
        """Return the first resources of a type that stand, by id, behind the id `after`."""
        ...

    async def reindex(self, rewrites: Sequence[Reindex]) -> int:
        """Write the index of these anew, without a new version; return of how many (see `Reindex`)."""
        ...

    def start(self) -> None:
        """Begin what is done as long as nobody asks for anything; `close` ends it."""
        ...

    async def close(self) -> None: ...
