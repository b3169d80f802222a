"""The first entry of a document or message in the index: `Bundle?composition=`, `Bundle?composition.subject.name=`.

"The first resource in the bundle, if the bundle type is "document" - this is a composition, and this parameter provides
access to search its contents". So it is no reference to what is stored here. What that resource says stands in the
index of the Bundle under the parameter, as what contained resources say does, and under it what the resources of the
same Bundle say that it refers to: the subject and authors of a document, the entries of its sections, what a message is
about.
https://hl7.org/fhir/R4/bundle.html#search
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.contained import add_under, said_inside
from fhir_service.fhir.search.index import IndexEntries, ReferenceEntry
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.query import AllOf, AnyOf, Chain, Clause, IdMatch, LastUpdatedMatch, Match, NoneOf

EXPRESSION = "Bundle.entry[0].resource"

KINDS = {"Composition": "document", "MessageHeader": "message"}
"""Of which type a Bundle is that begins with such a resource."""

References = Callable[[Resource], Iterable[tuple[str, str]]]
"""Gives the texts of the references of a resource, each with the code of its parameter."""


def leads_inside(parameter: SearchParameter) -> bool:
    """Whether a reference parameter means a resource that stands in the Bundle itself."""
    return parameter.type == "reference" and parameter.expression == EXPRESSION


def add_first(
    entries: IndexEntries,
    bundle: Resource,
    parameters: Iterable[SearchParameter],
    references: References,
    index: Callable[[Resource], IndexEntries],
) -> None:
    """Add what the first entry says, under those of these parameters of which it is a target."""
    first = next((each for each in bundle.get("entry", ()) if isinstance(each, dict)), {})
    resource = first.get("resource")
    if not isinstance(resource, dict) or bundle.get("type") != KINDS.get(resource.get("resourceType", "")):
        return
    said: IndexEntries | None = None
    for parameter in parameters:
        if resource["resourceType"] in parameter.targets:
            said = said or _said(bundle, first, references, index)
            entries.references += [ReferenceEntry(parameter.code, each, inner=True) for each in _names(first)]
            add_under(entries, parameter.code, resource["resourceType"], said, Counter())


def _names(entry: dict[str, Any]) -> Iterable[str]:
    """Give what an entry may be called by: its type and id, and its full URL where that says something else."""
    resource, url = entry["resource"], entry.get("fullUrl")
    if "id" in resource:
        yield f"{resource['resourceType']}/{resource['id']}"
    if isinstance(url, str) and parse_reference(url).kind != "literal":
        yield url


def _said(
    bundle: Resource, first: dict[str, Any], references: References, index: Callable[[Resource], IndexEntries]
) -> IndexEntries:
    resource = first["resource"]
    said = said_inside(resource, index)
    by_url: dict[Any, Any] = {
        each.get("fullUrl"): each.get("resource") for each in bundle["entry"] if isinstance(each, dict)
    }
    base = parse_reference(first.get("fullUrl", "")).base
    alone = lru_cache(maxsize=None)(lambda url: said_inside(by_url[url], index))
    numbers = Counter(each.code[:-1].partition("~")[0] for each in said.tokens if each.code.endswith("."))  # contained
    for code, text in dict.fromkeys(references(resource)):
        url = text if text in by_url else f"{base}/{text}"
        if isinstance(target := by_url.get(url), dict):
            add_under(said, code, target["resourceType"], alone(url), numbers)
    said.references[:] = [each._replace(inner=True) for each in said.references]
    return said


def within(chain: Chain, key: str) -> Chain:
    """Return a chain that goes no further than the Bundle itself does; 400 for what is not indexed of it."""
    for _, rest in chain.clauses:
        _check(rest, key, 1)
    return replace(chain, literal=False, canonical=())


def _check(clause: Clause, key: str, depth: int) -> None:
    match clause:
        case Match() | IdMatch() | LastUpdatedMatch():
            return
        case AllOf(clauses) | AnyOf(clauses) | NoneOf(clauses):
            for each in clauses:
                _check(each, key, depth)
        case Chain(_, clauses) if depth == 1:
            for _, rest in clauses:
                _check(rest, key, depth + 1)
        case _:
            raise problems.not_within(key)
