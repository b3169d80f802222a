"""https://hl7.org/fhir/R4/graphql.html: how a query is sent, what comes back, and what is refused."""

import json
import time
from base64 import b64decode
from urllib.parse import quote

import pytest

from tests.operations.graphql.conftest import Ward

ASK = "{ id }"


def test_a_query_is_sent_in_the_url_as_text_as_json_or_as_parameters(ward: Ward) -> None:
    path = f"Patient/{ward.n}-other/$graphql"
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "query", "valueString": ASK}]}
    named = {"query": "query A { id } query B { active }", "operationName": "A"}
    variables = quote(json.dumps({"a": True}))
    answers = [
        ward.api.get(f"{path}?query={quote(ASK)}"),
        ward.api.get(f"{path}?query={quote('query($a: Boolean!) { id @include(if: $a) }')}&variables={variables}"),
        ward.api.get(f"{path}?query=%7B%0A++id%0D%0A%7D"),
        ward.api.post(path, content=ASK, headers={"Content-Type": "application/graphql"}),
        ward.api.post(path, json=named, headers={"Content-Type": "application/json; charset=utf-8"}),
        ward.api.post(path, json=parameters, headers={"Content-Type": "application/fhir+json"}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 6
    assert all(answer.json() == {"data": {"id": f"{ward.n}-other"}} for answer in answers)
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/json"}


def test_the_answer_is_json_whatever_format_of_fhir_is_asked_for(ward: Ward) -> None:
    answer = ward.api.get("$graphql?query={__typename}&_format=xml", headers={"Accept": "application/fhir+xml"})

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"data": {"__typename": "Query"}}


def test_within_a_batch_the_answer_is_a_binary(ward: Ward) -> None:
    entry = {"request": {"method": "GET", "url": "$graphql?query=%7B__typename%7D"}}
    answer = ward.api.post("", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]}).json()["entry"][0]

    assert answer["resource"]["resourceType"] == "Binary"
    assert answer["resource"]["contentType"] == "application/json"


@pytest.mark.parametrize(
    "query",
    [
        "{", "{ colour }", "{ Patient { id } }", "{ PatientList { colour } }", '{ PatientList(colour: "red") { id } }',
        "{ ...A } fragment A on Query { ...A }", "query($x: Nonsense) { __typename }", "{ Patient(id: {}) { id } }",
        '{ PatientList { name } }', '{ PatientList { id { x } } }',
    ],
)  # fmt: skip
def test_a_text_that_is_no_query_of_the_schema_is_400_with_errors(ward: Ward, query: str) -> None:
    answer = ward.asked(query)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] and "data" not in answer.json()
    assert answer.json()["errors"][0]["extensions"]["resource"]["issue"][0]["severity"] == "error"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ Patient(id: "nobody-at-all") { id } }', "not-found"),
        ('{ PatientList(birthdate: "yesterday") { id } }', "value"),
        ("{ PatientList(_count: -1) { id } }", "value"),
        ("{ PatientList(_offset: 99999999) { id } }", "value"),
        ('{ PatientConnection(_cursor: "x") { count } }', "value"),
        ('{ PatientList(_sort: "colour") { id } }', None),
        ('{ Patient(id: "%-person") { name(fhirpath: "use = \'") { use } } }', None),
        ('{ Patient(id: "%-person") { ConditionList(_reference: asserter) { id } } }', None),
        ('{ Patient(id: "%-person") { ConditionList(_reference: code) { id } } }', "value"),
    ],
)
def test_what_cannot_be_answered_is_an_error_beside_the_data(ward: Ward, query: str, code: str | None) -> None:
    answer = ward.asked(query)

    assert answer.status_code == 200 and "data" in answer.json()
    if code is not None:
        assert answer.json()["errors"][0]["extensions"]["resource"]["issue"][0]["code"] == code


@pytest.mark.parametrize(
    "query",
    [
        "{ PatientList { " + "id " * 3_000 + "} }",
        "{ PatientList { " + "name { period " * 30 + "{ start } " + "} " * 30 + "} }",
        "{" * 5_000 + "}" * 5_000,
        "{ PatientList { name { given(" + "a" * 200_000 + ": 1) } } }",
        "query { " + " ".join(f"a{n}: PatientList(_count: 1) {{ id }}" for n in range(1_900)) + " }",
        "{ PatientList { ...A } } "
        + " ".join(f"fragment {chr(65 + n)} on Patient {{ ...{chr(66 + n)} ...{chr(66 + n)} }}" for n in range(20))
        + " fragment U on Patient { id }",
        "mutation { PatientCreate { id } }",
        "subscription { x }",
        "query A { __typename } query B { __typename }",
        "{ __schema { types { name } } PatientList { id } }",
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        "{ __schema { " + " ".join(f"a{n}: types {{ fields {{ args {{ name }} }} }}" for n in range(20)) + " } }",
        "{ __typename } #" + "x" * 1_000_000,
        "{ PatientList { name(fhirpath: \"" + "(1|2|3|4|5|6).select(" * 9 + "$this" + ")" * 9 + "\") { use } } }",
    ],
    ids=[
        "fields", "depth", "braces", "long name", "searches", "fragments", "mutation", "subscription", "two",
        "schema and data", "schema of schema", "schema again and again", "comment", "fhirpath",
    ],
)  # fmt: skip
def test_what_asks_for_too_much_is_refused_at_once(ward: Ward, query: str) -> None:
    answer = ward.asked(query)

    assert answer.status_code == 400
    assert answer.elapsed.total_seconds() < 10


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"query": 1}', b'{"query": " "}', b'{"query": "{id}", "variables": 1}', b'{"a": 1}']
)
def test_a_body_that_is_no_request_is_refused(ward: Ward, body: bytes) -> None:
    answer = ward.api.post("$graphql", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_resource_that_is_not_there_has_nothing_to_ask_about(ward: Ward) -> None:
    assert ward.asked(ASK, "Patient/nobody").status_code == 404
    assert ward.asked(ASK, "Nonsense/1").status_code == 404
    assert ward.api.get("Patient/$graphql?query={id}").status_code == 404


def test_a_text_in_graphql_is_no_resource(ward: Ward) -> None:
    for method, path in (("POST", "Patient"), ("PUT", "Patient/x"), ("PATCH", "Patient/x"), ("POST", "$convert")):
        answer = ward.api.request(method, path, content="{ id }", headers={"Content-Type": "application/graphql"})

        assert answer.status_code == 415, path
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_what_finds_too_much_is_refused_whole(ward: Ward) -> None:
    def wider(inner: str) -> str:
        one = f"ConditionList(_reference: patient) {{ subject {{ resource(type: Patient) {{ {inner} }} }} }}"
        return " ".join(f"{name}: {one}" for name in "abc")

    few, many = (
        f'{{ Patient(id: "%-person") {{ {query} }} }}' for query in (wider("id"), wider(wider(wider(wider("id")))))
    )

    assert ward.asked(few).status_code == 200
    refused = ward.asked(many)
    assert refused.status_code == 400
    assert refused.json()["issue"][0]["code"] == "too-costly"


def test_an_answer_that_comes_later_is_a_binary(ward: Ward) -> None:
    accepted = ward.api.get(f"$graphql?query={quote('{ __typename }')}", headers={"Prefer": "respond-async"})
    status = accepted.headers["Content-Location"]
    for _ in range(100):
        answer = ward.api.get(status)
        if answer.status_code != 202:
            break
        time.sleep(0.05)

    assert answer.json()["resourceType"] == "Binary"
    assert json.loads(b64decode(answer.json()["data"])) == {"data": {"__typename": "Query"}}
