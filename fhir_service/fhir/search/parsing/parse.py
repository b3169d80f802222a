"""From the parameters of a request to a search: criteria, order, what to include, and how to answer.

https://hl7.org/fhir/R4/search.html
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.parsing.clauses import BY_TERMINOLOGY, Criterion
from fhir_service.fhir.search.parsing.cost import MOST, cost
from fhir_service.fhir.search.parsing.draft import Draft, ParsedSearch
from fhir_service.fhir.search.parsing.problems import UnknownParameter
from fhir_service.fhir.search.parsing.results import RESULT_PARAMETERS
from fhir_service.fhir.search.parsing.sorting import SCORE, with_centres
from fhir_service.fhir.search.parsing.values import Reading
from fhir_service.fhir.search.query import Query, words_of

# What is asked of the answer's form or of a page link is read elsewhere: https://hl7.org/fhir/R4/http.html#parameters
SKIPPED = frozenset({"_format", "_pretty", "_cursor"})

MAX_CRITERIA = 64
MOST_REMEMBERED = 2_048
LONGEST_REMEMBERED = 300  # characters
COSTLIEST_REMEMBERED = 2_000  # by `cost`: some hundred clauses
_APPROXIMATE = re.compile(r"(?:^|[,$])ap").search
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_search(
    resource_type: str,
    parameters: Sequence[tuple[str, str]],
    indexer: Indexer,
    *,
    base: str,
    now: datetime,
    lenient: bool = False,
    skip_empty: bool = False,
) -> ParsedSearch:
    """Return the search that these decoded parameters ask for; 400 for what is unknown, unsupported or has no meaning.

    `lenient` (`Prefer: handling=lenient`) ignores unknown parameters, `skip_empty` those without a value: "Empty
    parameters are not an error - they are just ignored by the server" (https://hl7.org/fhir/R4/search.html#errors).
    """
    remembered, asked = indexer.registry.remembered, (resource_type, tuple(parameters), base, lenient, skip_empty)
    found: ParsedSearch | None = remembered.get(asked)
    if found is None:
        reading = Reading(indexer.registry, base, (now - _EPOCH) // timedelta(microseconds=1))
        found = _read(resource_type, parameters, reading, lenient, skip_empty)
        if _means_the_same_later(parameters) and sum(map(cost, found.query.clauses)) <= COSTLIEST_REMEMBERED:
            if len(remembered) >= MOST_REMEMBERED:
                remembered.clear()
            remembered[asked] = found
    return found


def _means_the_same_later(parameters: Sequence[tuple[str, str]]) -> bool:
    """Whether a search is worth remembering: short, and neither by a value set, which may change, nor by now."""
    return sum(len(text) for _, text in parameters) <= LONGEST_REMEMBERED and not any(
        name.rpartition(":")[2] in BY_TERMINOLOGY or name == "_filter" or _APPROXIMATE(text)
        for name, text in parameters
    )


def _read(
    resource_type: str, parameters: Sequence[tuple[str, str]], reading: Reading, lenient: bool, skip_empty: bool
) -> ParsedSearch:
    draft = Draft(resource_type, reading)
    understood: list[tuple[str, str]] = []
    ignored: list[str] = []
    for name, text in parameters:
        if name in SKIPPED:
            continue
        if skip_empty and not text.strip():
            ignored.append(name)
            continue
        try:
            _add(draft, name, text)
        except FhirError as error:
            error.issues = tuple(_of_parameter(name, issue) for issue in error.issues)
            if not (lenient and isinstance(error, UnknownParameter)):
                raise
            ignored.append(name)
        else:
            understood.append((name, text))
    _check_repeated(understood, draft)
    return _parsed(draft, tuple(understood), tuple(ignored))


def _of_parameter(name: str, issue: Issue) -> Issue:
    """Return the issue with its place: "For HTTP errors, will be 'http.' + the parameter name".

    https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.location
    """
    return issue if issue.expression else replace(issue, expression=(f"http.{name[:80]}",))


def _check_repeated(understood: Sequence[tuple[str, str]], draft: Draft) -> None:
    """Raise 400 if a parameter stands more than once whose definition does not allow that."""
    times = Counter(name.partition(":")[0] for name, _ in understood if "." not in name)
    for name in (name for name, count in times.items() if count > 1):
        parameter = draft.registry.declared(draft.resource_type).get(name)
        if parameter and parameter.limits and parameter.limits.multiple_and is False:
            raise problems.repeated(name)


def _add(draft: Draft, name: str, text: str) -> None:
    if not text.strip():
        raise problems.empty_value(name)
    base_name, before = name.partition(":")[0], len(draft.clauses)
    if base_name in RESULT_PARAMETERS:
        RESULT_PARAMETERS[base_name](draft, name, text)
    else:
        draft.clauses.append(Criterion(name, text, draft.reading).clause(draft.resource_type))
    if len(draft.clauses) > MAX_CRITERIA:
        raise problems.too_many("criteria", MAX_CRITERIA)
    draft.cost += sum(map(cost, draft.clauses[before:]))
    if draft.cost > MOST:
        raise problems.too_costly()


def _parsed(draft: Draft, understood: tuple[tuple[str, str], ...], ignored: tuple[str, ...]) -> ParsedSearch:
    single: dict[str, Any] = draft.single  # each value is one of its CHOICES
    # "The _include and _revinclude parameters cannot be mixed with _summary=text."
    if draft.includes and single.get("_summary") == "text":
        raise problems.excluded("_summary=text", "_include, _revinclude")
    if any(sort.parameter == SCORE for sort in draft.sort) and not any(words_of(draft.clauses)):
        raise problems.excluded("_sort=_score", "_text/_content (-)")
    sort = tuple([with_centres(each, draft.clauses) for each in draft.sort])
    return ParsedSearch(
        Query(draft.resource_type, tuple(draft.clauses), sort, tuple(draft.includes)),
        count=int(single["_count"]) if "_count" in single else None,
        total=single.get("_total"),
        summary=single.get("_summary"),
        elements=tuple(dict.fromkeys(draft.elements)),
        understood=understood,
        ignored=ignored,
        most=int(single["_maxresults"]) if "_maxresults" in single else None,
        explain=single.get("_explain") == "true",
        contained=single.get("_contained", "false"),
        contained_type=single.get("_containedType", "container"),
    )
