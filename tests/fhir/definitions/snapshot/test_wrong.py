"""Wrong definitions: each is named with what is wrong about it, and nothing else is hurt."""

from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError

from .conftest import BASE, TYPES, Define, element, profile


def sliced_by(path: str) -> dict[str, Any]:
    return {"discriminator": [{"type": "value", "path": path}], "rules": "open"}


def issues(definitions: Definitions, name: str) -> list[str]:
    snapshot = definitions.snapshot(BASE + name)
    assert snapshot is not None
    return [issue.en for issue in snapshot.issues]


def test_a_definition_derived_from_itself_is_named(define: Define) -> None:
    definitions = define(profile("self", base=f"{BASE}self", of="Patient"))

    with pytest.raises(FhirError, match=f"{BASE}self is wrong: it is derived from itself") as told:
        definitions.snapshot(f"{BASE}self")

    assert told.value.status == 422
    assert definitions.snapshot(f"{TYPES}Patient") is not None


def test_definitions_derived_from_each_other_are_named_with_the_way_between(define: Define) -> None:
    definitions = define(profile("a", base=f"{BASE}b", of="Patient"), profile("b", base=f"{BASE}a", type="Patient"))

    with pytest.raises(FhirError, match=r"StructureDefinition/a is wrong: .* by way of .*StructureDefinition/b"):
        definitions.snapshot(f"{BASE}a")


def test_a_profile_whose_element_has_the_profile_itself_ends(define: Define) -> None:
    definitions = define(
        profile(
            "loop",
            element("Patient.contained", type=[{"code": "Patient", "profile": [f"{BASE}loop"]}]),
            element("Patient.contained.name", min=1),
        )
    )

    assert not issues(definitions, "loop")


def test_a_definition_whose_base_is_not_here_stands_on_its_type_and_says_so(define: Define) -> None:
    definitions = define(
        profile("p", element("Patient.name", min=1), base="https://elsewhere.example/P", of="Patient"),
        profile("q", element("Patient.active", min=1), base=f"{BASE}p", of="Patient"),
    )

    snapshot = definitions.snapshot(f"{BASE}q")

    assert snapshot is not None
    assert snapshot.detached_from == "https://elsewhere.example/P"
    assert {
        each["id"]: each["min"] for each in snapshot.elements if each["id"] in ("Patient.name", "Patient.active")
    } == {
        "Patient.name": 1,
        "Patient.active": 1,
    }


def test_a_definition_of_a_type_that_is_not_here_either_is_named(define: Define) -> None:
    definitions = define(profile("p", base="https://elsewhere.example/P", of="Wizard"))

    with pytest.raises(FhirError, match=r"p is wrong: its base .* is not here"):
        definitions.snapshot(f"{BASE}p")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (element("Patient.nmae"), "element Patient.nmae is wrong: Patient has no nmae"),
        (element("Patient.name.family.first"), "Patient.name.family has no first"),
        (element("Practitioner.name"), "element Practitioner is wrong: this is a definition of Patient"),
        (element("Patient.name", min=3, max="2"), "min = 3 is more than max = 2"),
        (element("Patient.link.other", min=0), "min = 0 loosens the 1 of its base"),
        (element("Patient.gender", max="*"), "max = * loosens the 1 of its base"),
        (element("Patient.name", type=[{"code": "Money"}]), "Money is none of its types (HumanName)"),
        (element("Patient.name", slicing=sliced_by("kind")), "it is sliced by kind, which it does not have"),
        (element("Patient.name", slicing=sliced_by("period.begin")), "it is sliced by period.begin"),
        (element("Patient.identifier:mrn", min=1), "has a slice mrn, but nothing says how it is sliced"),
    ],
)
def test_what_is_wrong_with_an_element_is_told_with_the_definition_and_the_element(
    wrong: dict[str, Any], said: str, define: Define
) -> None:
    definitions = define(profile("p", wrong, element("Patient.active", min=1)))

    (issue,) = issues(definitions, "p")

    assert f"definition {BASE}p" in issue
    assert said in issue
    snapshot = definitions.snapshot(f"{BASE}p")
    assert snapshot is not None
    assert next(each for each in snapshot.elements if each["id"] == "Patient.active")["min"] == 1


def test_a_snapshot_that_contradicts_its_differential_is_told(define: Define) -> None:
    wrong = profile("p", element("Patient.name", min=1))
    wrong["snapshot"] = {"element": [element("Patient", min=0, max="*"), element("Patient.name", min=0, max="*")]}

    (issue,) = issues(define(wrong), "p")

    assert "element Patient.name is wrong: its snapshot contradicts its differential (min)" in issue


def test_an_element_of_the_differential_that_the_snapshot_lacks_is_told(define: Define) -> None:
    wrong = profile("p", element("Patient.name", min=1))
    wrong["snapshot"] = {"element": [element("Patient", min=0, max="*")]}

    (issue,) = issues(define(wrong), "p")

    assert "element Patient.name is wrong: its snapshot does not have it" in issue


def test_a_snapshot_that_cannot_be_read_is_made_of_the_differential(define: Define) -> None:
    wrong = profile("p", element("Patient.name", min=1)) | {"snapshot": {"element": [{"path": "a.b.c"}]}}

    snapshot = define(wrong).snapshot(f"{BASE}p")

    assert snapshot is not None and snapshot.generated
    assert "its snapshot cannot be read" in snapshot.issues[0].en


@pytest.mark.parametrize(
    "shape",
    [
        {"differential": {"element": [{"path": "Patient.name", "type": "HumanName"}]}},
        {"differential": {"element": [{"path": "Patient.name", "min": "many"}]}},
        {"differential": {"element": [{"path": "Patient.name", "max": "many"}]}},
        {"differential": {"element": [{"path": "Patient.name", "constraint": [7]}]}},
        {"differential": {"element": [7]}},
        {"differential": [], "baseDefinition": 7},
        {"context": 7},
    ],
)
def test_a_definition_of_another_shape_is_named(shape: dict[str, Any], define: Define) -> None:
    definitions = define(profile("p") | shape)

    with pytest.raises(FhirError, match=f"definition {BASE}p is wrong"):
        definitions.snapshot(f"{BASE}p")


def test_a_definition_that_grows_without_measure_is_named(define: Define) -> None:
    parts = (f"Patient.contact:s{number}.name:n{part}.family" for number in range(60) for part in range(60))
    slicing = {"discriminator": [{"type": "value", "path": "use"}], "rules": "open"}
    sliced = [element("Patient.contact", slicing=slicing), element("Patient.contact.name", slicing=slicing)]
    grows = [element(f"Patient.contact.name:p{number}.family") for number in range(200)]
    definitions = define(
        profile("wide", *sliced, *grows, *(element(part) for part in parts)),
        profile("long", *(element("Patient.active") for _ in range(20_001))),
    )

    for name in ("wide", "long"):
        with pytest.raises(FhirError, match=f"definition {BASE}{name} is wrong: it has too many elements"):
            definitions.snapshot(f"{BASE}{name}")


@pytest.mark.parametrize(
    ("at", "path"),
    [
        ("Patient.name", "$this"),
        ("Patient.name", "period.start"),
        ("Patient.name", "extension('http://example.org/x').value"),
        ("Patient.generalPractitioner", "resolve()"),
        ("Patient.generalPractitioner", "resolve().code"),
        ("Patient.contained", "$this"),
        ("Patient.contained", "code.coding"),
        ("Patient.extension", "url"),
        ("Patient.extension", "value"),
        ("Patient.extension", "value.coding.system"),
        ("Patient.deceased[x]", "$this"),
    ],
)
def test_what_leads_to_something_can_tell_slices_apart(at: str, path: str, define: Define) -> None:
    assert issues(define(profile("p", element(at, slicing=sliced_by(path)))), "p") == []
