import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.search.paths import split_union
from fhir_service.fhir.search.registry import SearchRegistry

# https://hl7.org/fhir/R4/search.html: what other mechanisms answer, or what has no expression
NO_INDEX = {"_text", "_content", "_query", "_filter", "age", "birthOrderBoolean"}


def test_every_parameter_of_r4_stands_on_each_of_its_types(definitions: Definitions, registry: SearchRegistry) -> None:
    missing = {
        (base, definition["code"])
        for definition in definitions.all("SearchParameter")
        for base in definition.get("base", ())
        if base in definitions.resource_types and definition["code"] not in registry.parameters(base)
    }

    assert {code for _, code in missing} <= NO_INDEX | {"participation-agreement"}


def test_a_type_has_the_parameters_of_every_resource(definitions: Definitions, registry: SearchRegistry) -> None:
    for resource_type in definitions.resource_types:
        inherited = {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"}
        assert inherited <= set(registry.parameters(resource_type))


@pytest.mark.parametrize(
    ("resource_type", "code", "expression"),
    [
        ("Patient", "birthdate", "Patient.birthDate"),
        ("Patient", "death-date", "Patient.deceased.ofType(dateTime)"),
        ("Patient", "deceased", "Patient.deceased.exists() and Patient.deceased != false"),
        ("Condition", "code", "Condition.code"),
        ("MedicationRequest", "code", "MedicationRequest.medication.ofType(CodeableConcept)"),
        ("Condition", "onset-date", "Condition.onset.ofType(dateTime) | Condition.onset.ofType(Period)"),
        (
            "Observation",
            "value-string",
            "Observation.value.ofType(string) | Observation.value.ofType(CodeableConcept).text",
        ),
        ("InsurancePlan", "name", "name | alias"),
    ],
)
def test_an_expression_is_cut_down_to_its_type(
    registry: SearchRegistry, resource_type: str, code: str, expression: str
) -> None:
    assert registry.parameters(resource_type)[code].expression == expression


@pytest.mark.parametrize(
    ("resource_type", "code", "targets"),
    [
        ("Observation", "subject", {"Patient", "Group", "Device", "Location"}),
        ("Observation", "patient", {"Patient"}),
        ("Encounter", "practitioner", {"Practitioner"}),
        ("Observation", "encounter", {"Encounter"}),
    ],
)
def test_targets_are_what_the_element_can_point_to(
    registry: SearchRegistry, resource_type: str, code: str, targets: set[str]
) -> None:
    assert set(registry.parameters(resource_type)[code].targets) == targets


def test_a_composite_knows_its_components(registry: SearchRegistry) -> None:
    composite = registry.parameters("Observation")["code-value-quantity"]

    assert composite.components == (("code", "code"), ("value-quantity", "value.ofType(Quantity)"))


def test_the_primary_date_is_a_date_parameter(definitions: Definitions, registry: SearchRegistry) -> None:
    dates = {each: registry.primary_date(each) for each in definitions.resource_types}

    assert (dates["Observation"], dates["Condition"], dates["Task"]) == ("date", "onset-date", "authored-on")
    assert dates["Patient"] is None
    assert all(registry.parameters(each)[code].type == "date" for each, code in dates.items() if code)


@pytest.mark.parametrize(
    ("expression", "branches"),
    [
        ("A.b | A.c", ["A.b", "A.c"]),
        ("(A.b as C) | A.d.where(x='|')", ["A.b.ofType(C)", "A.d.where(x='|')"]),
        ("A.where(b | c).d", ["A.where(b | c).d"]),
        ("A.b.as(C).text", ["A.b.ofType(C).text"]),
    ],
)
def test_a_union_is_split_at_its_own_bars_only(expression: str, branches: list[str]) -> None:
    assert split_union(expression) == branches


def test_a_parameter_that_says_what_others_say_stands_in_the_index_under_those(registry: SearchRegistry) -> None:
    observation, patient = registry.parameters("Observation"), registry.parameters("Patient")

    assert set(observation["combo-code"].stored) == {"code", "component-code"}
    assert set(observation["combo-code-value-quantity"].stored) == {
        "code-value-quantity",
        "component-code-value-quantity",
    }
    assert observation["code"].stored == ("code",)
    assert patient["phonetic"].stored == ("name",)
    assert observation["patient"].holder == "subject"
    assert observation["subject"].holder is None
