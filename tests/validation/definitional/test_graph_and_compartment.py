"""GraphDefinitions and CompartmentDefinitions: what they lead by is there and leads where they say."""

from typing import Any

import pytest

from fhir_service.validation.validator import Validator
from tests.validation.definitional.conftest import errors_of

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"


def graph(link: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "GraphDefinition",
        "name": "X",
        "status": "draft",
        "start": "Patient",
        "link": [link],
        **more,
    }


def led(path: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "target": [{"type": kind, **more}]}


def asked(kind: str, params: str) -> dict[str, Any]:
    return {"target": [{"type": kind, "params": params}]}


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (led("Patient.managingOrganization", "Organization"), []),
        (led("Patient.managingOrganization", "Organization", profile=f"{STRUCTURE}Organization"), []),
        (asked("Observation", "subject={ref}"), []),
        (asked("Observation", "patient={ref}&_sort=date"), []),
        (led("Patient.employer", "Organization"), [("expression-element", "link[0].path")]),
        (led("Patient.(", "Organization"), [("expression", "link[0].path")]),
        (led("Patient.managingOrganization", "Medication"), [("graph", "link[0].target[0].type")]),
        (
            led("Patient.managingOrganization", "Organization", profile=f"{STRUCTURE}Observation"),
            [("graph", "link[0].target[0].profile")],
        ),
        (asked("Observation", "subject=x"), [("graph", "link[0].target[0].params")]),
        (asked("Observation", "about={ref}"), [("graph", "link[0].target[0].params")]),
        (
            led("Patient.managingOrganization", "Organization") | {"min": 2, "max": "1"},
            [("definition-bounds", "link[0].max")],
        ),
        (led("Patient.gender", "Organization"), [("graph", "link[0].path")]),
        ({"target": [{"type": "Observation"}]}, [("graph", "link[0]")]),
        (
            led("Patient.managingOrganization", "Organization", link=[led("Organization.employer", "Organization")]),
            [("expression-element", "link[0].target[0].link[0].path")],
        ),
    ],
)
def test_a_link_leads_to_its_target(
    validator: Validator, link: dict[str, Any], expected: list[tuple[str | None, str]]
) -> None:
    assert errors_of(validator, graph(link)) == expected


def test_the_profile_of_a_graph_is_of_its_start(validator: Validator) -> None:
    found = errors_of(validator, graph(asked("Observation", "subject={ref}"), profile=f"{STRUCTURE}Observation"))

    assert found == [("graph", "profile")]


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{"code": "Observation", "param": ["subject", "performer"]}, {"code": "Patient", "param": ["{def}"]}], []),
        ([{"code": "Observation", "param": ["about"]}], [("compartment", "resource[0].param[0]")]),
        ([{"code": "Observation", "param": ["date"]}], [("compartment", "resource[0].param[0]")]),
        ([{"code": "Observation", "param": ["device"]}], [("compartment", "resource[0].param[0]")]),
        ([{"code": "Observation"}, {"code": "Observation"}], [("compartment", "resource[1].code")]),
    ],
)
def test_what_is_in_a_compartment_refers_to_what_it_is_of(
    validator: Validator, resources: list[dict[str, Any]], expected: list[tuple[str | None, str]]
) -> None:
    compartment = {
        "resourceType": "CompartmentDefinition",
        "url": "https://example.jp/fhir/CompartmentDefinition/x",
        "name": "X",
        "status": "draft",
        "code": "Patient",
        "search": True,
        "resource": resources,
    }

    assert errors_of(validator, compartment) == expected
