"""Keeps the search parameters and the index in step: what is stored before a parameter is indexed before it is used.

Which rules the index of a type was made by is kept as marks of the store: a start compares them with the definitions
that it finds (a package may have come, a release may read an expression otherwise), and a SearchParameter that is
stored, changed or deleted while the server runs is compared at once. Where the two differ, new writes carry the new
entries from then on, a job indexes the rest, and a search by the parameter is refused until it is done.
https://hl7.org/fhir/R4/searchparameter.html
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping

import msgspec

from fhir_service.fhir import json
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.custom import in_force, issues_of
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.fingerprint import fingerprints, whole
from fhir_service.fhir.search.incomplete import Indexing
from fhir_service.jobs.reindex import KIND, Asked, counts_of
from fhir_service.jobs.runner import Jobs
from fhir_service.storage.job_table import Job
from fhir_service.storage.store import Store, Version

TYPE = "SearchParameter"
_WHOLE, _DEFINED = "index", "defined"
_EPOCH = ""
_log = logging.getLogger("fhir_service")

Rules = dict[str, str]
"""The fingerprint of each parameter of a type, by code."""


class ParameterIndex:
    """See the module. `changed` and `progress` are called in the event loop and do not wait."""

    def __init__(self, store: Store, indexer: Indexer, jobs: Jobs) -> None:
        self._store = store
        self._indexer = indexer
        self._registry = indexer.registry
        self._jobs = jobs
        self._stored: dict[str, Resource] = {}  # those in force, by id
        self._indexed_by: dict[str, Rules] = {}
        self._epochs: dict[str, int] = {}  # how often the rules of a type have changed
        self._incomplete: dict[str, dict[str, Indexing]] = {}
        self._unsettled: set[str] = set()  # types that have changed since the last job was begun
        self._settling: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Take the stored search parameters into force, refuse those that are not indexed, and watch for changes."""
        versions = [version async for version in self._store.scan(TYPE)]
        for composite in (False, True):  # whose components may be among the others
            for version in versions:
                if (json.decode(version.body).get("type") == "composite") is composite:
                    self._take(version)
            self._registry.store(self._stored.values())
        self._store.watch(TYPE, self.changed)
        self._registry.definitions.watch(self.reloaded)
        await self._compare_all()

    async def start(self) -> None:
        """Begin to index what is not, unless a job that was broken off goes on with it."""
        covered = {each for job in self._jobs.working(KIND) for each in self._covered(job)}
        if types := [each for each in self._incomplete if each not in covered]:
            await self._begin(types)

    async def close(self) -> None:
        """Wait for what has been begun."""
        if self._settling is not None:
            await self._settling

    def rule(self, before: Resource | None, after: Resource) -> list[Issue]:
        """Return why a SearchParameter cannot be stored as one in force (see `Rule`)."""
        return issues_of(after, self._registry, self._stored)

    def changed(self, version: Version) -> None:
        """Take a SearchParameter that was stored or deleted into account, before anything else is done."""
        before = self._stored.get(version.key.id)
        self._take(version)
        after = self._stored.get(version.key.id)
        if before == after:
            return
        self._registry.store(self._stored.values())
        self._indexer.forget()
        self._look_at(self._types_of(each for each in (before, after) if each is not None))

    def reloaded(self) -> None:
        """Take into account that packages have come while the server runs."""
        changed = self._registry.reload()
        self._registry.store(self._stored.values())
        self._indexer.forget()
        self._look_at(self._types_of(changed))

    def _look_at(self, types: list[str]) -> None:
        """Refuse what these types are not indexed by, and begin to index it."""
        for each in types:
            self._epochs[each] = self._epochs.get(each, 0) + 1
            self._compare(each)
        self._registry.indexing(self._incomplete)
        self._unsettled.update(types)
        if self._settling is None or self._settling.done():
            self._settling = asyncio.get_running_loop().create_task(self._settle())

    def rules(self, resource_type: str) -> Rules:
        """Return the rules of a type as they are now, and how often they have changed.

        A job that began before the last change may have come to resources that were then indexed by other rules, even
        if the rules are now what they were when it began; what it has done counts for nothing.
        """
        return {**self._now(resource_type), _EPOCH: str(self._epochs.get(resource_type, 0))}

    def _now(self, resource_type: str) -> Rules:
        return fingerprints(self._registry, resource_type)

    def progress(self, resource_type: str, done: int, total: int) -> None:
        """Take notice of how many resources of a type are indexed."""
        for indexing in self._incomplete.get(resource_type, {}).values():
            indexing.done, indexing.total = done, total

    async def finished(self, rules: Mapping[str, Rules]) -> None:
        """Take notice that these types are indexed by these rules: what is still defined so can be searched by."""
        changed = [each for each in rules if self._incomplete.get(each) and self._is_of_now(each, rules[each])]
        if not changed:
            return
        for each in changed:
            now = self._now(each)
            left = {
                code: indexing
                for code, indexing in self._incomplete[each].items()
                if rules[each].get(code) != now[code]
            }
            self._indexed_by[each] = {code: rule for code, rule in now.items() if code not in left}
            self._refuse(each, left)
        await self._mark(changed)
        self._registry.indexing(self._incomplete)

    def _is_of_now(self, resource_type: str, rules: Rules) -> bool:
        return rules.get(_EPOCH) == str(self._epochs.get(resource_type, 0))

    async def distrust(self) -> None:
        """Have what is indexed by stored search parameters indexed again at the next start.

        It is said before others write who do not know them: the processes of `fhir-service load`.
        """
        for each in self._types_of(self._stored.values()):
            own = {definition["code"] for definition in self._stored.values()}
            self._indexed_by[each] = {code: rule for code, rule in self._indexed_by[each].items() if code not in own}
            self._compare(each)
        if self._stored:
            await self._mark(self._types_of(self._stored.values()))

    def incomplete(self) -> Mapping[str, Mapping[str, Indexing]]:
        """Return the parameters that cannot be searched by yet, by type and code."""
        return self._incomplete

    def _take(self, version: Version) -> None:
        """Take a stored definition into force if it is one to search by."""
        definition = json.decode(version.body) if version.body else {}
        is_ours = in_force(definition) and self._registry.loaded_definition(definition["url"]) is None
        issues = issues_of(definition, self._registry, self._stored) if is_ours else []
        if is_ours and not issues:
            self._stored[version.key.id] = definition
            return
        self._stored.pop(version.key.id, None)
        if issues:
            # Its writer has not been told: `fhir-service load` keeps no rules, and two may write one code at once.
            _log.warning("%s is not in force: %s", version.key, issues[0].en)

    def _types_of(self, definitions: Iterable[Resource]) -> list[str]:
        bases = {base for each in definitions for base in each["base"]}
        is_a = self._registry.definitions.is_a
        types = self._registry.definitions.resource_types
        return sorted(each for each in types if any(is_a(each, base) for base in bases))

    def _compare(self, resource_type: str) -> None:
        """Refuse what the index of a type was not made by, and forget what it was made by and is no more."""
        now = self._now(resource_type)
        had = self._indexed_by.get(resource_type, {})
        self._indexed_by[resource_type] = {code: rule for code, rule in now.items() if had.get(code) == rule}
        known = self._incomplete.get(resource_type, {})
        self._refuse(
            resource_type, {code: known.get(code) or Indexing() for code, rule in now.items() if had.get(code) != rule}
        )

    def _refuse(self, resource_type: str, codes: dict[str, Indexing]) -> None:
        self._incomplete.pop(resource_type, None)
        if codes:
            self._incomplete[resource_type] = codes

    async def _compare_all(self) -> None:
        marks = await self._store.jobs.marks()
        fingerprint = whole(self._registry).encode()
        types = sorted(self._registry.definitions.resource_types)
        kept = {each: marks[_name(each)] for each in types if _name(each) in marks}
        self._indexed_by = {each: msgspec.json.decode(mark, type=Rules) for each, mark in kept.items()}
        others = marks.get(_DEFINED) != fingerprint  # than when the server last ran
        self._epochs = {each: int(rules.pop(_EPOCH, 0)) + others for each, rules in self._indexed_by.items()}
        if marks.get(_WHOLE) == fingerprint and len(kept) == len(types):
            self._indexer.forget()
            return
        for each in types:
            await self._first_look(each)
            self._compare(each)
        self._registry.indexing(self._incomplete)
        self._indexer.forget()
        await self._mark(types)

    async def _first_look(self, resource_type: str) -> None:
        """Say what the index of a type was made by, if it is empty; by nothing that is known, if no mark does."""
        if not await self._store.count(resource_type):
            self._indexed_by[resource_type] = self._now(resource_type)
        else:
            self._indexed_by.setdefault(resource_type, {})

    def _covered(self, job: Job) -> Iterable[str]:
        """Give the types that a job which goes on will have indexed by the rules as they are now."""
        counts = counts_of(job)
        for each in msgspec.json.decode(job.asked, type=Asked).types:
            if each not in counts:
                yield each
            elif not counts[each].done:
                now, rules = self._now(each), counts[each].rules
                of_now = self._is_of_now(each, rules)
                if of_now and all(rules.get(code) == now[code] for code in self._incomplete.get(each, ())):
                    yield each

    async def _settle(self) -> None:
        while self._unsettled:
            types = sorted(self._unsettled)
            self._unsettled.clear()
            await self._mark(types)
            if wanting := [each for each in types if each in self._incomplete]:
                await self._begin(wanting)

    async def _begin(self, types: list[str]) -> None:
        await self._jobs.begin(KIND, msgspec.json.encode(Asked(types)))

    async def _mark(self, types: Iterable[str]) -> None:
        marks = {
            _name(each): msgspec.json.encode(self._indexed_by[each] | {_EPOCH: str(self._epochs.get(each, 0))})
            for each in types
        }
        marks[_DEFINED] = whole(self._registry).encode()
        # Only a start that finds all in step may take the short way.
        marks[_WHOLE] = b"" if self._incomplete else marks[_DEFINED]
        await self._store.jobs.mark(marks)


def _name(resource_type: str) -> str:
    return f"{_WHOLE}/{resource_type}"
