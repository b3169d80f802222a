"""The small operations of R4 over HTTP: $convert, $versions, StructureDefinition/$snapshot."""

from typing import Any

import httpx
import pytest

Json = dict[str, Any]


def test_convert_gives_a_resource_in_the_other_format(api: httpx.Client) -> None:
    patient = {"resourceType": "Patient", "id": "x", "active": True}
    xml = '<Patient xmlns="http://hl7.org/fhir"><id value="x"/><active value="true"/></Patient>'

    to_xml = api.post("$convert", json=patient, headers={"Accept": "application/fhir+xml"})
    to_json = api.post("$convert", content=xml, headers={"Content-Type": "application/fhir+xml"})
    within = {"resourceType": "Parameters", "parameter": [{"name": "input", "resource": patient}]}

    assert xml in to_xml.text
    assert to_json.json() == api.post("$convert", json=within).json() == patient
    assert api.get("Patient/x").status_code == 404


@pytest.mark.parametrize("body", [{"resourceType": "Nonsense"}, {"resourceType": "Parameters"}])
def test_what_is_no_resource_is_not_converted(api: httpx.Client, body: Json) -> None:
    assert api.post("$convert", json=body).status_code == 400


def test_versions_tell_that_it_is_r4(api: httpx.Client) -> None:
    parameters = {each["name"]: each["valueCode"] for each in api.get("$versions").json()["parameter"]}

    assert parameters == {"version": "4.0", "default": "4.0"}


def test_a_snapshot_is_given_of_what_is_loaded_and_of_what_is_stored(api: httpx.Client, new_id: str) -> None:
    url = f"http://example.jp/fhir/StructureDefinition/{new_id}"
    family = {"id": "Patient.name.family", "path": "Patient.name.family", "min": 1}
    profile = {
        "resourceType": "StructureDefinition", "id": new_id, "url": url, "name": "Named", "status": "active",
        "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "differential": {"element": [family]},
    }  # fmt: skip
    assert api.put(f"StructureDefinition/{new_id}", json=profile).status_code == 201

    of_r4 = api.get("StructureDefinition/$snapshot?url=http://hl7.org/fhir/StructureDefinition/Patient").json()
    by_url = api.get(f"StructureDefinition/$snapshot?url={url}").json()
    by_id = api.get(f"StructureDefinition/{new_id}/$snapshot").json()

    api.delete(f"StructureDefinition/{new_id}")
    assert "Patient.birthDate" in {each["path"] for each in of_r4["snapshot"]["element"]}
    elements = {each["id"]: each for each in by_url["snapshot"]["element"]}
    assert elements["Patient.name.family"]["min"] == 1 and "Patient.birthDate" in elements
    assert by_id["snapshot"] == by_url["snapshot"]


def test_there_is_no_snapshot_of_what_is_not_here(api: httpx.Client) -> None:
    assert api.get("StructureDefinition/$snapshot?url=http://example.jp/none").status_code == 404
    assert api.get("StructureDefinition/$snapshot").status_code == 400
    assert api.get("StructureDefinition/nobody/$snapshot").status_code == 404
