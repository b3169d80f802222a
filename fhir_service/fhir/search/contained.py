"""Contained resources in the index, and clauses about them.

"By default, search results only include resources that are not contained in other resources. A chained condition will
be evaluated inside contained resources." So what a contained resource says stands in the index of its container, under
the parameter that refers to it: `medication:Medication.code`. Several of one type under one parameter are told apart by
number, for what one of them says is not said by another: `item:FamilyMemberHistory~1.status`.
https://hl7.org/fhir/R4/search.html#contained
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.dates import bounds
from fhir_service.fhir.search.index import DateEntry, IndexEntries, TokenEntry
from fhir_service.fhir.search.match import LISTS
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Clause,
    Has,
    IdMatch,
    LastUpdatedMatch,
    Match,
    NoneOf,
    Query,
    TokenValue,
)

CONTAINED = "_contained"
"""The code under which the types of contained resources stand; "" for any."""

CONTAINER = "#"
"""How a contained resource refers to its container."""

_HAS = "_has:"

MOST_TOLD_APART = 64
"""Those beyond count as one with the last."""

MOST_LINKS = 2_000
"""How many references among what it contains a resource may have."""

_LISTS = tuple(dict.fromkeys(LISTS.values()))


def holding(resource_type: str, contained_type: str) -> Query:
    """Return the search for resources of a type that contain one of another type ("": any)."""
    parameter = SearchParameter(resource_type, CONTAINED, "token", None, "")
    return Query(resource_type, (Match(parameter, (TokenValue("", contained_type),)),), among=True)


def contained_in(resource: Resource) -> list[Resource]:
    """Return the contained resources that have a type."""
    return [each for each in resource.get("contained", ()) if isinstance(each, dict) and "resourceType" in each]


def with_types(resource: Resource) -> Resource:
    """Return the resource with `Reference.type` at each reference to what it contains.

    `where(resolve() is Patient)` is answered from what the reference says.
    """
    types = {f"#{each['id']}": each["resourceType"] for each in contained_in(resource) if "id" in each}

    def told(node: Any) -> Any:
        match node:
            case list():
                return [told(each) for each in node]
            case {"reference": str(text), **rest} if text in types:
                return {**rest, "reference": text, "type": types[text]}
            case dict():
                return {name: told(each) for name, each in node.items()}
        return node

    typed: Resource = told(resource)
    return typed


def add_contained(
    entries: IndexEntries,
    resource: Resource,
    references: Callable[[Resource], Iterable[tuple[str, str]]],
    index: Callable[[Resource], IndexEntries],
) -> None:
    """Add what the contained resources say, and what those say that they refer to in turn.

    `references` gives the codes of a resource's parameters with the references they select.
    """
    contained = contained_in(resource)
    types = dict.fromkeys(("", *(each["resourceType"] for each in contained)))
    entries.tokens += [TokenEntry(CONTAINED, None, each) for each in types]
    by_id = {
        f"#{each['id']}": {name: value for name, value in each.items() if name != "contained"}
        for each in contained
        if "id" in each
    }
    steps = _steps({CONTAINER: resource, **by_id}, references)
    onward = {text: [(code, to) for code, to in steps[text] if to not in (CONTAINER, text)] for text in by_id}
    direct = [(code, text) for code, text in steps[CONTAINER] if text in by_id]
    if sum(len(onward[text]) for _, text in direct) > MOST_LINKS:
        raise _too_many_links()

    @cache
    def alone(text: str) -> IndexEntries:
        said = said_inside(by_id[text], index)
        said.tokens += [_mark(f"{code}:") for code, _ in steps[text]]
        return said

    numbers: Counter[str] = Counter()
    for code, text in direct:
        said = said_inside(by_id[text], index)
        said.tokens += _marks(text, steps[text])
        further: Counter[str] = Counter()
        for next_code, to in onward[text]:
            add_under(said, next_code, by_id[to]["resourceType"], alone(to), further)
        add_under(entries, code, by_id[text]["resourceType"], said, numbers)


def _steps(
    by_name: dict[str, Resource], references: Callable[[Resource], Iterable[tuple[str, str]]]
) -> dict[str, list[tuple[str, str]]]:
    """Return for each resource where chains and `_has` lead from it: by the code of a parameter to what it refers to,
    by `_has:Type:code` to what refers to it.
    """
    named = {
        name: [pair for pair in dict.fromkeys(references(each)) if pair[1] in by_name] for name, each in by_name.items()
    }
    steps = {name: [*pairs] for name, pairs in named.items()}
    for name, pairs in named.items():
        for code, to in pairs:
            steps[to].append((_had(by_name[name]["resourceType"], code), name))
    return steps


def _had(resource_type: str, code: str) -> str:
    """Return the code under which stands what the resources of a type say that refer to this one by a parameter."""
    return f"{_HAS}{resource_type}:{code}"


def _marks(text: str, steps: Iterable[tuple[str, str]]) -> Iterator[TokenEntry]:
    """Give the marks of a contained resource: of what refers to its container or to itself, or is referred to so."""
    for code, to in steps:
        if to == CONTAINER and code.startswith(_HAS):
            yield _mark(code + CONTAINER)
        elif to in (CONTAINER, text):
            yield _mark(f"{code}:")


def _mark(code: str) -> TokenEntry:
    """Return a mark. `code:` leads on inside the container to where its index does not follow; `_has:Type:code#`: the
    container itself refers to this one.
    """
    return TokenEntry(code, None, "")


def said_inside(resource: Resource, index: Callable[[Resource], IndexEntries]) -> IndexEntries:
    """Return what a resource says that is inside another, with what the store knows of one that is not."""
    said = index(resource)
    if isinstance(id_ := resource.get("id"), str):
        said.tokens.append(TokenEntry("_id", None, id_))
    if updated := bounds(str(resource.get("meta", {}).get("lastUpdated", ""))):
        said.dates.append(DateEntry("_lastUpdated", *updated))
    return said


def add_under(entries: IndexEntries, code: str, resource_type: str, said: IndexEntries, numbers: Counter[str]) -> None:
    """Add what a resource of this type, which is inside, says, under the parameter that refers to it.

    `numbers` counts those of each type under each parameter.
    """
    name = f"{code}:{resource_type}"
    prefix = _prefix(name, min(numbers[name], MOST_TOLD_APART - 1))
    numbers[name] += 1
    entries.tokens.append(TokenEntry(prefix, None, ""))
    entries.coded |= {prefix + each for each in said.coded}
    for name in _LISTS:
        getattr(entries, name).extend([each._replace(code=prefix + each.code) for each in getattr(said, name)])


def _prefix(name: str, number: int) -> str:
    return f"{name}~{number}." if number else f"{name}."


def inside(chain: Chain, is_there: Callable[[Match], bool]) -> Iterator[Clause]:
    """Give the clauses on a resource itself that are fulfilled if what it contains fulfils the chain.

    `is_there` tells whether what a clause asks for is there at all, so that no more are given than are of use.
    FhirError (400) where a reference leads further inside than is indexed: to a third level, or back to the container.
    """
    reference = chain.parameter
    outwards = chain.literal or bool(chain.canonical)
    for code in codes_inside(reference):
        if is_there(_there(f"{code}:")):
            raise _too_far(reference.code)
        for target, rest in chain.clauses:
            for number in range(MOST_TOLD_APART):
                prefix = _prefix(f"{code}:{target}", number)
                there = _there(prefix)
                if not is_there(there):
                    break
                moved = _moved(rest, prefix, outwards, is_there)
                if moved is None:
                    break
                positive = isinstance(moved, Match) and moved.modifier not in ("not", "missing")
                yield moved if positive else AllOf((there, moved))


def codes_inside(parameter: SearchParameter) -> tuple[str, ...]:
    """Return the codes under which a reference stands that leads into a container."""
    return (parameter.holder,) if parameter.holder else parameter.stored


def _there(mark: str) -> Match:
    return Match(_of_the_store(mark, "token"), (TokenValue("", ""),))


def _moved(clause: Clause, prefix: str, outwards: bool, is_there: Callable[[Match], bool]) -> Clause | None:
    """Return the clause as one about the container; None for what no contained resource fulfils.

    `outwards`: its chains may lead to what is stored.
    """
    match clause:
        case Match(parameter):
            return replace(clause, parameter=_renamed(parameter, prefix))
        case IdMatch(ids):
            return Match(_of_the_store(f"{prefix}_id", "token"), tuple(TokenValue(None, id_) for id_ in ids))
        case LastUpdatedMatch(dates):
            return Match(_of_the_store(f"{prefix}_lastUpdated", "date"), dates)
        case Chain(parameter):
            renamed = replace(clause, parameter=_renamed(parameter, prefix))
            return renamed if outwards else replace(renamed, literal=False, canonical=())
        case Has():
            return AnyOf(tuple(_moved_back(clause, prefix, is_there)))
        case AnyOf(clauses) | AllOf(clauses) | NoneOf(clauses):
            moved = [_moved(each, prefix, outwards, is_there) for each in clauses]
            if isinstance(clause, AllOf) and None in moved:
                return None
            return replace(clause, clauses=tuple(each for each in moved if each is not None))
        case _:
            return None


def _moved_back(has: Has, prefix: str, is_there: Callable[[Match], bool]) -> Iterator[Clause]:
    """Give the clauses about the container that a `_has` of what it contains becomes.

    What refers to a contained resource is contained beside it, or is the container.
    """
    for code in codes_inside(has.parameter):
        had = prefix + _had(has.resource_type, code)
        yield Chain(_of_the_store(had, "reference"), ((has.resource_type, has.clause),), literal=False)
        if is_there(by_container := _there(had + CONTAINER)):
            yield AllOf((by_container, has.clause))


def _of_the_store(code: str, search_type: SearchType) -> SearchParameter:
    return SearchParameter("", code, search_type, None, "")


def _renamed(parameter: SearchParameter, prefix: str) -> SearchParameter:
    return replace(
        parameter,
        code=prefix + parameter.code,
        members=tuple(prefix + code for code in parameter.members),
        holder=parameter.holder and prefix + parameter.holder,
    )


def _too_far(code: str) -> FhirError:
    return fhir_error(
        "not-supported",
        f"包含リソースの参照「{code}」は、さらに奥の包含リソースか、包含する側に戻る参照です。連鎖はそこまではたどりません。",
        f"'{code}' refers to contained resources at a third level, or back to the container; "
        "chains do not go that far.",
    )


def _too_many_links() -> FhirError:
    return fhir_error(
        "too-long",
        f"包含リソースどうしの参照は{MOST_LINKS:,}個までです。",
        f"The contained resources refer to each other more than {MOST_LINKS:,} times.",
        status=413,
    )
