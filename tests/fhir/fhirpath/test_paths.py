"""Walking over resources: elements, choices, types, primitives with extensions."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_service.fhir import fhirpath
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import FhirPathError, Item

from .conftest import Evaluate

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"lastUpdated": "2026-11-22T23:38:21.123+09:00"},
    "active": True,
    "name": [
        {"use": "official", "family": "山田", "given": ["太郎", "次郎"], "_given": [None, {"id": "second"}]},
        {"use": "usual", "text": "やまだ"},
    ],
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "http://example.org/time", "valueDateTime": "1974-12-25T14:35:45+09:00"}]},
    "_gender": {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]},
    "deceasedDateTime": "2020-01-01",
    "contact": [{"name": {"family": "山田"}, "gender": "female"}],
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "保健所"}],
    "managingOrganization": {"reference": "#o1"},
    "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "http://example.org/fhir/Organization/2"}],
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "valueQuantity": {"value": Decimal("185.0"), "system": "http://unitsofmeasure.org", "code": "[lb_av]"},
    "component": [{"valueString": "a"}, {"valueQuantity": {"value": 1}}],
}


@pytest.mark.parametrize("context_type", [None, "Patient"])
@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("Patient.name.family", ["山田"]),
        ("name.given", ["太郎", "次郎"]),
        ("Resource.id", ["p1"]),
        ("DomainResource.contained.name", ["保健所"]),
        ("Resource.meta.lastUpdated", ["2026-11-22T23:38:21.123+09:00"]),
        ("Encounter.status", []),
        ("Patient.deceased", ["2020-01-01"]),
        ("(Patient.deceased as dateTime)", ["2020-01-01"]),
        ("(Patient.deceased as boolean)", []),
        ("Patient.deceased.ofType(dateTime)", ["2020-01-01"]),
        ("Patient.deceased.exists() and Patient.deceased != false", [True]),
        ("contact.name.family | name.family", ["山田"]),
        ("name[1].text", ["やまだ"]),
        ("name[5].text", []),
        ("unknown.element", []),
        ("gender", [None]),
        ("gender.exists()", [True]),
        ("gender.hasValue()", [False]),
        ("gender.extension('http://example.org/absent').value", ["unknown"]),
        ("birthDate.extension.value", ["1974-12-25T14:35:45+09:00"]),
        ("name.given[1].id", ["second"]),
        ("name.where(use = 'usual').text", ["やまだ"]),
        ("managingOrganization.resolve().name", ["保健所"]),
        ("generalPractitioner.where(resolve() is Practitioner).reference", ["Practitioner/1"]),
        ("generalPractitioner.resolve().ofType(Organization).id", ["2"]),
    ],
)
def test_a_path_finds_what_the_resource_says(
    evaluate: Evaluate, expression: str, values: list[Any], context_type: str | None
) -> None:
    assert evaluate(expression, PATIENT, context_type=context_type) == values


@pytest.mark.parametrize("context_type", [None, "Observation"])
def test_a_choice_is_read_by_its_name_without_the_type(evaluate: Evaluate, context_type: str | None) -> None:
    def value(expression: str) -> list[Any]:
        return evaluate(expression, OBSERVATION, context_type=context_type)

    assert value("Observation.value.value") == [Decimal("185.0")]
    assert value("(Observation.value as Quantity).code") == ["[lb_av]"]
    assert value("Observation.valueQuantity") == []
    assert value("(Observation.component.value as string)") == ["a"]
    assert value("component.value.ofType(Quantity).value") == [1]
    assert value("value = 185 '[lb_av]'") == [True]


def test_items_know_their_types(definitions: Definitions) -> None:
    items = fhirpath.compile("id | name[0] | name.given | contact | contained | 1", definitions).evaluate(PATIENT)

    assert [item.type for item in items] == [
        "id", "HumanName", "string", "string", "Patient.contact", "Organization", "System.Integer",
    ]  # fmt: skip


def test_primitives_of_fhir_are_system_values_to_operators_and_what_they_are_to_is(evaluate: Evaluate) -> None:
    assert evaluate("birthDate = @1974-12-25", PATIENT) == [True]
    assert evaluate("birthDate < today()", PATIENT) == [True]
    assert evaluate("active is boolean", PATIENT) == [True]
    assert evaluate("active.is(Boolean)", PATIENT) == [False]
    assert evaluate("active is Boolean", PATIENT) == [True], "as R4's invariant que-7 has it"
    assert evaluate("birthDate.getValue().type().name", PATIENT) == ["Date"]
    assert evaluate("Patient is DomainResource", PATIENT) == [True]


def test_an_expression_can_be_evaluated_on_an_element(definitions: Definitions) -> None:
    expression = fhirpath.compile("family.exists() or text.exists()", definitions, context_type="HumanName")

    items = [expression.evaluate(Item(name, "HumanName")) for name in PATIENT["name"]]

    assert [[item.value for item in each] for each in items] == [[True], [True]]


def test_an_expression_compiled_for_one_type_is_not_for_another(definitions: Definitions) -> None:
    expression = fhirpath.compile("name", definitions, context_type="Patient")

    with pytest.raises(FhirPathError):
        expression.evaluate(OBSERVATION)


@pytest.mark.parametrize(
    "expression",
    [
        "name.given1",
        "Encounter.status",
        "Patient.valueString",
        "children().skip(1)",
        "identifier.startsWith('a')",
        "iif('a', 1, 2)",
        "(deceased as boolean).start",
    ],
)
def test_strict_mode_refuses_what_can_never_be_right(evaluate: Evaluate, expression: str) -> None:
    with pytest.raises(FhirPathError) as caught:
        evaluate(expression, PATIENT, context_type="Patient", strict=True)

    assert caught.value.status == 400


def test_json_of_the_wrong_shape_is_passed_over(evaluate: Evaluate) -> None:
    broken: dict[str, Any] = {
        "resourceType": "Patient",
        "name": [5, "x", {"family": ["a", {"b": 1}], "given": [1, True, "g"]}, [[]]],
        "active": "true",
        "birthDate": 1974,
        "contact": "none",
        "_gender": "male",
    }

    assert evaluate("name.family | name.given", broken) == ["a", "g"]
    assert evaluate("active | birthDate | contact | gender", broken) == []
    assert evaluate("descendants().count() > 0", broken) == [True]
