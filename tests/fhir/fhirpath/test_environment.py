"""What an evaluation asks of its surroundings: references, terminology, profiles, variables, traces."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Environment, FhirPathError, Item, Items

from .conftest import Evaluate

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
    "subject": {"reference": "Patient/1"},
    "performer": [{"type": "Organization", "identifier": {"value": "1"}}],
}


def test_resolve_asks_the_environment(evaluate: Evaluate) -> None:
    patient = {"resourceType": "Patient", "id": "1", "name": [{"family": "山田"}]}
    stored = Environment(resolve={"Patient/1": patient}.get)

    assert evaluate("subject.resolve().name.family", OBSERVATION, stored) == ["山田"]
    assert evaluate("performer.resolve()", OBSERVATION, stored) == []


def test_without_a_store_resolve_yields_what_the_reference_tells(evaluate: Evaluate) -> None:
    assert evaluate("subject.resolve() is Patient", OBSERVATION) == [True]
    assert evaluate("performer.where(resolve() is Organization).exists()", OBSERVATION) == [True]


def test_value_sets_and_subsumption_are_asked_for_and_empty_if_nobody_knows(evaluate: Evaluate) -> None:
    asked: list[tuple[str, str | None, str]] = []

    def member_of(code: str, system: str | None, value_set: str) -> bool | None:
        asked.append((code, system, value_set))
        return code == "final"

    knowing = Environment(member_of=member_of, subsumes=lambda system, a, b: a <= b)

    assert evaluate("status.memberOf('http://example.org/vs')", OBSERVATION, knowing) == [True]
    assert evaluate("code.memberOf('http://example.org/vs')", OBSERVATION, knowing) == [False]
    assert asked[-1] == ("8480-6", "http://loinc.org", "http://example.org/vs")
    assert evaluate("code.subsumes(code.coding)", OBSERVATION, knowing) == [True]
    assert evaluate("code.subsumedBy(code.coding) and code.memberOf('x')", OBSERVATION) == []


def test_profiles_are_asked_for_and_types_are_known(evaluate: Evaluate) -> None:
    base = "http://hl7.org/fhir/StructureDefinition/"
    strict = Environment(conforms_to=lambda resource, profile: False)

    assert evaluate(f"conformsTo('{base}Observation')", OBSERVATION) == [True]
    assert evaluate(f"conformsTo('{base}Patient')", OBSERVATION) == [False]
    assert evaluate(f"conformsTo('{base}bp')", OBSERVATION) == []
    assert evaluate(f"conformsTo('{base}bp')", OBSERVATION, strict) == [False]


def test_variables_come_from_the_caller_with_their_types(evaluate: Evaluate) -> None:
    given = Environment(
        variables={
            "n": 1,
            "d": Decimal("1.5"),
            "s": "a",
            "list": [1, 2],
            "date": Item("2020-01-01", "date"),
            "p": OBSERVATION,
        }
    )

    assert evaluate("%n + %d", None, given) == [Decimal("2.5")]
    assert evaluate("%list.count()", None, given) == [2]
    assert evaluate("%date < @2021", None, given) == [True]
    assert evaluate("%p.status & %s", None, given) == ["finala"]
    assert evaluate("%ucum | %`vs-name`", None, given) == [
        "http://unitsofmeasure.org",
        "http://hl7.org/fhir/ValueSet/name",
    ]


def test_resource_and_root_are_told_apart_for_contained_resources(definitions: Definitions) -> None:
    inner = {"resourceType": "Patient", "id": "in"}
    outer = {"resourceType": "Observation", "id": "out", "contained": [inner]}
    expression = fhirpath.compile("%resource.id | %rootResource.id | %context.id", definitions)

    items = expression.evaluate(inner, Environment(root=outer))

    assert [item.value for item in items] == ["in", "out"]


def test_trace_shows_what_goes_through(evaluate: Evaluate) -> None:
    seen: list[tuple[str, Items]] = []
    environment = Environment(trace=lambda name, items: seen.append((name, items)))

    result = evaluate("code.coding.trace('codes', code).system", OBSERVATION, environment)

    assert result == ["http://loinc.org"]
    assert [(name, [item.value for item in items]) for name, items in seen] == [("codes", ["8480-6"])]


def test_nobody_is_asked_the_time_that_the_environment_does_not_tell(evaluate: Evaluate) -> None:
    with pytest.raises(FhirPathError):
        evaluate("now()", OBSERVATION, Environment())


def test_html_checks_know_safe_narratives(evaluate: Evaluate) -> None:
    def checked(div: str) -> list[Any]:
        return evaluate("text.`div`.htmlChecks()", {"resourceType": "Patient", "text": {"div": div}})

    assert checked('<div xmlns="http://www.w3.org/1999/xhtml"><p>元気</p></div>') == [True]
    assert checked('<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>') == [False]
    assert checked("<div>") == [False]
