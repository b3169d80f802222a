"""Search parameters whose values stand in the index under others, so that they need no rows of their own.

Some parameters of R4 say again what others say: `combo-code` all of `code` and `component-code`, `phonetic` what `name`
says, `patient` those references of `subject` that lead to a Patient.
https://hl7.org/fhir/R4/observation.html#search
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.paths import split_union

_RESOLVES = ".where(resolve() is "


def with_kin(parameters: Mapping[str, SearchParameter]) -> dict[str, SearchParameter]:
    """Return the parameters of a resource type, told of their `members` and `holder`."""
    branches = {code: frozenset(split_union(each.expression or "")) for code, each in parameters.items()}
    return {
        code: replace(
            each,
            members=tuple(_members(each, parameters.values(), branches)),
            holder=_holder(each, parameters.values(), branches[code], branches),
        )
        for code, each in parameters.items()
    }


def _members(
    parameter: SearchParameter, others: Iterable[SearchParameter], branches: Mapping[str, frozenset[str]]
) -> Sequence[str]:
    """Return the codes of the parameters that together have exactly the values of this one; none if it has its own."""
    own = branches[parameter.code]
    parts = [other.code for other in others if _compares_as(other, parameter) and branches[other.code] < own]
    if parts and frozenset[str]().union(*[branches[code] for code in parts]) == own:
        return parts
    if parameter.type == "string":
        first = next(other.code for other in others if other.type == "string" and branches[other.code] == own)
        return (first,) if first != parameter.code else ()
    return ()


def _compares_as(one: SearchParameter, other: SearchParameter) -> bool:
    return one.type == other.type and [expression for _, expression in one.components] == [
        expression for _, expression in other.components
    ]


def _holder(
    parameter: SearchParameter,
    others: Iterable[SearchParameter],
    own: frozenset[str],
    branches: Mapping[str, frozenset[str]],
) -> str | None:
    """Return the code of the parameter with the same references of any type, if this one keeps those of one type."""
    if parameter.type != "reference" or len(parameter.targets) != 1 or not all(_RESOLVES in each for each in own):
        return None
    whole = frozenset(each.partition(_RESOLVES)[0] for each in own)
    return next(_codes(others, whole, branches), None)


def _codes(
    others: Iterable[SearchParameter], wanted: frozenset[str], branches: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    return (other.code for other in others if other.type == "reference" and branches[other.code] == wanted)
