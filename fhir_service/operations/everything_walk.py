"""Walking everything about one or several resources (roots), page by page, each thing once.

Roots go in the order of their keys, and a cursor names the root where it is, so that a page link stays good when a
member leaves a group or joins it meanwhile.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fhir_service.fhir.json import decode
from fhir_service.fhir.reference import local_key, references
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.dates import Bounds
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Cursor, Version

MOST_READS = 20  # of the store for one page, where the dates asked for leave little of each
# What they hold is there as resources; the DocumentReference names them.
WHOLE_DOCUMENTS = frozenset({"Binary", "Bundle"})


class Root(NamedTuple):
    """A resource whose referrers of these types are walked; `shown` if it stands among the matches before them."""

    key: Key
    types: frozenset[str]
    shown: bool = False


class Found(NamedTuple):
    """A resource, as stored and decoded."""

    version: Version
    resource: Resource


@dataclass(frozen=True, slots=True)
class Walk:
    """`roots` are in the order of their keys; `types` (empty: any) and `care` leave out matches; `base` is ours.

    `after` says that every resource of its type before it was a root of an earlier walk.
    """

    roots: Sequence[Root]
    types: frozenset[str]
    care: Bounds | None
    base: str
    services: Services
    after: Key | None = None
    order: dict[Key, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", {root.key: n for n, root in enumerate(self.roots)})

    async def page(self, size: int, after: Cursor | None) -> tuple[list[Found], Cursor | None]:
        """Return the next matches and where they end (None: there are no more); shown roots are beyond `size`."""
        found: list[Found] = []
        at, within = self._resumed(after)
        reads = 0
        while at < len(self.roots) and len(found) < size and reads < MOST_READS:
            root = self.roots[at]
            reads += 1
            if within is None and root.shown:
                found += await self._standing([root.key])
            if types := self._visited(root):
                page = await self.services.store.referrers(
                    root.key, sorted(types), count=max(1, size - len(found)), after=within
                )
                decoded = [Found(version, decode(version.body)) for version in page.matches]
                before = await self._walked_before(decoded)
                found += [
                    each for each in decoded if not self._earlier(each, at, before) and self._in_care(each.resource)
                ]
                within = page.next
            if within is None:
                at += 1
        return found, (*self.roots[at].key, *(within or ())) if at < len(self.roots) else None

    async def referred(self, found: Iterable[Found], but: Collection[str]) -> list[Version]:
        """Return what these refer to on this server, less these types, whole documents, and what is itself walked."""
        left_out = WHOLE_DOCUMENTS.union(but)
        keys = dict.fromkeys(
            key
            for each in found
            for key in self._keys(each.resource)
            if key.type not in left_out and key not in self.order
        )
        versions = await self.services.store.read_many([*keys])
        return [each for each in versions.values() if not self._walked(Found(each, decode(each.body)))]

    async def _standing(self, keys: Sequence[Key]) -> list[Found]:
        versions = await self.services.store.read_many(keys)
        return [Found(version, decode(version.body)) for version in versions.values()]

    def _resumed(self, after: Cursor | None) -> tuple[int, Cursor | None]:
        if after is None:
            return 0, None
        key = Key(str(after[0]), str(after[1]))
        at = bisect_left(self.roots, key, key=lambda root: root.key)
        still_there = at < len(self.roots) and self.roots[at].key == key
        return at, after[2:] or None if still_there else None

    def _visited(self, root: Root) -> frozenset[str]:
        """Return the types to walk: those asked for, or all if one of them is only there where others refer to it."""
        if self.types and self.types <= root.types | {root.key.type}:
            return root.types & self.types
        return root.types

    def _keys(self, resource: Resource) -> Iterable[Key]:
        return (key for found in references(resource) if (key := local_key(found.text, self.base)))

    async def _walked_before(self, found: Iterable[Found]) -> Collection[Key]:
        """Return the roots of earlier walks that these refer to."""
        if (first := self.after) is None:
            return ()
        keys = {key for each in found for key in self._keys(each.resource) if key.type == first.type and key < first}
        return (await self.services.store.read_many(sorted(keys))).keys() if keys else ()

    def _earlier(self, found: Found, at: int, before: Collection[Key]) -> bool:
        """Whether a root before this one, or one of those before, led to it already."""
        keys = [*self._keys(found.resource)]
        return any(self.order.get(key, at) < at and self._leads(key, found) for key in keys) or any(
            key in before for key in keys
        )

    def _walked(self, found: Found) -> bool:
        return any(key in self.order and self._leads(key, found) for key in self._keys(found.resource))

    def _leads(self, key: Key, found: Found) -> bool:
        return found.version.key.type in self.roots[self.order[key]].types

    def _in_care(self, resource: Resource) -> bool:
        """Whether its care dates touch those asked for; what has no such date is always in."""
        if self.care is None:
            return True
        low, high = self.care
        indexer = self.services.indexer
        code = indexer.registry.primary_date(resource["resourceType"])
        spans = [(each.low, each.high) for each in indexer.index(resource).dates if each.code == code]
        return not spans or any(begin <= high and end >= low for begin, end in spans)
