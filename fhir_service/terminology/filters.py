"""The filters by which a value set picks codes of a code system that is here.

https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from collections.abc import Callable
from typing import Any

from fhir_service.fhir.fhirpath.error import FhirPathError
from fhir_service.fhir.fhirpath.regex import pattern
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.code_system import CodeSystem, values_of

Picks = Callable[[CodeSystem, str, str], frozenset[str] | None]
"""From a code system, a property and a value to the codes; None where that cannot be worked out."""

# https://hl7.org/fhir/R4/codesystem.html#defined-props
CONCEPT = frozenset({"concept", "code"})


MOST_EFFORT = 1_500_000
"""What all filters of one value set may take, about a microsecond each: others wait meanwhile."""

_TESTS = frozenset({"=", "regex", "in", "not-in", "exists"})
"""The operators that look at every concept; the others follow the hierarchy."""


class Effort:
    """What is left to the filters of one value set."""

    def __init__(self) -> None:
        self.left = MOST_EFFORT


def picked(system: CodeSystem, filter_: Resource, effort: Effort) -> frozenset[str] | None:
    """Return the codes that a filter picks, None if it is one that is not known here, not right, or too dear."""
    if effort.left < 0:
        return None
    match filter_:
        case {"property": str(name), "op": str(op), "value": str(value)} if op in OPERATORS:
            if op in _TESTS:
                effort.left -= _regex_effort(system, name, value) if op == "regex" else len(system.concepts) >> 2
            return OPERATORS[op](system, name, value) if effort.left >= 0 else None
        case _:
            return None


def _regex_effort(system: CodeSystem, name: str, expression: str) -> int:
    texts = [text for code, each in system.concepts.items() for text in _texts(system, code, each, name)]
    letters = sum(map(len, texts))
    try:
        size: int = pattern(expression).programsize
    except FhirPathError:
        return 0
    return 3 * len(texts) + (letters >> 5) + (letters * size >> 12)


def _texts(system: CodeSystem, code: str, concept: Resource, name: str) -> list[str]:
    """Return the values of a property, those that every system has among them."""
    if name in CONCEPT:
        return [code]
    if name == "display":
        return [concept["display"]] if isinstance(concept.get("display"), str) else []
    if name in ("parent", "child"):
        return list(system.links[0 if name == "parent" else 1].get(code, ()))
    return list(values_of(concept, name))


def _where(system: CodeSystem, name: str, test: Callable[[list[str]], Any]) -> frozenset[str]:
    return frozenset(code for code, each in system.concepts.items() if test(_texts(system, code, each, name)))


def _hierarchy(picks: Callable[[CodeSystem, str], frozenset[str]]) -> Picks:
    """Return a filter by place in the hierarchy; a code that the system has not is nobody's ancestor."""

    def run(system: CodeSystem, name: str, value: str) -> frozenset[str] | None:
        return picks(system, value) if name in CONCEPT and value in system.concepts else None

    return run


def _regex(system: CodeSystem, name: str, value: str) -> frozenset[str] | None:
    try:
        matches = pattern(value).fullmatch
    except FhirPathError:
        return None
    return _where(system, name, lambda texts: any(matches(text) for text in texts))


def _listed(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    listed = {each.strip() for each in value.split(",")}
    return _where(system, name, listed.intersection)


OPERATORS: dict[str, Picks] = {
    "=": lambda system, name, value: _where(system, name, lambda texts: value in texts),
    "is-a": _hierarchy(lambda system, code: system.below(code)),
    "descendent-of": _hierarchy(lambda system, code: system.below(code) - {code}),
    "is-not-a": _hierarchy(lambda system, code: system.codes - system.below(code)),
    "generalizes": _hierarchy(lambda system, code: system.above(code)),
    "regex": _regex,
    "in": _listed,
    "not-in": lambda system, name, value: system.codes - _listed(system, name, value),
    "exists": lambda system, name, value: _where(system, name, lambda texts: bool(texts) == (value == "true")),
}
