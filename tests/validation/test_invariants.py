"""Every invariant of R4 is asked, and broken by a resource made for it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions, Element
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.validation.broken import BROKEN, DIV, UNBREAKABLE, WARNED, X

PLAIN: dict[str, Any] = {
    "string": "x", "markdown": "x", "code": "x", "id": "x", "uri": X, "url": X, "canonical": X, "boolean": False,
    "integer": 1, "positiveInt": 1, "unsignedInt": 1, "decimal": 1, "date": "2020-01-01", "dateTime": "2020-01-01",
    "instant": "2020-01-01T00:00:00Z", "base64Binary": "AAAA", "xhtml": DIV.format("x"), "Reference": {"display": "x"},
    "CodeableConcept": {"text": "x"}, "Coding": {"system": X, "code": "x"}, "Identifier": {"value": "x"},
    "Quantity": {"value": 1}, "Period": {"start": "2020"}, "Expression": {"language": "text/cql", "expression": "x"},
}  # fmt: skip
CODES = (
    "draft", "active", "final", "unknown", "completed", "planned", "proposed", "order", "generated", "complete",
    "working", "individual", "collection", "original", "server", "json", "4.0.1", "instance", "type", "in", "C",
    "number", "notification", "Patient", "codesystem", "person", "permit", "transaction", "everyone", "pass",
    "summary", "a", "benefits", "outcome", "initial-population", "bool", "is-a", "equals", "literal",
    "not-present", "required", "string", "partial", "optional", "success", "source", "always", "1", "accepted",
    "current", "identifier", "uri", "operation", "resource", "none", "named-event", "produce",
)  # fmt: skip


# What a test script does in `test` and `teardown` refers to what it does in `setup`, whose rules say the same in other
# names; what is no XHTML of R4 is told by what it is.
TOLD_AS: dict[str, str | None] = {
    "tst-6": "tst-5", "tst-8": "tst-7", "tst-9": "tst-7", "tst-11": "tst-10", "tst-13": "tst-12", "txt-1": None
}  # fmt: skip

Told = Callable[[Resource], dict[str | None, str]]


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


@pytest.fixture(scope="module")
def told(definitions: Definitions) -> Told:
    """Validates a resource, with what its types require: the severity of each rule that it breaks."""
    terminology = LoadedTerminology(definitions)
    validator = Validator(definitions, terminology, extra=RULES)
    complete = Completion(definitions, terminology)

    def told(resource: Resource) -> dict[str | None, str]:
        whole = complete(resource, resource["resourceType"])
        return {each.rule: each.severity for each in validator.check(whole)}

    return told


class Completion:
    """Adds to a value what its type requires beside what is there; `None` stands for what is to be absent."""

    def __init__(self, definitions: Definitions, terminology: LoadedTerminology) -> None:
        self._definitions = definitions
        self._terminology = terminology

    def __call__(self, value: Any, code: str) -> Any:
        if not isinstance(value, dict):
            return value
        type_ = self._definitions.type(value.get("resourceType", code) if code == "Resource" else code)
        whole = {name: self._inside(each, type_.by_json.get(name)) for name, each in value.items()}
        for element in type_.elements:
            names = [name for name, (other, _) in type_.by_json.items() if other == element]
            if element.min and not any(name in whole for name in names):
                made = self._made(element, element.types[0])
                whole[names[0]] = [made] * element.min if element.repeats else made
        return {name: each for name, each in whole.items() if each is not None}

    def _inside(self, value: Any, known: tuple[Element, str] | None) -> Any:
        if known is None:
            return value
        if isinstance(value, list):
            return [self(each, known[1]) for each in value]
        return self(value, known[1])

    def _made(self, element: Element, code: str) -> Any:
        if code == "code" and element.value_set is not None:
            return next(each for each in CODES if self._terminology.contains(element.value_set, None, each))
        return PLAIN[code] if code in PLAIN else self({}, code)


@pytest.mark.parametrize("key", sorted(BROKEN))
def test_an_invariant_of_r4_that_is_broken_is_told(told: Told, key: str) -> None:
    severity = "warning" if key in WARNED else "error"

    assert told(BROKEN[key]).get(TOLD_AS.get(key, key)) == severity


def test_every_invariant_of_r4_has_a_resource_that_breaks_it(definitions: Definitions) -> None:
    assert set(_keys(definitions)) == set(BROKEN) | UNBREAKABLE


def _keys(definitions: Definitions) -> Iterator[str]:
    for resource_type in definitions.resource_types:
        for code in {resource_type, *_inside(definitions, resource_type, set())}:
            for element in (definitions.find(TYPE_BASE + code) or {})["snapshot"]["element"]:
                yield from (each["key"] for each in element.get("constraint", ()))


def _inside(definitions: Definitions, name: str, seen: set[str]) -> Iterator[str]:
    """Give the data types that stand in a type, however deep."""
    for code in {code for element in definitions.type(name).elements for code in element.types} - seen:
        seen.add(code)
        if definitions.has_type(code):
            if "." not in code:
                yield code
            yield from _inside(definitions, code, seen)
