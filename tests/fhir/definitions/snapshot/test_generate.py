"""Snapshots generated from differentials: https://hl7.org/fhir/R4/profiling.html#snapshot."""

from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions, Snapshot
from fhir_service.fhir.resource import Resource

from .conftest import BASE, TYPES, Define, element, profile


def generated(definitions: Definitions, name: str) -> Snapshot:
    snapshot = definitions.snapshot(BASE + name)
    assert snapshot is not None and snapshot.generated
    return snapshot


def by_id(snapshot: Snapshot) -> dict[str, Resource]:
    return {each["id"]: each for each in snapshot.elements}


def codes(element: Resource) -> list[str]:
    return [each["code"] for each in element["type"]]


def by(kind: str, path: str, **more: Any) -> Resource:
    return {"discriminator": [{"type": kind, "path": path}], "rules": "open"} | more


def test_an_element_has_what_its_profile_says_and_all_that_is_inherited(define: Define) -> None:
    must = {"key": "own-1", "severity": "error", "human": "…", "expression": "true"}
    definitions = define(profile("p", element("Patient.name", min=1, mustSupport=True, constraint=[must])))

    snapshot = generated(definitions, "p")
    name = by_id(snapshot)["Patient.name"]

    assert (name["min"], name["max"], name["mustSupport"], codes(name)) == (1, "*", True, ["HumanName"])
    assert [each["key"] for each in name["constraint"]] == ["ele-1", "own-1"]
    assert name["constraint"][1]["source"] == f"{BASE}p"
    assert len(snapshot.elements) == len(definitions.snapshot("Patient").elements)  # type: ignore[union-attr]
    assert not snapshot.issues


def test_a_rule_that_is_inherited_cannot_be_changed(define: Define) -> None:
    strict = {"key": "own-1", "severity": "error", "human": "…", "expression": "false"}
    definitions = define(
        profile("below", element("Patient", constraint=[strict])),
        profile(
            "above", element("Patient", constraint=[strict | {"expression": "true"}]), base=f"{BASE}below", of="Patient"
        ),
    )

    rules = {
        each["key"]: each["expression"] for each in by_id(generated(definitions, "above"))["Patient"]["constraint"]
    }

    assert rules["own-1"] == "false"


def test_a_profile_on_a_profile_has_what_both_say(define: Define) -> None:
    definitions = define(
        profile("below", element("Patient.name", min=1)),
        profile("above", element("Patient.name", max="1"), base=f"{BASE}below", of="Patient"),
    )

    name = by_id(generated(definitions, "above"))["Patient.name"]

    assert (name["min"], name["max"]) == (1, "1")


def test_a_child_of_a_data_type_brings_its_siblings(define: Define) -> None:
    snapshot = generated(define(profile("p", element("Patient.name.family", min=1))), "p")

    children = [each["id"] for each in snapshot.elements if each["id"].startswith("Patient.name.")]

    assert children[:3] == ["Patient.name.id", "Patient.name.extension", "Patient.name.use"]
    assert by_id(snapshot)["Patient.name.family"]["min"] == 1


def test_a_slice_has_what_the_sliced_element_has_but_how_many_there_must_be(define: Define) -> None:
    snapshot = generated(
        define(
            profile(
                "p",
                element("Patient.identifier", slicing=by("value", "system"), min=1),
                element("Patient.identifier.system", min=1),
                element("Patient.identifier:mrn", max="1"),
                element("Patient.identifier:mrn.system", fixedUri="urn:mrn"),
            )
        ),
        "p",
    )
    elements = by_id(snapshot)

    assert (elements["Patient.identifier:mrn"]["min"], elements["Patient.identifier:mrn"]["max"]) == (0, "1")
    assert "slicing" not in elements["Patient.identifier:mrn"]
    assert elements["Patient.identifier:mrn.system"] == elements["Patient.identifier:mrn.system"] | {
        "path": "Patient.identifier.system",
        "min": 1,
        "fixedUri": "urn:mrn",
    }


def test_a_slice_of_a_slice_follows_it_and_has_what_it_has(define: Define) -> None:
    snapshot = generated(
        define(
            profile(
                "p",
                element("Patient.identifier", slicing=by("value", "system")),
                element("Patient.identifier:a", max="1", slicing=by("value", "use")),
                element("Patient.identifier:a.system", patternUri="urn:a"),
                element("Patient.identifier:b"),
                element("Patient.identifier:a/official"),
                element("Patient.identifier:a/official.use", fixedCode="official"),
            )
        ),
        "p",
    )

    slices = [each["id"] for each in snapshot.elements if each["path"] == "Patient.identifier"]

    assert slices == [
        "Patient.identifier", "Patient.identifier:a", "Patient.identifier:a/official", "Patient.identifier:b",
    ]  # fmt: skip
    assert by_id(snapshot)["Patient.identifier:a/official.system"]["patternUri"] == "urn:a"


def test_a_differential_without_ids_is_read_by_its_order(define: Define) -> None:
    snapshot = generated(
        define(
            profile(
                "p",
                {"path": "Patient.identifier", "slicing": by("value", "system")},
                {"path": "Patient.identifier", "sliceName": "mrn", "min": 1},
                {"path": "Patient.identifier.system", "fixedUri": "urn:mrn"},
                {"path": "Patient.active", "min": 1},
            )
        ),
        "p",
    )

    assert by_id(snapshot)["Patient.identifier:mrn.system"]["fixedUri"] == "urn:mrn"
    assert by_id(snapshot)["Patient.active"]["min"] == 1


def test_the_short_name_of_a_choice_closes_it_to_that_type(define: Define) -> None:
    snapshot = generated(
        define(profile("p", element("Observation.valueQuantity.value", min=1), base="Observation")), "p"
    )
    elements = by_id(snapshot)

    assert codes(elements["Observation.value[x]"]) == ["Quantity"]
    assert elements["Observation.value[x]"]["slicing"]["rules"] == "closed"
    assert elements["Observation.value[x]:valueQuantity.value"]["min"] == 1
    assert elements["Observation.value[x]:valueQuantity.value"]["path"] == "Observation.value[x].value"


def test_a_choice_sliced_by_type_stays_open_to_the_others(define: Define) -> None:
    snapshot = generated(
        define(
            profile(
                "p",
                element("Observation.value[x]:valueQuantity", max="1"),
                element("Observation.value[x]:valueQuantity.unit", min=1),
                base="Observation",
            )
        ),
        "p",
    )
    elements = by_id(snapshot)

    assert elements["Observation.value[x]"]["slicing"]["discriminator"] == [{"type": "type", "path": "$this"}]
    assert elements["Observation.value[x]"]["slicing"]["rules"] == "open"
    assert len(codes(elements["Observation.value[x]"])) > 5
    assert codes(elements["Observation.value[x]:valueQuantity"]) == ["Quantity"]


def test_a_short_name_under_a_slicing_that_is_open_leaves_it_open(define: Define) -> None:
    snapshot = generated(
        define(
            profile(
                "p",
                {"path": "Observation.value[x]", "slicing": by("type", "$this")},
                {"path": "Observation.valueQuantity", "sliceName": "valueQuantity", "max": "1"},
                {"path": "Observation.valueQuantity.unit", "min": 1},
                {"path": "Observation.valueCodeableConcept", "sliceName": "valueCodeableConcept", "max": "1"},
                base="Observation",
            )
        ),
        "p",
    )
    elements = by_id(snapshot)

    assert elements["Observation.value[x]"]["slicing"]["rules"] == "open"
    assert len(codes(elements["Observation.value[x]"])) > 5
    assert elements["Observation.value[x]:valueQuantity.unit"]["min"] == 1
    assert codes(elements["Observation.value[x]:valueCodeableConcept"]) == ["CodeableConcept"]


def test_a_choice_narrowed_to_one_type_has_its_children(define: Define) -> None:
    snapshot = generated(
        define(
            profile(
                "p",
                element("Observation.value[x]", type=[{"code": "CodeableConcept"}]),
                element("Observation.value[x].coding", min=1),
                base="Observation",
            )
        ),
        "p",
    )

    assert by_id(snapshot)["Observation.value[x].coding"]["min"] == 1


def test_a_child_that_some_types_of_a_choice_have_is_one_of_the_choice(define: Define) -> None:
    snapshot = generated(
        define(profile("p", element("Observation.value[x].value", maxValueDecimal=100), base="Observation")), "p"
    )

    assert not snapshot.issues
    value = by_id(snapshot)["Observation.value[x].value"]
    assert (codes(value), value["maxValueDecimal"]) == (["decimal"], 100)


def test_a_content_reference_is_unfolded_into_what_it_names(define: Define) -> None:
    snapshot = generated(
        define(profile("p", element("Questionnaire.item.item.linkId", maxLength=10), base="Questionnaire")), "p"
    )
    elements = by_id(snapshot)

    assert elements["Questionnaire.item.item.linkId"]["maxLength"] == 10
    assert "maxLength" not in elements["Questionnaire.item.linkId"]
    assert "contentReference" not in elements["Questionnaire.item.item"]
    assert elements["Questionnaire.item.item.item"]["contentReference"] == "#Questionnaire.item"


def test_the_slice_of_an_extension_is_told_by_url_and_unfolds_into_its_profile(define: Define) -> None:
    extension = profile(
        "reading",
        element("Extension", short="ふりがな"),
        element("Extension.url", fixedUri=f"{BASE}reading"),
        element("Extension.value[x]", min=1, type=[{"code": "string"}]),
        base="Extension",
        kind="complex-type",
        context=[{"type": "element", "expression": "Patient"}],
    )
    patient = profile(
        "p",
        element("Patient.extension:reading", max="1", type=[{"code": "Extension", "profile": [f"{BASE}reading"]}]),
        element("Patient.extension:reading.value[x]", maxLength=40),
    )
    definitions = define(extension, patient)
    elements = by_id(generated(definitions, "p"))

    assert elements["Patient.extension"]["slicing"]["discriminator"] == [{"type": "value", "path": "url"}]
    assert elements["Patient.extension:reading"]["short"] == "ふりがな"
    assert elements["Patient.extension:reading.url"]["fixedUri"] == f"{BASE}reading"
    assert (codes(value := elements["Patient.extension:reading.value[x]"]), value["maxLength"]) == (["string"], 40)
    assert generated(definitions, "reading").contexts == (("element", "Patient"),)


def test_the_entry_of_a_bundle_unfolds_into_the_profile_of_its_resource(define: Define) -> None:
    snapshot = generated(
        define(
            profile("patient", element("Patient.name", min=1)),
            profile(
                "p",
                element("Bundle.entry", slicing=by("type", "resource")),
                element("Bundle.entry:person", max="1"),
                element("Bundle.entry:person.resource", type=[{"code": "Patient", "profile": [f"{BASE}patient"]}]),
                element("Bundle.entry:person.resource.gender", min=1),
                base="Bundle",
            ),
        ),
        "p",
    )
    elements = by_id(snapshot)

    assert elements["Bundle.entry:person.resource.name"]["min"] == 1
    assert elements["Bundle.entry:person.resource.gender"]["min"] == 1


def test_texts_that_begin_with_dots_continue_what_is_inherited(define: Define) -> None:
    definitions = define(
        profile("below", element("Patient.name", comment="一")),
        profile("above", element("Patient.name", comment="...二"), base=f"{BASE}below", of="Patient"),
    )

    assert by_id(generated(definitions, "above"))["Patient.name"]["comment"] == "一\n二"


@pytest.mark.parametrize(("base", "inherited"), [("Element", ["Case.id", "Case.extension"]), ("Base", [])])
def test_a_model_of_its_own_adds_elements(define: Define, base: str, inherited: list[str]) -> None:
    model = profile(
        "Case", element("Case"), element("Case.opened", min=1, max="1", type=[{"code": "date"}]),
        base=base, of=f"{BASE}Case", kind="logical", derivation="specialization",
    )  # fmt: skip

    snapshot = generated(define(model), "Case")

    assert [each["id"] for each in snapshot.elements] == ["Case", *inherited, "Case.opened"]


def test_a_definition_that_has_its_snapshot_is_taken_at_its_word(define: Define) -> None:
    snapshot = define().snapshot(f"{TYPES}bp")

    assert snapshot is not None and not snapshot.generated
    assert by_id(snapshot)["Observation.component:SystolicBP"]["min"] == 1


def test_what_is_not_here_or_no_structure_has_no_snapshot(define: Define) -> None:
    definitions = define()

    assert definitions.snapshot(f"{BASE}nowhere") is None
    assert definitions.snapshot("http://hl7.org/fhir/ValueSet/administrative-gender") is None
    assert definitions.snapshot(f"{TYPES}Patient|3.0.1") is None
