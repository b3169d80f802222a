"""Which questions are to be answered, as the answers to others say.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import Any

from fhir_service.fhir.fhirpath import ucum
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.dates import bounds

BY_EXPRESSION = frozenset(
    {
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression",
        "http://hl7.org/fhir/StructureDefinition/questionnaire-enableWhenExpression",
    }
)


class Trail:
    """Where in the response a question stands: what is nearest is asked first."""

    def __init__(self, here: Resource, above: Trail | None = None) -> None:
        self._here = here
        self._above = above

    def into(self, item: Resource) -> Trail:
        return Trail(item, self)

    def answers(self, link_id: str) -> list[Resource]:
        """Return the answers to a question: those nearest, where groups repeat."""
        trail: Trail | None = self
        while trail is not None:
            if found := trail._answers.get(link_id):
                return found
            trail = trail._above
        return []

    @cached_property
    def _answers(self) -> dict[str, list[Resource]]:
        """The answers below here, by linkId."""
        found: dict[str, list[Resource]] = {}
        pending = [self._here]
        while pending:
            holder = pending.pop()
            for item in holder.get("item", ()):
                answers = item.get("answer", ())
                found.setdefault(str(item.get("linkId")), []).extend(answers)
                pending += (item, *answers)
        return found


def is_enabled(question: Resource, trail: Trail) -> bool | None:
    """Whether a question is to be answered; None if that is said in a language that is not read here."""
    conditions = question.get("enableWhen")
    if not conditions:
        others = question.get("extension", ())
        return None if any(each.get("url") in BY_EXPRESSION for each in others) else True
    met = (_is_met(each, trail) for each in conditions)
    return any(met) if question.get("enableBehavior") == "any" else all(met)


def _is_met(condition: Resource, trail: Trail) -> bool:
    answers = trail.answers(str(condition.get("question")))
    operator = condition.get("operator")
    name, expected = value_of(condition, "answer")
    if operator == "exists":
        return bool(answers) == (expected is not False)
    if operator not in OPERATORS:
        return False
    for answer in answers:
        given_name, given = value_of(answer, "value")
        if given is not None and given_name == name and OPERATORS[operator](name, given, expected):
            return True
    return False


def value_of(holder: Resource, element: str) -> tuple[str, Any]:
    """Return the type name and value of a choice element (`Boolean`, True)."""
    for key, value in holder.items():
        if key.startswith(element) and key != element and key[len(element)].isupper():
            return key[len(element) :], value
    return "", None


def _same(name: str, given: Any, expected: Any) -> bool:
    """Codings are the same if system and code are; where one has no code, if the displays are."""
    match given, expected:
        case {"code": code}, {"code": other}:
            return bool(code == other and given.get("system") == expected.get("system"))
        case {"reference": reference}, {"reference": other}:
            return bool(reference == other)
        case _ if name == "Quantity":
            return _compared(name, given, expected, lambda order: order == 0)
        case dict(), dict():
            return bool(given.get("display") == expected.get("display"))
        case _:
            return bool(given == expected)


def _compared(name: str, given: Any, expected: Any, test: Callable[[int], bool]) -> bool:
    order = compare(name, given, expected)
    return order is not None and test(order)


def compare(name: str, given: Any, expected: Any) -> int | None:
    """Return which of two values of one type comes first (-1, 0, 1); None if that cannot be told."""
    match name:
        case "Integer" | "Decimal":
            return _order(given, expected)
        case "Date" | "DateTime" | "Instant":
            first, second = bounds(str(given)), bounds(str(expected))
            if first is None or second is None:
                return None
            return -1 if first[1] < second[0] else 1 if first[0] > second[1] else 0 if first == second else None
        case "Quantity":
            return _order(*_in_one_unit(given, expected))
        case _:
            return _order(str(given), str(expected)) if isinstance(given, str) and isinstance(expected, str) else None


def _order(first: Any, second: Any) -> int | None:
    return None if first is None or second is None else (first > second) - (first < second)


def _in_one_unit(first: Resource, second: Resource) -> tuple[Any, Any]:
    """Return two quantities as numbers of one unit, None for those that have none in common."""
    units = [(each.get("system"), each.get("code") or each.get("unit")) for each in (first, second)]
    values = [each.get("value") for each in (first, second)]
    if units[0] == units[1]:
        return values[0], values[1]
    known = [ucum.unit(str(code)) if system == ucum.SYSTEM else None for system, code in units]
    one, other = known
    if one is None or other is None or one.dimension != other.dimension:
        return None, None
    first_value, second_value = values
    if first_value is None or second_value is None:
        return None, None
    return Fraction(first_value) * one.factor + one.offset, Fraction(second_value) * other.factor + other.offset


# https://hl7.org/fhir/R4/valueset-questionnaire-enable-operator.html
OPERATORS: dict[str, Callable[[str, Any, Any], bool]] = {
    "=": _same,
    "!=": lambda name, given, expected: not _same(name, given, expected),
    ">": lambda name, given, expected: _compared(name, given, expected, lambda order: order > 0),
    "<": lambda name, given, expected: _compared(name, given, expected, lambda order: order < 0),
    ">=": lambda name, given, expected: _compared(name, given, expected, lambda order: order >= 0),
    "<=": lambda name, given, expected: _compared(name, given, expected, lambda order: order <= 0),
}
