"""Observation/$lastn: the newest observations of a person, the last `max` of each code.

Besides `max`, the parameters are those of a search for Observations; one of them has to name the patient. Observations
whose codes share a coding are one group, so that a local code with its translation goes with the translation alone.
Those that are as old as the last of a group are all given.
https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.search.dates import EARLIEST, bounds
from fhir_service.fhir.search.parsing.draft import ParsedSearch
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.query import Query
from fhir_service.interactions.answers.assembly import bundle, entries, format_parameters, query_string, url
from fhir_service.interactions.answers.preference import preference
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.services import Operation, Services
from fhir_service.operations.parameters import given_any, refused, single, text, whole_number
from fhir_service.storage.store import Cursor, Version

MOST_READ = 20_000
"""Of one person by the criteria: all are looked at, because any may be the newest of its code."""

_READ_AT_ONCE = 1_000
_MOST_INCLUDED = 1_000
_REFUSED = frozenset({"_count", "_sort", "_total", "_summary", "_elements"})
_SUBJECT = frozenset({"patient", "subject"})

Code = tuple[str | None, str | None]


class _Said(msgspec.Struct):
    """What decides about an observation."""

    code: dict[str, Any]
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: dict[str, Any] = {}
    effectiveTiming: dict[str, Any] = {}

    @property
    def time(self) -> int:
        """When it was, microseconds; of a period its start; what says no time is the oldest."""
        events: Iterable[Any] = self.effectiveTiming.get("event", ())
        said = (self.effectiveDateTime, self.effectiveInstant, self.effectivePeriod.get("start"), *events)
        return max((found[0] for each in said if each and (found := bounds(each))), default=EARLIEST)

    @property
    def codes(self) -> list[Code]:
        codings = self.code.get("coding", ())
        codes = [(coding.get("system"), coding["code"]) for coding in codings if "code" in coding]
        return codes or [(None, self.code.get("text"))]


_decode = msgspec.json.Decoder(_Said).decode


class Observed(NamedTuple):
    """An observation: its time and its codes."""

    time: int
    codes: list[Code]
    version: Version


async def observation_lastn(request: FhirRequest, services: Services) -> FhirResponse:
    """Return the newest of each code as a searchset, a group after the other, each newest first."""
    most, parsed = _asked(request, services)
    observed = await _observed(parsed.query, services)
    newest = [each.version for group in grouped(observed) for each in last(group, most)]
    included = await services.store.included([each.key for each in newest], parsed.query.includes, _MOST_INCLUDED)

    shown = (*parsed.understood, ("max", str(most)), *format_parameters(request.query))
    links = [("self", url(f"{request.base}/Observation/$lastn", query_string(shown)))]
    shown_entries = [*entries(newest, "match", request.base), *entries(included, "include", request.base)]
    return FhirResponse(200, bundle("searchset", links, shown_entries, len(newest)))


OPERATION = Operation(
    name="lastn",
    definition="http://hl7.org/fhir/OperationDefinition/Observation-lastn",
    levels=frozenset({"type"}),
    methods=frozenset({"GET", "POST"}),
    run=observation_lastn,
    types=frozenset({"Observation"}),
)


def grouped(observed: Sequence[Observed]) -> list[list[Observed]]:
    """Return the groups that share codings, the group with the newest first, each newest first."""
    first: dict[Code, Code] = {}  # of each code, one that it is the same as; itself for one of each group

    def root(code: Code) -> Code:
        while (of := first.setdefault(code, code)) != code:
            first[code] = first[of]
            code = of
        return code

    for each in observed:
        for code in each.codes[1:]:
            first[root(code)] = root(each.codes[0])
    groups: dict[Code, list[Observed]] = defaultdict(list)
    for each in sorted(observed, key=lambda each: each.time, reverse=True):
        groups[root(each.codes[0])].append(each)
    return [*groups.values()]


def last(group: Sequence[Observed], most: int) -> Sequence[Observed]:
    """Return the first `most` of a group that is newest first, and those as old as the last of them."""
    if len(group) <= most:
        return group
    return [each for n, each in enumerate(group) if n < most or each.time == group[most - 1].time]


async def _observed(query: Query, services: Services) -> list[Observed]:
    found: list[Observed] = []
    after: Cursor | None = None
    while True:
        page = await services.store.search(Query("Observation", query.clauses), count=_READ_AT_ONCE, after=after)
        for version in page.matches:
            said = _decode(version.body)
            found.append(Observed(said.time, said.codes, version))
        if (after := page.next) is None:
            return found
        if len(found) >= MOST_READ:
            ja = f"対象の検査・観察が{MOST_READ:,}件を超えています。条件をしぼってください。"
            raise fhir_error("too-costly", ja, f"There are more than {MOST_READ:,} observations; narrow them.")
        await asyncio.sleep(0)


def _asked(request: FhirRequest, services: Services) -> tuple[int, ParsedSearch]:
    pairs = [(name, text(name, value)) for name, value in given_any(request)]
    most = single([pair for pair in pairs if pair[0] == "max"]).get("max", "1")
    criteria = [pair for pair in pairs if pair[0] != "max"]
    for name, _ in criteria:
        if name in _REFUSED:
            raise refused(name, "は$lastnでは使えません", "is not for $lastn")
    if not any(name.partition(":")[0].partition(".")[0] in _SUBJECT for name, _ in criteria):
        said = "patientかsubjectが必要です。", "The parameter patient or subject is needed."
        raise FhirError(Issue("required", *said), status=400)
    lenient = preference(request.headers).lenient
    parsed = parse_search(
        "Observation", criteria, services.indexer, base=request.base, now=services.now(), lenient=lenient
    )
    return whole_number("max", most), parsed
