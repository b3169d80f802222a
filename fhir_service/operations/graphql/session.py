"""What one request for GraphQL has at hand: the resources it reaches, each read once, and what is left to spend.

References that are resolved at the same time are read together. What goes past a limit ends the whole request with an
error, for a list that is cut would look like all there is.
https://hl7.org/fhir/R4/graphql.html
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fhir_service.fhir import fhirpath
from fhir_service.fhir.fhirpath import SLICE, Allowance, Environment, Expression, Item
from fhir_service.fhir.json import decode
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.reference import references
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.query import Query
from fhir_service.interactions.services import Services
from fhir_service.operations.graphql.shape import Shape
from fhir_service.storage.store import Page, Version

MOST_RESOURCES = 5_000
MOST_SEARCHES = 500
MOST_SEARCHING = 1.0
"""Seconds that the searches of one query take together; other requests wait while one runs."""

MOST_VALUES = 100_000
"""Fields that are answered, and items of lists."""

MOST_BYTES = 40_000_000
"""Of the resources that are read: each is decoded."""

TIME_LIMIT = timedelta(seconds=10)
MOST_STEPS = 1_000_000
"""Of all evaluations of FHIRPath together."""

AT_ONCE = 20  # resources that are answered before other requests get their turn
_LOOK = 1_000  # values between two looks at the time


@dataclass(slots=True)
class Session:
    """`stopped` is the limit that was passed; `shapes` says, by path, what directives do to what stands there."""

    services: Services
    base: str
    started: datetime
    shapes: dict[tuple[str | int, ...], Shape] = field(default_factory=dict)
    stopped: FhirError | None = None
    _resources: int = MOST_RESOURCES
    _searches: int = MOST_SEARCHES
    _searched: float = 0.0
    _values: int = MOST_VALUES
    _bytes: int = MOST_BYTES
    _steps: Allowance = field(default_factory=lambda: Allowance(MOST_STEPS))
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _read: dict[Key, "asyncio.Future[Resource | None]"] = field(default_factory=dict)
    _waiting: list[Key] = field(default_factory=list)
    _reading: set["asyncio.Task[None]"] = field(default_factory=set)
    _containers: dict[int, Resource] = field(default_factory=dict)
    _expressions: dict[str, Expression] = field(default_factory=dict)

    def values(self, number: int) -> bool:
        """Take values from what is left; whether there were so many."""
        before = self._values
        self._values -= number
        if self._values < 0:
            self._stop(f"値が{MOST_VALUES:,}個", f"{MOST_VALUES:,} values")
        elif before // _LOOK != self._values // _LOOK and self._expired():
            self._stop("時間の上限", "the time allowed")
        return self.stopped is None

    async def search(self, query: Query, **options: Any) -> Page:
        """Return a page; one search goes after the other, so that other requests get their turn between them."""
        self._searches -= 1
        if self._searches < 0:
            self._stop(f"検索が{MOST_SEARCHES}回", f"{MOST_SEARCHES} searches")
        async with self._turn:
            await asyncio.sleep(0)
            if self._expired():
                self._stop("時間の上限", "the time allowed")
            if self.stopped is not None:
                raise self.stopped
            begun = time.perf_counter()
            page = await self.services.store.search(query, **options)
            self._searched += time.perf_counter() - begun
            if self._searched > MOST_SEARCHING:
                self._stop(f"検索にかかる時間が{MOST_SEARCHING:g}秒", f"{MOST_SEARCHING:g} s of searching")
        self.found(len(page.matches))
        if self.stopped is not None:
            raise self.stopped
        return page

    def resource(self, version: Version) -> Resource:
        """Return a resource; what its references within it mean is known from now on."""
        self._bytes -= len(version.body)
        if self._bytes < 0:
            self._stop(f"リソースが{MOST_BYTES:,}バイト", f"{MOST_BYTES:,} bytes of resources")
            raise self.stopped or AssertionError
        resource: Resource = decode(version.body)
        if "contained" in resource:
            for each in references(resource):
                if each.text.startswith("#"):
                    self._containers[id(each.reference)] = resource
        return resource

    def contained(self, reference: dict[str, Any]) -> Resource | None:
        """Return what a reference to a contained resource means."""
        container = self._containers.get(id(reference), {})
        name = reference["reference"][1:]
        return next((each for each in container.get("contained", ()) if each.get("id") == name), None)

    async def read(self, key: Key) -> Resource | None:
        """Return a resource of this server, None if it is not there."""
        found = self._read.get(key)
        if found is None:
            loop = asyncio.get_running_loop()
            found = self._read[key] = loop.create_future()
            self._waiting.append(key)
            if len(self._waiting) == 1:
                loop.call_soon(self._begin)
        return await found

    def kept(self, items: Sequence[Any], code: str, expression: str) -> list[Any]:
        """Return those of the items (of this type) for which the FHIRPath is true."""
        among = [Item(each, _type(each, code)) for each in items]
        compiled = self._compiled(f"%list.select(iif({expression}, $index))")
        return [items[each.value] for each in self._evaluated(compiled, None, {"list": among})]

    def names(self, items: Sequence[Any], code: str, expression: str) -> list[str]:
        """Return what the FHIRPath finds on each item: the name that @slice gives to it."""
        if expression == "$index":
            return [str(n) for n in range(len(items))]
        compiled = self._compiled(expression)
        named: list[str] = []
        for each in items:
            found = self._evaluated(compiled, Item(each, _type(each, code)), {})
            if len(found) != 1 or isinstance(found[0].value, dict):
                ja = f"@sliceの式「{expression[:80]}」は、どの要素でもちょうど1つの単純な値になる必要があります。"
                en = f'The path "{expression[:80]}" of @slice has to find one primitive value on every item.'
                raise fhir_error("value", ja, en)
            named.append(str(found[0].value))
        return named

    def _begin(self) -> None:
        keys, self._waiting = self._waiting, []
        task = asyncio.ensure_future(self._fetch(keys))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _fetch(self, keys: list[Key]) -> None:
        try:
            versions = await self.services.store.read_many(keys)
        except Exception as error:
            for key in keys:
                self._read[key].set_exception(error)
            return
        self.found(len(versions))
        for n, key in enumerate(keys):
            if n % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            version = versions.get(key)
            self._read[key].set_result(self.resource(version) if version and self.stopped is None else None)

    def found(self, number: int) -> None:
        """Take resources from what is left."""
        self._resources -= number
        if self._resources < 0:
            self._stop(f"リソースが{MOST_RESOURCES:,}件", f"{MOST_RESOURCES:,} resources")

    def _stop(self, ja: str, en: str) -> None:
        ja = f"この問い合わせは大きすぎます({ja}を超えました)。_countや条件で絞ってください。"
        en = f"The query asks for too much: more than {en}. Narrow it by _count or criteria."
        self.stopped = self.stopped or fhir_error("too-costly", ja, en)

    def _expired(self) -> bool:
        return self.services.now() - self.started > TIME_LIMIT

    def _compiled(self, expression: str) -> Expression:
        if expression not in self._expressions:
            self._expressions[expression] = fhirpath.compile(expression, self.services.definitions)
        return self._expressions[expression]

    def _evaluated(self, expression: Expression, focus: Item | None, variables: dict[str, Any]) -> Sequence[Item]:
        environment = Environment(
            now=self.started, variables=variables, limit=MOST_STEPS, expired=self._expired, allowance=self._steps
        )
        try:
            return expression.evaluate(focus, environment)
        finally:
            if self._steps.left < SLICE:
                self._stop(f"FHIRPathの評価が{MOST_STEPS:,}ステップ", f"{MOST_STEPS:,} steps of FHIRPath")


def _type(value: Any, code: str) -> str:
    return str(value["resourceType"]) if code == "Resource" else code
