"""$fhirpath over HTTP: what it is given, what it answers, and what it says of mistakes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest


@pytest.fixture
def api(server: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.base}/", headers={"Accept": "application/fhir+json"}, timeout=30) as client:
        yield client


@pytest.fixture
def patient(api: httpx.Client) -> str:
    """A reference to a stored patient who has an organization."""
    organization = {"resourceType": "Organization", "id": "fhirpath-o", "name": "保健所"}
    person = {
        "resourceType": "Patient",
        "id": "fhirpath-p",
        "name": [{"use": "official", "given": ["花子"]}, {"use": "usual", "text": "はなちゃん"}],
        "contact": [{"gender": "female"}],
        "managingOrganization": {"reference": "Organization/fhirpath-o"},
    }
    for resource in (organization, person):
        api.put(f"{resource['resourceType']}/{resource['id']}", json=resource).raise_for_status()
    return "Patient/fhirpath-p"


def results(answer: httpx.Response) -> list[tuple[str | None, list[dict[str, Any]]]]:
    """Return name and parts of each result."""
    assert answer.status_code == 200, answer.text
    found = [each for each in answer.json()["parameter"] if each["name"] == "result"]
    return [(each.get("valueString"), each.get("part", [])) for each in found]


def sent(api: httpx.Client, *parameters: dict[str, Any]) -> httpx.Response:
    return api.post("$fhirpath", json={"resourceType": "Parameters", "parameter": list(parameters)})


def test_get_evaluates_on_a_stored_resource_and_follows_its_references(api: httpx.Client, patient: str) -> None:
    expression = "name.given | managingOrganization.resolve().name"

    by_query = api.get("$fhirpath", params={"expression": expression, "resource": patient})
    on_instance = api.get(f"{patient}/$fhirpath", params={"expression": expression})

    parts = [{"name": "string", "valueString": "花子"}, {"name": "string", "valueString": "保健所"}]
    assert results(by_query) == results(on_instance) == [(None, parts)]


def test_post_evaluates_on_the_resource_sent_along_with_variables(api: httpx.Client) -> None:
    answer = sent(
        api,
        {"name": "expression", "valueString": "value + %more.value | status"},
        {"name": "resource", "resource": {"resourceType": "Observation", "status": "final", "valueInteger": 2}},
        {"name": "variables", "part": [{"name": "more", "valueQuantity": {"value": 1.5}}]},
    )

    parts = [{"name": "decimal", "valueDecimal": 3.5}, {"name": "code", "valueCode": "final"}]
    assert results(answer) == [(None, parts)]


def test_each_context_has_its_result_and_what_was_traced(api: httpx.Client, patient: str) -> None:
    answer = api.get(f"{patient}/$fhirpath", params={"context": "name", "expression": "use.trace('use').exists()"})

    assert [name for name, _ in results(answer)] == ["name[0]", "name[1]"]
    assert results(answer)[1][1] == [
        {"name": "trace", "valueString": "use", "part": [{"name": "code", "valueCode": "usual"}]},
        {"name": "boolean", "valueBoolean": True},
    ]


def test_what_parameters_cannot_hold_stands_as_json(api: httpx.Client, patient: str) -> None:
    answer = api.get(f"{patient}/$fhirpath", params={"expression": "contact | Patient"})

    contact, whole = results(answer)[0][1]
    assert (contact["name"], contact["extension"][0]["valueString"]) == ("Patient.contact", '{"gender":"female"}')
    assert whole["resource"]["id"] == "fhirpath-p"


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("contact.gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')", [True]),
        ("contact.gender.memberOf('http://hl7.org/fhir/ValueSet/observation-status')", [False]),
        ("contact.gender.memberOf('http://example.org/no-such-value-set')", []),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/Observation')", [False]),
        ("conformsTo('https://example.jp/fhir/outreach/StructureDefinition/outreach-organization')", [False]),
    ],
)
def test_value_sets_and_profiles_can_be_asked(
    api: httpx.Client, patient: str, expression: str, answer: list[bool]
) -> None:
    (result,) = results(api.get(f"{patient}/$fhirpath", params={"expression": expression}))

    assert [each["valueBoolean"] for each in result[1]] == answer


@pytest.mark.parametrize(
    ("parameters", "status", "line"),
    [
        ({"expression": "1 +"}, 400, 1),
        ({"expression": "name.foo"}, 400, 1),
        ({"expression": "name.single()"}, 422, 1),
        ({"expression": "(1).repeatAll($this)"}, 422, 1),
        ({"expression": "conformsTo('http://example.org/no-such-profile')"}, 422, 1),
        ({}, 400, None),
        ({"expression": "1", "unknown": "1"}, 400, None),
        ({"expression": "1", "resource": "Patient/not-there"}, 404, None),
        ({"expression": "1", "resource": "nonsense"}, 400, None),
    ],
)
def test_mistakes_are_told_with_their_place(
    api: httpx.Client, patient: str, parameters: dict[str, str], status: int, line: int | None
) -> None:
    answer = api.get("$fhirpath", params={"resource": patient} | parameters)

    assert answer.status_code == status, answer.text
    issue = answer.json()["issue"][0]
    assert " / " in issue["details"]["text"]
    assert (issue.get("extension") or [{}])[0].get("valueInteger") == line


def test_strict_can_be_turned_off(api: httpx.Client, patient: str) -> None:
    answer = api.get("$fhirpath", params={"expression": "name.foo", "resource": patient, "strict": "false"})

    assert results(answer) == [(None, [])]


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": [5, {"name": ["x"]}]},
        {"resourceType": "Parameters", "parameter": [{"name": "expression", "valueInteger": "a"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": 5}}]},
    ],
)
def test_a_body_that_is_no_such_parameters_is_refused(api: httpx.Client, body: dict[str, Any]) -> None:
    answer = api.post("$fhirpath", json=body)

    assert answer.status_code in (400, 422), answer.text


def test_its_definition_is_found_by_its_canonical(api: httpx.Client) -> None:
    operations = api.get("metadata").json()["rest"][0]["operation"]

    canonical = "https://example.jp/fhir/outreach/OperationDefinition/fhirpath"
    assert {"name": "fhirpath", "definition": canonical} in operations
