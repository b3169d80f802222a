"""The answer to a search: what was asked, a page of matches with their includes, and the links of the page.

`Bundle.total` is counted where `_total=accurate` (or `estimate`, which is exact here), `_summary=count` or `_count=0`
asks for it; else it is there only where it costs nothing, because the first page holds all.
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, Issue, operation_outcome
from fhir_service.fhir.search.cost import MOST, cost
from fhir_service.fhir.search.parse import ParsedSearch, parse_search
from fhir_service.fhir.search.problems import too_costly
from fhir_service.fhir.search.query import Clause, Query
from fhir_service.interactions import cursor
from fhir_service.interactions.assembly import Link, bundle, format_parameters, query_string, url
from fhir_service.interactions.cursor import Position
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.interactions.preference import preference
from fhir_service.interactions.services import Services
from fhir_service.interactions.subsets import subset
from fhir_service.storage.store import Page, Version

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
    parsed = parse_search(
        resource_type,
        _translated(query),
        services.indexer,
        base=request.base,
        now=services.now(),
        lenient=preference(request.headers).lenient,
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
    if others and any(not isinstance(sort.parameter, str) for sort in first.parsed.query.sort):
        raise _no_common_order()
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


async def answered(asked: Asked, request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page of matches, and what they include, as a searchset Bundle."""
    if asked.only_count:
        page = await services.store.search(asked.parsed.query, also=asked.also, count=0, total=True)
        return searchset(asked, page, page.total, request, services)

    token = dict(request.query).get(cursor.PARAMETER)
    place = cursor.position(token, asked.bound_to, services.secret) if token else None
    page = await services.store.search(
        asked.parsed.query,
        also=asked.also,
        count=asked.size,
        after=place and place.after,
        before=place and place.before,
        total=asked.counted,
    )
    total = page.total
    if total is None and asked.parsed.total is None and place is None and page.next is None:
        total = len(page.matches)
    return searchset(asked, page, total, request, services)


def searchset(asked: Asked, page: Page, total: int | None, request: FhirRequest, services: Services) -> FhirResponse:
    """Return a page as a searchset Bundle."""
    links = _links(request, asked, page, services)
    return FhirResponse(200, bundle("searchset", links, _entries(request, asked, page, services), total))


def _translated(query: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Return the parameters with Aidbox's `_totalMethod=count`, which fhirpy sends, said as FHIR has it."""
    if not any(name == "_totalMethod" for name, _ in query):
        return query
    return tuple(("_total", "accurate") if name == "_totalMethod" else (name, value) for name, value in query)


def _links(request: FhirRequest, asked: Asked, page: Page, services: Services) -> list[Link]:
    shown = asked.understood
    if format_ := format_parameters(request.query):
        shown = "&".join(filter(None, (shown, query_string(format_))))
    here = url(f"{request.base}/{asked.scope}" if asked.scope else request.base, shown)
    links = [("self", here)]
    if page.next or page.previous:
        links.append(("first", here))
    start = f"{here}{'&' if shown else '?'}{cursor.PARAMETER}="
    if page.previous:
        before = Position("before", page.previous)
        links.append(("previous", start + cursor.token(before, asked.bound_to, services.secret)))
    if page.next:
        after = Position("after", page.next)
        links.append(("next", start + cursor.token(after, asked.bound_to, services.secret)))
    return links


def _entries(request: FhirRequest, asked: Asked, page: Page, services: Services) -> list[bytes]:
    entries = _with_mode(page.matches, _MATCH, request.base, asked, services)
    if page.included:
        entries += _with_mode(page.included, _INCLUDE, request.base, asked, services)
    if asked.parsed.ignored:
        issues = [_ignored(name) for name in asked.parsed.ignored]
        entries.append(b'{"resource":' + json.encode(operation_outcome(issues)) + _OUTCOME)
    return entries


def _with_mode(versions: Sequence[Version], mode: bytes, base: str, asked: Asked, services: Services) -> list[bytes]:
    """Return the entries of these versions; twenty on a page, so that each step here counts."""
    summary, elements = asked.parsed.summary, asked.parsed.elements
    if elements or summary in ("true", "text", "data"):
        versions = [each._replace(body=subset(each.body, summary, elements, services)) for each in versions]
    start = f'{{"fullUrl":"{base}/'
    return [
        b"".join((f'{start}{type_}/{id_}","resource":'.encode(), body, mode))
        for (type_, id_), _, _, _, body in versions
    ]


def _no_common_order() -> FhirError:
    return FhirError(
        Issue(
            "not-supported",
            "複数の型の検索で_sortに使えるのは_idと_lastUpdatedだけです。",
            "A search over several types can be sorted by _id and _lastUpdated only.",
            ("http._sort",),
        )
    )


def _ignored(name: str) -> Issue:
    return Issue(
        "not-supported",
        f"検索パラメーター「{name}」は分からないため無視しました。",
        f'The search parameter "{name}" is not known and was ignored.',
        (f"http.{name}",),
        severity="warning",
    )


def _no_form(media_type: str) -> FhirError:
    form = "application/x-www-form-urlencoded"
    return FhirError(
        Issue(
            "not-supported",
            f"_searchの本文は{form}で送ってください({media_type}の検索条件は読みません)。",
            f"Send the body of _search as {form}; criteria in {media_type} are not read.",
        ),
        status=415,
    )
