"""From the parameters of a request to a search: criteria, order, what to include, and how to answer.

https://hl7.org/fhir/R4/search.html
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from fhir_service.fhir.search import problems
from fhir_service.fhir.search.clauses import Criterion
from fhir_service.fhir.search.cost import MOST, cost
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.filter import filter_clause
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.problems import UnknownParameter
from fhir_service.fhir.search.query import AllOf, Clause, Has, IdMatch, Include, Query, Sort
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.fhir.search.values import Reading

Total = Literal["none", "estimate", "accurate"]
Summary = Literal["true", "text", "data", "count", "false"]

# What is asked of the answer's form or of a page link is read elsewhere: https://hl7.org/fhir/R4/http.html#parameters
SKIPPED = frozenset({"_format", "_pretty", "_cursor"})

# https://hl7.org/fhir/R4/search.html#return
TOTALS: tuple[Total, ...] = ("none", "estimate", "accurate")
SUMMARIES: tuple[Summary, ...] = ("true", "text", "data", "count", "false")
ONLY_DEFAULT = {"_contained": "false", "_containedType": "container"}

OF_THE_STORE: dict[str, Literal["_id", "_lastUpdated"]] = {"_id": "_id", "_lastUpdated": "_lastUpdated"}
UNSORTED = ("composite", "special")
MAX_CRITERIA = 64
MAX_SORT_KEYS = 16
_COUNT = re.compile(r"\d{1,9}", re.ASCII).fullmatch
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII).fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ParsedSearch:
    """A search request taken apart.

    `understood` are the parameters that the answer's self link names, in their order; `ignored` the names of those
    that lenient handling left out.
    """

    query: Query
    count: int | None = None
    total: Total | None = None
    summary: Summary | None = None
    elements: tuple[str, ...] = ()
    understood: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()


def parse_search(
    resource_type: str,
    parameters: Sequence[tuple[str, str]],
    indexer: Indexer,
    *,
    base: str,
    now: datetime,
    lenient: bool = False,
) -> ParsedSearch:
    """Return the search that these decoded parameters ask for; 400 for what is unknown, unsupported or has no meaning.

    `lenient` (`Prefer: handling=lenient`) ignores unknown parameters and empty ones instead.
    """
    reading = Reading(indexer.registry, base, (now - _EPOCH) // timedelta(microseconds=1))
    draft = _Draft(resource_type, reading)
    understood: list[tuple[str, str]] = []
    ignored: list[str] = []
    for name, text in parameters:
        if name in SKIPPED:
            continue
        if lenient and not text.strip():
            ignored.append(name)
            continue
        try:
            draft.add(name, text)
        except UnknownParameter:
            if not lenient:
                raise
            ignored.append(name)
        else:
            understood.append((name, text))
    return draft.parsed(tuple(understood), tuple(ignored))


@dataclass(slots=True)
class _Draft:
    """What has been read so far."""

    resource_type: str
    reading: Reading
    clauses: list[Clause] = field(default_factory=list)
    sort: list[Sort] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    single: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, text: str) -> None:
        if not text.strip():
            raise problems.empty_value(name)
        base_name = name.partition(":")[0]
        if base_name in RESULT_PARAMETERS:
            RESULT_PARAMETERS[base_name](self, name, text)
        else:
            self.clauses.append(Criterion(name, text, self.reading).clause(self.resource_type))
        if len(self.clauses) > MAX_CRITERIA:
            raise problems.too_many("criteria", MAX_CRITERIA)

    def parsed(self, understood: tuple[tuple[str, str], ...], ignored: tuple[str, ...]) -> ParsedSearch:
        # "The _include and _revinclude parameters cannot be mixed with _summary=text."
        if self.includes and self.single.get("_summary") == "text":
            raise problems.excluded("_summary=text", "_include, _revinclude")
        if sum(map(cost, self.clauses)) > MOST:
            raise problems.too_costly()
        query = Query(self.resource_type, tuple(self.clauses), tuple(self.sort), tuple(self.includes))
        return ParsedSearch(
            query,
            count=int(self.single["_count"]) if "_count" in self.single else None,
            total=cast("Total | None", self.single.get("_total")),
            summary=cast("Summary | None", self.single.get("_summary")),
            elements=tuple(dict.fromkeys(self.elements)),
            understood=understood,
            ignored=ignored,
        )

    @property
    def registry(self) -> SearchRegistry:
        return self.reading.registry

    def once(self, name: str, text: str) -> None:
        if name in self.single:
            raise problems.repeated(name)
        self.single[name] = text


def _count(draft: _Draft, name: str, text: str) -> None:
    if name != "_count" or not _COUNT(text):
        raise problems.bad_result_parameter(name, text, "0, 1, 2, …")
    draft.once(name, text)


def _total(draft: _Draft, name: str, text: str) -> None:
    if name != "_total" or text not in TOTALS:
        raise problems.bad_result_parameter(name, text, ", ".join(TOTALS))
    draft.once(name, text)


def _summary(draft: _Draft, name: str, text: str) -> None:
    if name != "_summary" or text not in SUMMARIES:
        raise problems.bad_result_parameter(name, text, ", ".join(SUMMARIES))
    draft.once(name, text)


def _only_default(draft: _Draft, name: str, text: str) -> None:
    if ONLY_DEFAULT.get(name) != text:
        raise problems.bad_result_parameter(name, text, ONLY_DEFAULT.get(name, "-"))
    draft.once(name, text)


def _elements(draft: _Draft, name: str, text: str) -> None:
    """`_elements=identifier,active`: base elements of the type; `Patient.active` is understood as well."""
    by_json = draft.registry.definitions.type(draft.resource_type).by_json
    known = {"resourceType", *by_json, *(element.name for element, _ in by_json.values())}
    for each in text.split(","):
        element = each.strip().removeprefix(f"{draft.resource_type}.")
        if name != "_elements" or element not in known:
            raise problems.bad_result_parameter(name, each, ", ".join(sorted(known)))
        draft.elements.append(element)


def _sort(draft: _Draft, name: str, text: str) -> None:
    """`_sort=status,-date`; a repeated `_sort` gives the inner order."""
    parameters = draft.registry.parameters(draft.resource_type)
    sortable = {code: each for code, each in parameters.items() if each.type not in UNSORTED}
    keys: list[Sort] = []
    for each in text.split(","):
        code = each.strip().removeprefix("-")
        if name != "_sort" or code not in sortable:
            raise problems.unknown_parameter(draft.resource_type, f"{name}={each}", sortable)
        key = OF_THE_STORE.get(code, sortable[code])
        keys.append(Sort(key, each.strip().startswith("-")))
    draft.sort += keys
    if len(draft.sort) > MAX_SORT_KEYS:
        raise problems.too_many("_sort", MAX_SORT_KEYS)


def _filter(draft: _Draft, name: str, text: str) -> None:
    """`_filter=given eq "peter" and birthdate ge 2014-10-10`; several are joined by AND."""
    clause = filter_clause(text, draft.resource_type, draft.reading)
    draft.clauses += clause.clauses if isinstance(clause, AllOf) else (clause,)


def _list(draft: _Draft, name: str, text: str) -> None:
    """`_list=42`: what the List/42 has as an item; https://hl7.org/fhir/R4/search.html#list"""
    if name != "_list" or not all(map(_ID, text.split(","))):
        raise problems.bad_result_parameter(name, text, "id of a List")
    item = draft.registry.parameters("List")["item"]
    draft.clauses.append(Has("List", item, IdMatch(tuple(text.split(",")))))


def _include(draft: _Draft, name: str, text: str) -> None:
    """`_include=Observation:patient:Patient`, `Observation:*` or `*`; `:iterate` was `:recurse` before R4."""
    base_name, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise problems.bad_result_parameter(name, text, f"{base_name}, {base_name}:iterate")
    reverse = base_name == "_revinclude"
    source, _, rest = text.partition(":")
    code, _, target = rest.partition(":")
    for parameter in _joined(draft, text, source, code or "*", reverse):
        if target and not _may_target(parameter, target, draft.registry.definitions.resource_types):
            raise problems.not_a_target(parameter, target)
        draft.includes.append(Include(parameter.resource_type, parameter, target or None, reverse, bool(modifier)))


def _joined(draft: _Draft, text: str, source: str, code: str, reverse: bool) -> Iterator[SearchParameter]:
    """Give the reference parameters that an include names; a wildcard in reverse means those that can point here."""
    types = draft.registry.definitions.resource_types
    if source == "*" and code == "*":
        sources = sorted(types) if reverse else [draft.resource_type]
    elif source in types and ":" in text:
        sources = [source]
    elif source in types:
        raise problems.malformed(text, "Observation:patient, Observation:*")
    else:
        raise problems.unknown_type(source, text)
    for each in sources:
        parameters = draft.registry.parameters(each)
        if code == "*":
            references = (parameter for parameter in parameters.values() if parameter.type == "reference")
            yield from (one for one in references if not reverse or _may_target(one, draft.resource_type, types))
        elif code not in parameters:
            raise problems.unknown_parameter(
                each, code, (one.code for one in parameters.values() if one.type == "reference")
            )
        elif parameters[code].type != "reference":
            raise problems.not_a_reference(parameters[code], text)
        else:
            yield parameters[code]


def _may_target(parameter: SearchParameter, resource_type: str, known: frozenset[str]) -> bool:
    return resource_type in known and (not parameter.targets or resource_type in parameter.targets)


# https://hl7.org/fhir/R4/search.html#return
RESULT_PARAMETERS: dict[str, Callable[[_Draft, str, str], None]] = {
    "_sort": _sort,
    "_count": _count,
    "_total": _total,
    "_summary": _summary,
    "_elements": _elements,
    "_filter": _filter,
    "_list": _list,
    "_include": _include,
    "_revinclude": _include,
    "_contained": _only_default,
    "_containedType": _only_default,
}
