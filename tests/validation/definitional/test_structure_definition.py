"""StructureDefinitions: what they say fits what they are derived from, and can be read."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir.json import decode
from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import Told, told
from tests.validation.profile.conftest import element, profile


@pytest.mark.parametrize(("kind", "expected"), [("resource", []), ("complex-type", ["definition-kind"])])
def test_a_profile_is_of_the_kind_that_it_constrains(validator: Validator, kind: str, expected: list[str]) -> None:
    definition = {
        "resourceType": "StructureDefinition",
        "url": "http://example.jp/fhir/StructureDefinition/x",
        "name": "X",
        "status": "draft",
        "kind": kind,
        "abstract": False,
        "type": "Composition",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Composition",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Composition", "path": "Composition"}]},
    }

    assert [rule for rule, _, at in told(validator, definition) if at == "kind"] == expected


def test_the_constraints_of_a_structure_definition_can_be_read(validator: Validator) -> None:
    rule = {"key": "x-1", "severity": "error", "human": "?", "expression": "name.exists("}
    definition = profile("Patient", element("Patient.name", constraint=[rule]))

    assert told(validator, definition) == [("expression", "error", "differential.element[1].constraint[0].expression")]


def test_a_profile_of_a_type_is_of_that_type(validator: Validator) -> None:
    def of(code: str, canonical: str) -> Told:
        kind = [{"code": code, "profile": [f"http://hl7.org/fhir/StructureDefinition/{canonical}"]}]
        return told(validator, profile("Observation", element("Observation.value[x]", type=kind)))

    assert of("Quantity", "SimpleQuantity") == []
    assert of("Quantity", "Count") == [("definition", "error", "differential.element[1].type[0].profile[0]")]


def test_the_type_of_a_logical_model_is_a_url(validator: Validator) -> None:
    def model(kind: str) -> dict[str, Any]:
        base = "http://hl7.org/fhir/StructureDefinition/Element"
        return profile(kind, kind="logical", derivation="specialization", baseDefinition=base)

    assert ("definition", "error", "type") in told(validator, model("Visit"))
    assert ("definition", "error", "type") not in told(validator, model("https://example.jp/fhir/Visit"))


def test_a_profile_does_not_loosen_a_required_binding(validator: Validator) -> None:
    def bound(strength: str) -> Told:
        binding = {"strength": strength, "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}
        return told(validator, profile("Patient", element("Patient.gender", binding=binding)))

    assert bound("required") == []
    assert bound("example") == [("definition", "error", "StructureDefinition")]


@pytest.mark.parametrize(
    ("strength", "expected"),
    [("required", []), ("extensible", []), ("preferred", ["definition"]), ("example", ["definition"])],
)
def test_a_profile_does_not_loosen_an_extensible_binding(
    validator: Validator, strength: str, expected: list[str]
) -> None:
    binding = {"strength": strength, "valueSet": "http://hl7.org/fhir/ValueSet/marital-status"}

    assert rules(validator, profile("Patient", element("Patient.maritalStatus", binding=binding))) == expected


STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
GENDERS, STATUSES = (f"http://hl7.org/fhir/ValueSet/{name}" for name in ("administrative-gender", "observation-status"))


def rules(validator: Validator, definition: dict[str, Any]) -> list[str | None]:
    return [rule for rule, severity, _ in told(validator, definition) if severity == "error"]


def of_type(code: str, **more: Any) -> dict[str, Any]:
    return {"type": [{"code": code, **more}]}


def bound(value_set: str, strength: str = "required") -> dict[str, Any]:
    return {"binding": {"strength": strength, "valueSet": value_set}}


def rule(expression: str, key: str = "x-1") -> dict[str, Any]:
    return {"constraint": [{"key": key, "severity": "error", "human": "?", "expression": expression}]}


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("Patient.gender", {"fixedCode": "male"}, {"fixedString": "male"}),
        ("Patient.maritalStatus", {"patternCodeableConcept": {"text": "a"}}, {"patternCoding": {"code": "a"}}),
        ("Patient.birthDate", {"minValueDate": "2020-01-01"}, {"minValueDateTime": "2020-01-01T00:00:00Z"}),
        ("Patient.birthDate", {"maxValueDate": "2020-01-01"}, {"maxValueInteger": 1}),
        (
            "Patient.birthDate",
            {"example": [{"label": "a", "valueDate": "2020-01-01"}]},
            {"example": [{"label": "a", "valueString": "2020"}]},
        ),
        ("Patient.gender", bound(GENDERS), bound(STATUSES)),
        ("Patient.name.family", bound(GENDERS), bound("http://hl7.org/fhir/administrative-gender")),
        ("Patient.maritalStatus", bound(GENDERS), bound(f"{STRUCTURE}Patient")),
        (
            "Patient.managingOrganization",
            of_type("Reference", targetProfile=[f"{STRUCTURE}Organization"]),
            of_type("Reference", targetProfile=[f"{STRUCTURE}Medication"]),
        ),
        (
            "Patient.generalPractitioner",
            of_type("Reference", targetProfile=[f"{STRUCTURE}Practitioner"]),
            of_type("Reference", targetProfile=[f"{STRUCTURE}HumanName"]),
        ),
        ("Patient.name", rule("family.exists() or given.exists()"), rule("familyName.exists()")),
        ("Patient.name", rule("%resource.active"), rule("%patient.active")),
        ("Patient.name", rule("given.first() is string"), rule("given.first() is Text")),
        ("Patient.contact", rule("name.exists()"), rule("names.exists()")),
        ("Patient.birthDate", rule("$this <= today()"), rule("$this.before(today())")),
        ("Patient.contact", {"contentReference": "#Patient.contact"}, {"contentReference": "#Patient.contacts"}),
    ],
)
def test_what_is_said_of_an_element_fits_its_type(
    validator: Validator, path: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    assert rules(validator, profile("Patient", element(path, **good))) == []
    assert rules(validator, profile("Patient", element(path, **bad))) != []


@pytest.mark.parametrize(
    ("path", "bindable"), [("gender", True), ("active", False), ("contact", False), ("name", False)]
)
def test_a_value_set_is_bound_to_codes_only(validator: Validator, path: str, bindable: bool) -> None:
    found = rules(validator, profile("Patient", element(f"Patient.{path}", **bound(GENDERS))))

    assert found == ([] if bindable else ["definition"])


def test_the_elements_stand_in_the_order_of_the_base(validator: Validator) -> None:
    name, birth, family = (element(f"Patient.{each}") for each in ("name", "birthDate", "name.family"))

    assert rules(validator, profile("Patient", name, family, birth)) == []
    assert rules(validator, profile("Patient", birth, name)) == ["definition"]
    assert rules(validator, profile("Patient", family, name)) == ["definition"]


def test_slices_are_not_more_than_what_is_sliced(validator: Validator) -> None:
    slicing = {"discriminator": [{"type": "value", "path": "coding.code"}], "rules": "open"}
    slices = [element(f"Observation.category:{name}", min=1) for name in "ab"]

    for most, expected in (("2", []), ("1", ["definition"])):
        sliced = element("Observation.category", slicing=slicing, max=most)
        assert rules(validator, profile("Observation", sliced, *slices)) == expected


def test_a_rule_has_a_key_of_its_own(validator: Validator) -> None:
    name, birth = element("Patient.name", **rule("family.exists()")), element("Patient.birthDate")

    assert (
        rules(validator, profile("Patient", name, birth | rule("family.exists()", "x-2") | rule("true", "x-2"))) == []
    )
    assert rules(validator, profile("Patient", name, birth | rule("$this <= today()"))) == ["definition"]


def test_a_profile_is_of_the_type_of_its_base(validator: Validator) -> None:
    base = f"{STRUCTURE}Patient"

    assert "definition" in rules(validator, profile("Observation", baseDefinition=base))
    assert rules(validator, profile("Patient", baseDefinition=base)) == []


def test_that_a_base_is_not_here_is_said(validator: Validator) -> None:
    definition = profile("Patient", baseDefinition="https://example.jp/fhir/StructureDefinition/none")

    assert told(validator, definition) == [("definition", "warning", "baseDefinition")]


URL = "https://example.jp/fhir/StructureDefinition/ext"


@pytest.mark.parametrize(
    ("fixed", "context", "expected"),
    [
        (URL, ("element", "Patient.contact.name"), []),
        (URL, ("element", "Observation.value[x]"), []),
        (URL, ("element", "https://example.jp/fhir/StructureDefinition/other"), []),
        (URL, ("fhirpath", "Patient.name.where(use = 'official')"), []),
        (f"{URL}2", ("element", "Patient"), ["definition"]),
        (URL, ("element", "Patient.names"), ["definition"]),
        (URL, ("element", "Person2"), ["definition"]),
        (URL, ("fhirpath", "Patient.("), ["expression"]),
        (URL, ("extension", "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"), []),
        (URL, ("extension", "https://example.jp/fhir/StructureDefinition/other"), []),
        (URL, ("extension", "other"), ["definition"]),
        (URL, ("extension", "http://hl7.org/fhir/StructureDefinition/Patient"), ["definition"]),
    ],
)
def test_an_extension_has_its_own_url_and_contexts_that_there_are(
    validator: Validator, fixed: str, context: tuple[str, str], expected: list[str]
) -> None:
    kind, expression = context
    definition = profile(
        "Extension",
        element("Extension.url", fixedUri=fixed),
        url=URL,
        context=[{"type": kind, "expression": expression}],
    )

    assert rules(validator, definition) == expected


def test_only_an_extension_has_contexts(validator: Validator) -> None:
    definition = profile("Patient", context=[{"type": "element", "expression": "Patient"}])

    assert "definition" in rules(validator, definition)


@pytest.fixture(scope="module")
def official(r4_examples: Path) -> dict[str, Any]:
    """The definition of Patient as HL7 has published it, with its prose."""
    return decode((r4_examples / "StructureDefinition-Patient.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("Patient.birthDate", {"max": "*"}),
        ("Patient.deceased[x]", {"type": [{"code": "boolean"}]}),
        ("Patient.gender", {"binding": {"strength": "example"}}),
        ("Patient.contact", {"constraint": [{"key": "x-1", "severity": "error", "human": "?"}]}),
        ("Patient.contact", None),
    ],
)
def test_a_snapshot_is_what_its_differential_makes(
    validator: Validator, official: dict[str, Any], name: str, changed: dict[str, Any] | None
) -> None:
    definition = deepcopy(official)
    elements = definition["snapshot"]["element"]
    place = next(index for index, each in enumerate(elements) if each["id"] == name)
    if changed is None:
        del elements[place]
    else:
        elements[place] |= changed

    assert rules(validator, official) == []
    assert "definition-snapshot" in rules(validator, definition)


def test_a_known_definition_is_judged_by_what_is_given(validator: Validator, official: dict[str, Any]) -> None:
    definition = deepcopy(official)
    definition["differential"]["element"][1]["path"] = "Patient.name.nick"
    definition["differential"]["element"][1]["id"] = "Patient.name.nick"

    assert rules(validator, definition) != []


def test_a_snapshot_has_the_elements_of_its_base_in_their_order(validator: Validator, official: dict[str, Any]) -> None:
    strange, moved = deepcopy(official), deepcopy(official)
    elements = strange["snapshot"]["element"]
    elements.append(elements[-1] | {"id": "Patient.nickname", "path": "Patient.nickname"})
    moved["snapshot"]["element"].append(moved["snapshot"]["element"].pop(5))

    assert rules(validator, strange) == rules(validator, moved) == ["definition-snapshot"]


@pytest.mark.parametrize(
    ("id_", "more", "expected"),
    [
        ("Observation.category", {"path": "Observation.category"}, []),
        ("Observation.value[x]:valueQuantity", {"path": "Observation.valueQuantity"}, []),
        ("Observation.category", {"path": "Observation.code"}, ["definition"]),
        ("Observation.category.id", {"path": "Observation.category"}, ["definition"]),
        ("Observation.value[x]:a", {"path": "Observation.value[x]", "sliceName": "b"}, ["definition"]),
    ],
)
def test_the_id_of_an_element_is_that_of_its_path_and_slice(
    validator: Validator, id_: str, more: dict[str, Any], expected: list[str]
) -> None:
    found = told(validator, profile("Observation", {"id": id_, **more}))

    assert [rule for rule, _, at in found if at.endswith(".id")] == expected


@pytest.mark.parametrize(
    ("expression", "good"),
    [
        ("family.exists()", True),
        ("family = 'a' or given.empty()", True),
        ("iif(family.exists(), true, false)", True),
        ("'a'", False),
        ("given.count()", False),
        ("family", False),
    ],
)
def test_a_rule_answers_yes_or_no(validator: Validator, expression: str, good: bool) -> None:
    definition = profile("Patient", element("Patient.name", **rule(expression)))

    assert rules(validator, definition) == ([] if good else ["expression-element"])


def test_an_extension_cannot_need_both_a_value_and_extensions(validator: Validator) -> None:
    def extension(least: int) -> list[str | None]:
        context = [{"type": "element", "expression": "Patient"}]
        parts, value = element("Extension.extension", min=least), element("Extension.value[x]", min=1)
        return rules(validator, profile("Extension", parts, value, context=context))

    assert extension(0) == []
    assert extension(1) == ["definition"]


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("a", {"type": [{"code": "string"}]}, []),
        ("a[x]", {"type": [{"code": "string"}, {"code": "integer"}]}, []),
        ("a", {"contentReference": "#Visit"}, []),
        ("a", {"type": [{"code": "https://example.jp/fhir/Other"}]}, []),
        ("a", {}, ["definition"]),
        ("a", {"type": [{"code": "Sting"}]}, ["definition"]),
        ("a", {"type": [{"code": "string"}], "min": None}, ["definition"]),
        ("a", {"type": [{"code": "string"}, {"code": "integer"}]}, ["definition"]),
        ("a.b", {"type": [{"code": "string"}]}, ["definition"]),
    ],
)
def test_an_element_of_a_logical_model_says_what_it_is(
    validator: Validator, name: str, said: dict[str, Any], expected: list[str]
) -> None:
    new = element(f"Visit.{name}") | {"min": 0, "max": "1", "definition": "x"} | said
    kind = {"kind": "logical", "derivation": "specialization", "type": "https://example.jp/fhir/Visit"}
    model = profile("Visit", {key: value for key, value in new.items() if value is not None}, **kind)

    assert rules(validator, model | {"baseDefinition": f"{STRUCTURE}Element"}) == expected


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        ("Patient.gender", {"fixedCode": "male"}, []),
        ("Patient.gender", {"fixedCode": "boy"}, ["definition"]),
        ("Patient.gender", {"patternCode": "boy"}, ["definition"]),
        ("Patient.birthDate", {"minValueDate": "2000-01-01", "maxValueDate": "2030-01-01"}, []),
        ("Patient.birthDate", {"minValueDate": "2030-01-01", "maxValueDate": "2000-01-01"}, ["definition"]),
        ("Patient.birthDate", {"minValueDate": "2020-01-01", "fixedDate": "2010-01-01"}, ["definition"]),
        ("Patient.language", {"maxLength": 5, "fixedCode": "ja-JP"}, []),
        ("Patient.language", {"maxLength": 2, "fixedCode": "ja-JP"}, ["definition"]),
        ("Patient.birthDate", {"isModifier": True, "isModifierReason": "?"}, ["definition"]),
        ("Patient.active", {"isSummary": False}, ["definition"]),
        ("Patient.active", {"isSummary": True, "isModifier": True, "isModifierReason": "?"}, []),
        ("Patient.contact", rule("name.exists()", "pat-1"), ["definition"]),
        ("Patient.contact", rule("name.exists()", "pat-9"), []),
    ],
)
def test_a_profile_changes_only_what_it_may_and_leaves_some_value(
    validator: Validator, path: str, said: dict[str, Any], expected: list[str]
) -> None:
    assert rules(validator, profile("Patient", element(path, **said))) == expected


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("NutritionOrder.extension:a", "request-insurance", []),
        ("NutritionOrder.extension:a", "request-doNotPerform", ["definition"]),
        ("NutritionOrder.modifierExtension:a", "request-doNotPerform", []),
        ("NutritionOrder.modifierExtension:a", "request-insurance", ["definition"]),
    ],
)
def test_an_extension_stands_where_it_modifies_or_not(
    validator: Validator, path: str, name: str, expected: list[str]
) -> None:
    kind = [{"code": "Extension", "profile": [f"{STRUCTURE}{name}"]}]

    assert rules(validator, profile("NutritionOrder", element(path, type=kind))) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"contextInvariant": ["name.exists("]}, ["expression"]),
        ({"mapping": [{"identity": "v2", "name": "v2"}]}, []),
    ],
)
def test_an_extension_that_has_an_invariant_of_its_place_can_be_read(
    validator: Validator, change: dict[str, Any], expected: list[str]
) -> None:
    mapped = [
        element("Extension.url", fixedUri=URL, mapping=[{"identity": "v2", "map": "x"}] if "mapping" in change else [])
    ]
    parts = [{key: value for key, value in each.items() if value != []} for each in mapped]
    context = [{"type": "element", "expression": "Patient"}]

    assert rules(validator, profile("Extension", *parts, url=URL, context=context, **change)) == expected


def test_a_mapping_is_to_what_the_definition_declares(validator: Validator) -> None:
    definition = profile("Patient", element("Patient.name", mapping=[{"identity": "v2", "map": "PID-5"}]))

    assert rules(validator, definition) == ["definition-name"]
    assert rules(validator, definition | {"mapping": [{"identity": "v2", "name": "v2"}]}) == []


def test_the_url_of_an_extension_is_fixed(validator: Validator) -> None:
    context = [{"type": "element", "expression": "Patient"}]
    definition = profile("Extension", element("Extension.url", patternUri="https://example.jp/x"), context=context)

    assert rules(validator, definition) == ["definition"]


def test_what_is_derived_says_how(validator: Validator) -> None:
    definition = profile("Patient")
    unsaid = {key: value for key, value in definition.items() if key != "derivation"}

    assert rules(validator, unsaid) == ["definition"]
    assert "definition" in rules(validator, definition | {"derivation": "specialization"})


def test_slices_of_a_choice_are_not_all_needed(validator: Validator) -> None:
    def both(least: int) -> list[str | None]:
        parts = [
            element(f"Observation.value[x]:value{code}", min=low, type=[{"code": code}])
            for code, low in (("Quantity", 1), ("Range", least))
        ]
        return rules(validator, profile("Observation", *parts))

    assert both(0) == []
    assert set(both(1)) == {"definition"}


@pytest.mark.parametrize(
    ("url", "severity"),
    [("Patient", "error"), ("http://hl7.org/fhir/StructureDefinition/Patient|4.0.1", "warning")],
)
def test_a_url_by_which_another_definition_is_found_is_told_of(validator: Validator, url: str, severity: str) -> None:
    told = validator.check(profile("Patient", element("Patient.name", min=1), url=url))

    assert [(each.rule, each.severity) for each in told if each.rule == "canonical"] == [("canonical", severity)]


def test_a_type_whose_extension_has_no_value_is_told_of(validator: Validator) -> None:
    extension = {"url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"}
    system = {"code": "http://hl7.org/fhirpath/System.String", "extension": [extension]}

    assert "ext-1" in rules(validator, profile("Patient", element("Patient.id", type=[system])))
