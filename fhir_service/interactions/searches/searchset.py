"""The answer to a search: what was asked, a page of matches with their includes, and the links of the page.

`Bundle.total` is counted where `_total=accurate`, `_summary=count` or `_count=0` asks for it; with `_total=estimate` it
is exact up to some thousands and a guess beyond; else it is there only where it costs nothing, because the first page
holds all. `_maxresults` bounds the matches of all pages, not the total.
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypedDict

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error, operation_outcome
from fhir_service.fhir.search.parsing.cost import MOST, cost
from fhir_service.fhir.search.parsing.draft import ParsedSearch
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.parsing.problems import too_costly
from fhir_service.fhir.search.query import Clause, Query, words_of
from fhir_service.interactions.answers import cursor
from fhir_service.interactions.answers.assembly import Link, bundle, format_parameters, query_string, url
from fhir_service.interactions.answers.cursor import Position
from fhir_service.interactions.answers.preference import preference
from fhir_service.interactions.answers.subsets import subset
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.searches.contained import contained_page, only_of_one_type
from fhir_service.interactions.searches.included_versions import with_versions
from fhir_service.interactions.searches.plan import plan_issues
from fhir_service.interactions.services import Services
from fhir_service.storage.store import Cursor, Page, Version

_MATCH = b',"search":{"mode":"match"}}'
_INCLUDE = b',"search":{"mode":"include"}}'
_OUTCOME = b',"search":{"mode":"outcome"}}'


class Asked(NamedTuple):
    """The search, how many matches a page has, and how links say it; `scope` is the path: `Patient/1/Observation`.

    `also` is the same search on further types.
    """

    parsed: ParsedSearch
    size: int
    scope: str
    understood: str
    also: tuple[Query, ...] = ()

    @property
    def bound_to(self) -> str:
        """What a page link is good for: this search, whatever the server is called by."""
        return f"{self.scope}?{self.understood}"

    @property
    def only_count(self) -> bool:
        return self.size == 0 or self.parsed.summary == "count"

    @property
    def counted(self) -> bool:
        return self.parsed.total in ("accurate", "estimate")


def asked_of(
    resource_type: str,
    scope: str,
    query: Sequence[tuple[str, str]],
    request: FhirRequest,
    services: Services,
    within: Clause | None = None,
) -> Asked:
    """Return the search that these parameters ask for, `within` a compartment if there is one."""
    if request.body is not None:  # without criteria that stand there, the answer would hold what was not asked for
        raise _no_form(request.media_type)
    wish = preference(request.headers)
    parsed = parse_search(
        resource_type,
        _translated(query),
        services.indexer,
        base=request.base,
        now=services.now(),
        lenient=wish.lenient,
        skip_empty=wish.skips_empty,
    )
    if within is not None:
        parsed = replace(parsed, query=replace(parsed.query, clauses=(within, *parsed.query.clauses)))
    size = services.default_count if parsed.count is None else min(parsed.count, services.max_count)
    shown = parsed.understood
    if parsed.count is not None and parsed.count != size:
        shown = tuple((name, str(size) if name == "_count" else value) for name, value in shown)
    return Asked(parsed, size, scope, query_string(shown))


def together(asked: Iterable[Asked], named: Sequence[str]) -> Asked:
    """Return these searches on several types as one; `named` are the types that `_type` named."""
    asked = _affordable(asked)
    first, *others = asked
    if others:
        _check_common_order([each.parsed.query for each in asked])
        first, *others = [
            each._replace(parsed=replace(each.parsed, query=replace(each.parsed.query, among=True))) for each in asked
        ]
    understood = first.understood
    if named:
        understood = f"_type={','.join(named)}" + (f"&{understood}" if understood else "")
    ignored = dict.fromkeys(name for each in asked for name in each.parsed.ignored)
    return first._replace(
        parsed=replace(first.parsed, ignored=tuple(ignored)),
        understood=understood,
        also=tuple(each.parsed.query for each in others),
    )


def _affordable(asked: Iterable[Asked]) -> list[Asked]:
    """Return the searches; each type is looked up by itself, so that all share what one search may ask for."""
    found: list[Asked] = []
    spent = 0
    for each in asked:
        spent += sum(map(cost, each.parsed.query.clauses))
        if spent > MOST:
            raise too_costly()
        found.append(each)
    return found


class _Bounds(TypedDict):
    """Which page a store is asked for."""

    count: int
    after: Cursor | None
    before: Cursor | None


async def answered(asked: Asked, request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of matches, and what they include, as a searchset Bundle."""
    parsed, store, estimate = asked.parsed, services.store, asked.parsed.total == "estimate"
    notes = [_ignored(name) for name in parsed.ignored]
    token = dict(request.query).get(cursor.PARAMETER)
    place = cursor.position(token, asked.bound_to, services.secret) if token and not asked.only_count else None
    count = _room(asked, place)
    if parsed.explain:
        notes += plan_issues(await store.explain(parsed.query, also=asked.also, count=count))
    bounds: _Bounds = {"count": count, "after": place and place.after, "before": place and place.before}
    total_asked = asked.only_count or asked.counted
    if parsed.contained != "false":
        if asked.scope != parsed.query.resource_type:
            raise only_of_one_type(asked.scope)
        page = await contained_page(parsed, services, total=total_asked, **bounds)
    else:
        page = await store.search(parsed.query, also=asked.also, total=total_asked, estimate=estimate, **bounds)
        includes = [include for query in (parsed.query, *asked.also) for include in query.includes]
        page = await with_versions(page, includes, services)
    total = page.total
    if total is None and parsed.total is None and place is None and page.next is None:
        total = len(page.matches)
    return searchset(asked, page, total, request, services, notes, _passed(place, page))


def _room(asked: Asked, place: Position | None) -> int:
    """Return how many matches the page can have."""
    if asked.only_count:
        return 0
    if asked.parsed.most is None or place is None:
        return min(asked.size, asked.parsed.most or asked.size)
    return min(asked.size, asked.parsed.most - place.passed if place.after else place.passed)


def _passed(place: Position | None, page: Page) -> int:
    """Return how many matches come before the page."""
    if place is None:
        return 0
    return place.passed if place.after else max(0, place.passed - len(page.matches))


def searchset(
    asked: Asked,
    page: Page,
    total: int | None,
    request: FhirRequest,
    services: Services,
    notes: Sequence[Issue] = (),
    passed: int = 0,
) -> FhirResponse:
    """Return a page as a searchset Bundle; `notes` are told in it, `passed` matches come before it."""
    if asked.parsed.most is not None and passed + len(page.matches) >= asked.parsed.most:
        page = replace(page, next=None)
    entries = _entries(request, asked, page, services)
    if notes:
        entries.append(b'{"resource":' + json.encode(operation_outcome(notes)) + _OUTCOME)
    return FhirResponse(200, bundle("searchset", _links(request, asked, page, passed, services), entries, total))


def _translated(query: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Return the parameters with Aidbox's `_totalMethod=count`, which fhirpy sends, said as FHIR has it."""
    if not any(name == "_totalMethod" for name, _ in query):
        return query
    return tuple(("_total", "accurate") if name == "_totalMethod" else (name, value) for name, value in query)


def _links(request: FhirRequest, asked: Asked, page: Page, passed: int, services: Services) -> list[Link]:
    bounded = asked.parsed.most is not None
    shown = asked.understood
    if format_ := format_parameters(request.query):
        shown = "&".join(filter(None, (shown, query_string(format_))))
    here = url(f"{request.base}/{asked.scope}" if asked.scope else request.base, shown)
    joint = "&" if shown else "?"
    start = f"{here}{joint}{cursor.PARAMETER}="
    own = query_string(cursor.given(request.query))
    links = [("self", f"{here}{joint}{own}" if own else here)]
    if page.next or page.previous:
        links.append(("first", here))
    if page.previous:
        before = Position("before", page.previous, passed if bounded else 0)
        links.append(("previous", start + cursor.token(before, asked.bound_to, services.secret)))
    if page.next:
        after = Position("after", page.next, passed + len(page.matches) if bounded else 0)
        links.append(("next", start + cursor.token(after, asked.bound_to, services.secret)))
    return links


def _entries(request: FhirRequest, asked: Asked, page: Page, services: Services) -> list[bytes]:
    parsed = asked.parsed
    matches = _part(page.matches, parsed.summary, parsed.elements, services)
    if page.scores:
        phrases = len(list(words_of(parsed.query.clauses)))
        modes = [_scored(score, phrases) for score in page.scores]
        entries = [_with_mode((each,), mode, request.base)[0] for each, mode in zip(matches, modes, strict=True)]
    else:
        entries = _with_mode(matches, _MATCH, request.base)
    if page.included:
        # "The list of elements does not apply to included resources."
        entries += _with_mode(_part(page.included, parsed.summary, (), services), _INCLUDE, request.base)
    return entries


def _part(
    versions: Sequence[Version], summary: str | None, elements: Sequence[str], services: Services
) -> Sequence[Version]:
    """Return the versions with as much of each resource as `_summary` or `_elements` asks for."""
    if not elements and summary not in ("true", "text", "data"):
        return versions
    return [each._replace(body=subset(each.body, summary, elements, services)) for each in versions]


def _with_mode(versions: Sequence[Version], mode: bytes, base: str) -> list[bytes]:
    """Return the entries of these versions; twenty on a page, so that each step here counts."""
    start = f'{{"fullUrl":"{base}/'
    return [
        b"".join((f'{start}{type_}/{id_}","resource":'.encode(), body, mode))
        for (type_, id_), _, _, _, body in versions
    ]


def _scored(score: int, phrases: int) -> bytes:
    """Return the end of the entry of a match with its score: how much of its text each phrase is, from 0 to 1."""
    return b',"search":{"mode":"match","score":%.3f}}' % min(1, score / phrases / 1000)


_TEXTS = frozenset({"string", "token", "reference", "uri"})


def _check_common_order(queries: Sequence[Query]) -> None:
    """Raise 400 if the types are sorted by what cannot be compared: a date on one, a text on another."""
    for keys in zip(*(query.sort for query in queries), strict=True):
        kinds = {key.parameter if isinstance(key.parameter, str) else key.parameter.type for key in keys}
        if len(kinds) > 1 and not kinds <= _TEXTS:
            raise _no_common_order(", ".join(sorted(kinds)))


def _no_common_order(kinds: str) -> FhirError:
    return fhir_error(
        "not-supported",
        f"複数の型の検索で_sortに使うパラメータは、どの型でも同じ種類でなければなりません({kinds})。",
        f"A search over several types is sorted by what is of one kind on each; here it is {kinds}.",
        ("http._sort",),
    )


def _ignored(name: str) -> Issue:
    return Issue(
        "not-supported",
        f"検索パラメーター「{name}」は分からないか値がないため無視しました。",
        f'The search parameter "{name}" is not known or has no value, and was ignored.',
        (f"http.{name}",),
        severity="warning",
    )


def _no_form(media_type: str) -> FhirError:
    form = "application/x-www-form-urlencoded"
    return fhir_error(
        "not-supported",
        f"_searchの本文は{form}で送ってください({media_type}の検索条件は読みません)。",
        f"Send the body of _search as {form}; criteria in {media_type} are not read.",
        status=415,
    )
