"""The definitions of R4 as they ship: complete, typed as the specification says, and read only when asked for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions, TypeDefinition


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load()


def elements(definition: TypeDefinition) -> dict[str, tuple[str, ...]]:
    return {element.name: element.types for element in definition.elements}


def all_types(definitions: Definitions) -> Iterator[TypeDefinition]:
    for structure in definitions.all("StructureDefinition"):
        if structure.get("derivation") != "constraint" and definitions.has_type(structure["type"]):
            yield definitions.type(structure["type"])


def test_there_are_the_146_concrete_resource_types_of_r4(definitions: Definitions) -> None:
    assert len(definitions.resource_types) == 146
    assert {"Patient", "Parameters", "Binary", "SubstanceNucleicAcid"} < definitions.resource_types
    assert not {"Resource", "DomainResource", "HumanName"} & definitions.resource_types


def test_a_type_lists_its_elements_in_the_order_of_the_specification_inherited_ones_first(
    definitions: Definitions,
) -> None:
    patient = definitions.type("Patient")

    names = [element.name for element in patient.elements]

    assert names[:9] == [
        "id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension", "identifier",
    ]  # fmt: skip
    assert names[-1] == "link"
    assert (patient.kind, patient.base, patient.abstract) == ("resource", "DomainResource", False)


def test_a_choice_element_is_found_by_each_of_its_json_names(definitions: Definitions) -> None:
    by_json = definitions.type("Patient").by_json

    assert by_json["deceasedBoolean"][1] == "boolean"
    assert by_json["deceasedDateTime"][1] == "dateTime"
    assert by_json["deceasedBoolean"][0] is by_json["deceasedDateTime"][0]
    assert by_json["deceasedBoolean"][0].choice
    assert "deceased" not in by_json


def test_system_types_are_told_as_fhir_types(definitions: Definitions) -> None:
    assert elements(definitions.type("Patient"))["id"] == ("id",)
    assert elements(definitions.type("Bundle"))["id"] == ("id",)
    assert elements(definitions.type("HumanName"))["id"] == ("string",)
    assert elements(definitions.type("Patient.contact"))["id"] == ("string",)
    assert elements(definitions.type("Extension"))["url"] == ("uri",)
    for each in all_types(definitions):
        assert not [element for element in each.elements if any(code.startswith("http") for code in element.types)]


def test_what_xml_writes_as_attributes_is_marked(definitions: Definitions) -> None:
    attributes = {element.name for element in definitions.type("Extension").elements if element.xml_attribute}

    assert attributes == {"id", "url"}
    assert not any(element.xml_attribute for element in definitions.type("Patient").elements)


def test_a_backbone_element_is_named_by_its_path_also_where_another_refers_to_it(definitions: Definitions) -> None:
    item = definitions.type("Questionnaire.item")

    assert item.kind == "backbone"
    assert elements(definitions.type("Questionnaire"))["item"] == ("Questionnaire.item",)
    assert elements(item)["item"] == ("Questionnaire.item",)
    assert elements(definitions.type("Bundle.entry"))["link"] == ("Bundle.link",)
    assert (definitions.type("Timing.repeat").base, item.base) == ("Element", "BackboneElement")


def test_every_type_that_an_element_names_exists(definitions: Definitions) -> None:
    named = {code for each in all_types(definitions) for element in each.elements for code in element.types}

    assert len(named) > 300
    assert [code for code in sorted(named) if not definitions.has_type(code)] == []


def test_reference_targets_and_required_bindings_are_told(definitions: Definitions) -> None:
    patient = definitions.type("Patient")
    encounter = definitions.type("Provenance")

    assert patient.by_json["managingOrganization"][0].targets == ("Organization",)
    assert patient.by_json["gender"][0].value_set == "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1"
    assert patient.by_json["maritalStatus"][0].value_set is None
    assert encounter.by_json["target"][0].targets == ()


def test_cardinality_is_told(definitions: Definitions) -> None:
    method = definitions.type("Bundle.entry.request").by_json["method"][0]
    name = definitions.type("Patient").by_json["name"][0]

    assert (method.min, method.max, method.repeats) == (1, 1, False)
    assert (name.min, name.max, name.repeats) == (0, None, True)


@pytest.mark.parametrize(
    ("name", "ancestor", "expected"),
    [
        ("Patient", "DomainResource", True),
        ("Patient", "Resource", True),
        ("Patient", "Patient", True),
        ("Bundle", "DomainResource", False),
        ("Age", "Quantity", True),
        ("code", "string", True),
        ("canonical", "uri", True),
        ("string", "code", False),
        ("Patient.contact", "BackboneElement", True),
        ("Patient.contact", "Element", True),
        ("Timing.repeat", "BackboneElement", False),
        ("Patient.nothing", "Element", False),
        ("Nothing", "Resource", False),
    ],
)
def test_a_type_is_what_it_derives_from(definitions: Definitions, name: str, ancestor: str, expected: bool) -> None:
    assert definitions.is_a(name, ancestor) is expected


def test_a_primitive_type_has_the_pattern_of_its_values(definitions: Definitions) -> None:
    assert definitions.type("id").pattern == r"[A-Za-z0-9\-\.]{1,64}"
    assert definitions.type("id").kind == "primitive-type"
    assert list(definitions.type("date").by_json) == ["id", "extension"]


def test_an_unknown_type_raises_a_key_error(definitions: Definitions) -> None:
    for name in ("Nothing", "Patient.nothing", "", ".", "Patient.", "SimpleQuantity"):
        assert not definitions.has_type(name)
        with pytest.raises(KeyError):
            definitions.type(name)


def test_a_definition_is_found_by_its_url_and_version(definitions: Definitions) -> None:
    url = "http://hl7.org/fhir/StructureDefinition/Patient"

    found = definitions.find(url)

    assert found is not None
    assert found["type"] == "Patient"
    assert definitions.find(f"{url}|4.0.1") == found
    assert definitions.find(f"{url}|5.0.0") is None
    assert definitions.find("http://example.org/nothing") is None
    assert definitions.find("") is None


def test_definitions_keep_what_programs_read(definitions: Definitions) -> None:
    patient = definitions.find("http://hl7.org/fhir/StructureDefinition/Patient")
    concepts = definitions.find("http://terminology.hl7.org/CodeSystem/v3-ActCode")
    assert patient is not None
    assert concepts is not None

    contact = next(each for each in patient["snapshot"]["element"] if each["path"] == "Patient.contact")

    assert contact["constraint"][-1]["key"] == "pat-1"
    assert contact["constraint"][-1]["expression"] == (
        "name.exists() or telecom.exists() or address.exists() or organization.exists()"
    )
    assert "differential" not in patient
    assert concepts["content"] == "complete"
    assert len(concepts["concept"]) > 10


@pytest.mark.parametrize(
    ("resource_type", "count"),
    [
        ("StructureDefinition", 655), ("SearchParameter", 1397), ("ValueSet", 1316), ("CodeSystem", 1062),
        ("OperationDefinition", 46), ("ConceptMap", 80), ("CompartmentDefinition", 5),
    ],
)  # fmt: skip
def test_all_definitions_of_r4_are_there_but_for_samples(
    definitions: Definitions, resource_type: str, count: int, tmp_path: Path
) -> None:
    r4 = Definitions.load(profiles=tmp_path)

    assert len(list(r4.all(resource_type))) == count


def test_a_compartment_says_which_types_belong_to_it_by_which_parameters(definitions: Definitions) -> None:
    patient = definitions.compartment("Patient")

    assert patient["Observation"] == ("subject", "performer")
    assert patient["Patient"] == ("link",)
    assert "Organization" not in patient
    assert definitions.compartment("Encounter")["Encounter"] == ()
    with pytest.raises(KeyError):
        definitions.compartment("Nothing")


def test_our_own_definitions_are_read_from_their_folder_but_not_its_examples(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "codes").mkdir()
    phase = {"resourceType": "CodeSystem", "url": "http://example.org/phase", "version": "1.0.0", "content": "complete"}
    sample = {"resourceType": "CodeSystem", "url": "http://example.org/sample", "content": "complete"}
    (tmp_path / "codes" / "phase.json").write_text(json.dumps(phase), encoding="utf-8")
    (tmp_path / "examples" / "sample.json").write_text(json.dumps(sample), encoding="utf-8")

    definitions = Definitions.load(profiles=tmp_path)

    assert definitions.find("http://example.org/phase|1.0.0") == phase
    assert definitions.find("http://example.org/phase|2.0.0") is None
    assert definitions.find("http://example.org/sample") is None
    assert phase in list(definitions.all("CodeSystem"))
    assert [str(package) for package in definitions.packages] == ["hl7.fhir.r4.core#4.0.1", "fhir-service#0.1.0"]


def test_our_own_definition_does_not_shadow_one_of_r4(tmp_path: Path) -> None:
    gender = {"resourceType": "ValueSet", "url": "http://hl7.org/fhir/ValueSet/administrative-gender", "version": "9"}
    (tmp_path / "gender.json").write_text(json.dumps(gender), encoding="utf-8")

    definitions = Definitions.load(profiles=tmp_path)

    found = definitions.find(gender["url"])
    assert found is not None
    assert found["version"] == "4.0.1"
    assert definitions.find(f"{gender['url']}|9") == gender
    assert [each["version"] for each in definitions.all("ValueSet") if each["url"] == gender["url"]] == ["4.0.1"]
