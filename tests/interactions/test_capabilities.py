"""https://hl7.org/fhir/R4/http.html#capabilities: every claim of the CapabilityStatement is tried."""

from typing import Any

import httpx
import pytest

# Values of which every search parameter of the type can read at least one.
VALUES = {
    "number": ["1"],
    "date": ["2026-01-01"],
    "string": ["x"],
    "token": ["x"],
    "reference": ["Patient/x"],
    "quantity": ["1"],
    "uri": ["http://example.jp/x"],
    "special": ["x", "_id eq x", "35.6|139.7"],
    "composite": ["x$x", "x$1", "x$2026-01-01", "Patient/x$x", "x$1$1"],
}


@pytest.fixture(scope="module")
def statement(server: Any) -> dict[str, Any]:
    answer = httpx.get(f"{server.base}/metadata", headers={"Accept": "application/fhir+json"}, timeout=30)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture(scope="module")
def resources(statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {resource["type"]: resource for resource in statement["rest"][0]["resource"]}


def test_the_statement_says_who_and_what_this_is(api: httpx.Client, statement: dict[str, Any]) -> None:
    assert statement["resourceType"] == "CapabilityStatement"
    assert (statement["kind"], statement["fhirVersion"], statement["status"]) == ("instance", "4.0.1", "active")
    assert statement["implementation"]["url"] == str(api.base_url).rstrip("/")
    assert statement["date"]


def test_every_resource_type_of_r4_is_served(resources: dict[str, dict[str, Any]]) -> None:
    assert len(resources) == 146
    assert {"Patient", "Bundle", "Binary", "CarePlan", "Task"} <= set(resources)
    assert not {"Resource", "DomainResource"} & set(resources)


def test_each_format_that_is_claimed_is_written(api: httpx.Client, statement: dict[str, Any]) -> None:
    for claimed in statement["format"]:
        answer = api.get("Patient", params={"_format": claimed, "_count": "0"})
        assert answer.status_code == 200
        assert claimed.rpartition("+")[2] in answer.headers["Content-Type"]


def test_each_search_parameter_that_is_claimed_is_understood(
    api: httpx.Client, resources: dict[str, dict[str, Any]]
) -> None:
    """Every parameter of the types that the programme lives by, and the first of each kind of every other type."""
    whole = {"Patient", "Encounter", "Observation", "CarePlan", "Task", "ServiceRequest", "DocumentReference"}
    refused = []
    for name, resource in resources.items():
        seen: set[str] = set()
        for parameter in resource["searchParam"]:
            if name in whole or parameter["type"] not in seen:
                seen.add(parameter["type"])
                answers = [
                    api.get(name, params={parameter["name"]: value, "_count": "0"})
                    for value in VALUES[parameter["type"]]
                ]
                if not any(answer.status_code == 200 for answer in answers):
                    refused.append((name, parameter["name"], answers[0].text))

    assert refused == []


def test_each_include_that_is_claimed_is_understood(api: httpx.Client, resources: dict[str, dict[str, Any]]) -> None:
    for name in ("Patient", "Encounter", "CarePlan", "Task"):
        for include in resources[name]["searchInclude"]:
            assert api.get(name, params={"_include": include, "_id": "x"}).status_code == 200, include
        for include in resources[name]["searchRevInclude"]:
            assert api.get(name, params={"_revinclude": include, "_id": "x"}).status_code == 200, include


def test_each_interaction_that_is_claimed_is_answered(
    api: httpx.Client, statement: dict[str, Any], resources: dict[str, dict[str, Any]]
) -> None:
    id_ = api.post("Basic", json={"resourceType": "Basic", "code": {"text": "x"}}).json()["id"]
    body = {"resourceType": "Basic", "id": id_, "code": {"text": "y"}}
    bundle = {"resourceType": "Bundle", "entry": []}
    tried = {
        "read": ("GET", f"Basic/{id_}", None),
        "vread": ("GET", f"Basic/{id_}/_history/1", None),
        "update": ("PUT", f"Basic/{id_}", body),
        "patch": ("PATCH", f"Basic/{id_}", {"code": {"text": "z"}}),
        "history-instance": ("GET", f"Basic/{id_}/_history", None),
        "history-type": ("GET", "Basic/_history?_count=1", None),
        "history-system": ("GET", "_history?_count=1", None),
        "create": ("POST", "Basic", body),
        "search-type": ("GET", "Basic?_count=0", None),
        "search-system": ("GET", "?_type=Basic&_count=0", None),
        "delete": ("DELETE", f"Basic/{id_}", None),
        "batch": ("POST", "", bundle | {"type": "batch"}),
        "transaction": ("POST", "", bundle | {"type": "transaction"}),
    }
    claimed = [each["code"] for each in resources["Basic"]["interaction"]]
    claimed += [each["code"] for each in statement["rest"][0]["interaction"]]

    assert set(claimed) == set(tried)
    for code in tried:
        method, path, content = tried[code]
        assert api.request(method, path, json=content).status_code in (200, 201, 204), code


def test_operations_that_are_claimed_are_defined_and_answered(api: httpx.Client, statement: dict[str, Any]) -> None:
    for operation in statement["rest"][0].get("operation", []):
        assert operation["definition"].startswith("http")
        assert api.post(f"${operation['name']}").status_code != 404


def test_a_mode_that_is_not_supported_is_refused(api: httpx.Client) -> None:
    assert api.get("metadata", params={"mode": "full"}).status_code == 200
    assert api.get("metadata", params={"mode": "terminology"}).status_code == 400
