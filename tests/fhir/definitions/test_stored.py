"""Definitions that are stored as resources, beside those that are loaded."""

import json
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.sources import newest_first
from fhir_service.fhir.resource import Key

URL = "http://example.org/fhir/ValueSet/colour"
KEY = Key("ValueSet", "1")


@pytest.fixture
def definitions() -> Definitions:
    return Definitions.load()


def body(**more: Any) -> bytes:
    return json.dumps({"resourceType": "ValueSet", "url": URL} | more).encode()


def test_a_stored_definition_is_found_as_it_is_now_until_it_is_deleted(definitions: Definitions) -> None:
    definitions.put(KEY, body(title="first"))
    definitions.put(KEY, body(title="second"))

    assert (definitions.find(URL) or {})["title"] == "second"
    assert [each["title"] for each in definitions.all("ValueSet") if each["url"] == URL] == ["second"]

    definitions.forget(KEY)

    assert definitions.find(URL) is None


def test_each_change_is_counted_and_no_change_is_not(definitions: Definitions) -> None:
    definitions.put(KEY, body())
    definitions.put(Key("Patient", "1"), b'{"resourceType":"Patient"}')
    definitions.forget(Key("ValueSet", "2"))

    assert definitions.generation == 1


def test_of_several_with_one_url_the_newest_version_is_found(definitions: Definitions) -> None:
    for number, version in enumerate(("1.10.0", "1.9.0")):
        definitions.put(Key("ValueSet", str(number)), body(version=version))

    assert (definitions.find(URL) or {})["version"] == "1.10.0"
    assert (definitions.find(f"{URL}|1.9.0") or {})["version"] == "1.9.0"
    assert definitions.find(f"{URL}|2.0.0") is None


@pytest.mark.parametrize("version", ["²", "１", "9" * 5000, "", "-", "1..2"])
def test_a_version_that_is_no_number_stands_beside_others(definitions: Definitions, version: str) -> None:
    for number, each in enumerate((version, "0010", "9")):
        definitions.put(Key("ValueSet", str(number)), body(version=each))

    assert definitions.find(f"{URL}|{version}" if version else URL) is not None
    assert [each for each in sorted((version, "0010", "9"), key=newest_first) if each != version] == ["9", "0010"]


def test_what_is_stored_does_not_shadow_r4(definitions: Definitions) -> None:
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"

    definitions.put(KEY, body(url=gender, title="mine"))

    assert (definitions.find(gender) or {})["name"] == "AdministrativeGender"
    assert definitions.generation == 0


def test_a_stored_profile_that_changes_has_another_snapshot(definitions: Definitions) -> None:
    url = "http://example.org/fhir/StructureDefinition/person"

    def profile(low: int) -> bytes:
        element = {"id": "Patient.name", "path": "Patient.name", "min": low}
        base = "http://hl7.org/fhir/StructureDefinition/Patient"
        head = {"resourceType": "StructureDefinition", "url": url, "type": "Patient", "derivation": "constraint"}
        return json.dumps(head | {"baseDefinition": base, "differential": {"element": [element]}}).encode()

    found = []
    for low in (1, 2):
        definitions.put(Key("StructureDefinition", "person"), profile(low))
        snapshot = definitions.snapshot(url)
        assert snapshot is not None
        found.append(next(each["min"] for each in snapshot.elements if each["id"] == "Patient.name"))

    assert found == [1, 2]


def test_what_has_another_shape_is_passed_over(definitions: Definitions) -> None:
    definitions.put(KEY, body(url=7))
    definitions.put(KEY, body(version=[]))

    assert definitions.generation == 0
