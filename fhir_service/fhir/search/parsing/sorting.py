"""`_sort`: by every indexed parameter of the type, or of what it refers to (`_sort=patient.family`).

A reference of the chain leads to one type; where it may lead to several that have the parameter, the type is named:
`_sort=-subject:Patient.birthdate`. Of several values the ascending order takes the least, the descending the greatest.
No value is the least of all: such resources stand first in ascending and last in descending order. A composite sorts by
its components, the first before the second. `_sort=near` sorts by the distance from what the search is near to.
`_sort=_score` has those first that say most often what `_text` and `_content` look for.
https://hl7.org/fhir/R4/search.html#sort
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.search.first_entry import leads_inside
from fhir_service.fhir.search.incomplete import BeingIndexed
from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.parsing.draft import Draft
from fhir_service.fhir.search.query import Clause, Hop, Match, NearValue, Sort
from fhir_service.fhir.search.registry import SearchRegistry

SCORE: Literal["_score"] = "_score"
OF_THE_STORE: dict[str, Literal["_id", "_lastUpdated"]] = {"_id": "_id", "_lastUpdated": "_lastUpdated"}
MAX_SORT_KEYS = 16
MAX_HOPS = 4


def read_sort(draft: Draft, name: str, text: str) -> None:
    """`_sort=status,-date`; a repeated `_sort` gives the inner order."""
    if name != "_sort":
        raise problems.bad_result_parameter(name, text, "_sort")
    for each in text.split(","):
        path = each.strip().removeprefix("-")
        if path == SCORE:  # "best match first" is what everyone means who asks for it
            draft.sort.append(Sort(SCORE, not each.strip().startswith("-")))
            continue
        draft.sort.append(_key(draft.registry, draft.resource_type, path, each.strip().startswith("-")))
    if len(draft.sort) > MAX_SORT_KEYS:
        raise problems.too_many("_sort", MAX_SORT_KEYS)


def _key(registry: SearchRegistry, resource_type: str, path: str, descending: bool) -> Sort:
    *steps, last = path.split(".")
    if len(steps) > MAX_HOPS:
        raise problems.too_deep(f"_sort={path}", MAX_HOPS)
    hops: list[Hop] = []
    for number, step in enumerate(steps):
        hop = _hop(registry, resource_type, step, path.split(".", number + 1)[-1])
        hops.append(hop)
        resource_type = hop.target
    parameters = registry.parameters(resource_type)
    if last not in parameters:
        raise problems.unknown_parameter(resource_type, f"_sort={path}", parameters)
    if hops and parameters[last].type == "special":
        raise problems.no_centre(path, last)
    return Sort(OF_THE_STORE.get(last, parameters[last]), descending, tuple(hops))


def with_centres(sort: Sort, clauses: Iterable[Clause]) -> Sort:
    """Return a sort by `near` with the places of the criterion by the same parameter; 400 if there is none."""
    if isinstance(sort.parameter, str) or sort.parameter.type != "special":
        return sort
    values = [
        each for one in clauses if isinstance(one, Match) and one.parameter == sort.parameter for each in one.values
    ]
    centres = tuple([each for each in values if isinstance(each, NearValue)])
    if not centres:
        raise problems.no_centre(sort.parameter.code, sort.parameter.code)
    return replace(sort, centres=centres)


def _hop(registry: SearchRegistry, resource_type: str, step: str, rest: str) -> Hop:
    """Return the step to the one type that it can lead to and on which the rest has a meaning."""
    code, _, target = step.partition(":")
    parameters = registry.parameters(resource_type)
    if code not in parameters:
        raise problems.unknown_parameter(resource_type, code, parameters)
    parameter = parameters[code]
    if parameter.type != "reference":
        raise problems.not_a_reference(parameter, f"_sort={step}.{rest}")
    if leads_inside(parameter):
        raise problems.not_within(f"_sort={step}.{rest}")
    canonical, literal = registry.named_by_canonical(parameter), not registry.only_canonical(parameter)
    targets = parameter.targets or tuple(sorted(registry.definitions.resource_types))
    if target and target not in targets:
        raise problems.not_a_target(parameter, target)
    if not literal and target and target not in canonical:
        raise problems.without_url(parameter, target, f"_sort={step}.{rest}")
    targets = targets if literal else canonical
    fitting = [each for each in ((target,) if target else targets) if _has(registry, each, rest)]
    if not fitting:
        raise problems.unknown_in_chain(parameter, targets, rest)
    if len(fitting) > 1:
        raise problems.several_targets(parameter, fitting, f"_sort={step}.{rest}")
    return Hop(parameter, fitting[0], literal, canonical)


def _has(registry: SearchRegistry, resource_type: str, path: str) -> bool:
    try:
        _key(registry, resource_type, path, False)
    except BeingIndexed:
        raise
    except FhirError:
        return False
    return True
