"""https://hl7.org/fhir/R4/http.html#capabilities: every claim of the CapabilityStatement is tried."""

import uuid
from typing import Any
from urllib.parse import quote

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

FHIRPATH_PATCH = {
    "application/fhir+json": b"""{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"replace"},{"name":"path","valueString":"Basic.code.text"},
        {"name":"value","valueString":"y"}]}]}""",
    "application/fhir+xml": b"""<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
        <part><name value="type"/><valueCode value="replace"/></part>
        <part><name value="path"/><valueString value="Basic.code.text"/></part>
        <part><name value="value"/><valueString value="y"/></part></parameter></Parameters>""",
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


def test_every_search_parameter_that_is_claimed_is_understood(
    api: httpx.Client, resources: dict[str, dict[str, Any]]
) -> None:
    asked = [
        (name, parameter["name"], value)
        for name, resource in resources.items()
        for parameter in resource["searchParam"]
        for value in VALUES[parameter["type"]]
    ]
    statuses = in_batches(api, [f"{name}?{code}={quote(value)}&_count=0" for name, code, value in asked])

    understood = {each[:2] for each, status in zip(asked, statuses, strict=True) if status.startswith("200")}
    assert {each[:2] for each in asked} - understood == set()
    assert len(understood) > 2_500


def in_batches(api: httpx.Client, urls: list[str]) -> list[str]:
    """Return the status of a GET of each URL, many in one batch."""
    statuses: list[str] = []
    for start in range(0, len(urls), 500):
        entries = [{"request": {"method": "GET", "url": url}} for url in urls[start : start + 500]]
        answer = api.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
        assert answer.status_code == 200, answer.text
        statuses += [entry["response"]["status"] for entry in answer.json()["entry"]]
    return statuses


def test_each_include_that_is_claimed_is_understood(api: httpx.Client, resources: dict[str, dict[str, Any]]) -> None:
    included = {
        name: [
            f"{parameter}={quote(include)}"
            for parameter, element in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude"))
            for include in resource.get(element, ())
        ]
        for name, resource in resources.items()
    }
    urls = [f"{name}?_id=x&{'&'.join(each)}" for name, each in included.items()]

    refused = [url for url, status in zip(urls, in_batches(api, urls), strict=True) if status != "200 OK"]
    assert refused == [] and sum(map(len, included.values())) > 6_000


@pytest.mark.parametrize(
    ("code", "method", "path"),
    [
        ("read", "GET", "{}/nobody"),
        ("vread", "GET", "{}/nobody/_history/1"),
        ("history-instance", "GET", "{}/nobody/_history"),
        ("history-type", "GET", "{}/_history?_count=1"),
        ("search-type", "GET", "{}?_count=0"),
        ("search-type", "POST", "{}/_search"),
        ("create", "POST", "{}"),
        ("update", "PUT", "{}/x"),
        ("update", "PUT", "{}?_id=nobody"),
        ("patch", "PATCH", "{}/nobody"),
        ("patch", "PATCH", "{}?_id=nobody"),
        ("delete", "DELETE", "{}/nobody"),
        ("delete", "DELETE", "{}?_id=nobody"),
    ],
)
def test_each_interaction_is_answered_on_every_type(
    api: httpx.Client, resources: dict[str, dict[str, Any]], code: str, method: str, path: str
) -> None:
    """Nothing is stored: what is sent belongs to another type, or the resource is not there."""
    body = {"json": {"resourceType": "Parameters"}} if method in ("PUT", "PATCH") or path == "{}" else {}
    answers = {name: api.request(method, path.format(name), **body) for name in resources if name != "Parameters"}

    assert all({"code": code} in resource["interaction"] for resource in resources.values())
    assert {name for name, answer in answers.items() if answer.status_code in (405, 500, 501)} == set()
    codes = {answer.json()["issue"][0]["code"] for answer in answers.values() if answer.status_code == 404}
    assert codes <= {"not-found"}


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


def test_resources_are_checked_against_each_profile_that_is_claimed(
    api: httpx.Client, resources: dict[str, dict[str, Any]]
) -> None:
    claimed = [(name, url) for name, each in resources.items() for url in each.get("supportedProfile", [])]

    answers = {
        url: api.post(f"{name}/$validate", params={"profile": url}, json={"resourceType": name}).json()["issue"]
        for name, url in claimed
    }

    assert len(claimed) > 50
    assert "https://example.jp/fhir/outreach/StructureDefinition/outreach-patient" in answers
    unchecked = [url for url, issues in answers.items() if "profile-un" in str(issues)]
    assert unchecked == []


def test_operations_that_are_claimed_are_defined_and_answered(api: httpx.Client, statement: dict[str, Any]) -> None:
    for operation in statement["rest"][0].get("operation", []):
        assert operation["definition"].startswith("http")
        assert api.post(f"${operation['name']}").status_code != 404


def test_versioning_and_the_conditional_forms_are_as_claimed(
    api: httpx.Client, resources: dict[str, dict[str, Any]]
) -> None:
    claims = resources["Basic"]
    mark = uuid.uuid4().hex
    body = {"resourceType": "Basic", "code": {"text": "x"}, "identifier": [{"value": mark}]}
    found = f"identifier={mark}"

    created = api.post("Basic", json=body, headers={"If-None-Exist": found})
    id_, etag = created.json()["id"], created.headers["ETag"]
    assert claims["conditionalCreate"] and created.status_code == 201
    assert api.post("Basic", json=body, headers={"If-None-Exist": found}).status_code == 200
    assert claims["conditionalUpdate"] and api.put(f"Basic?{found}", json=body).json()["meta"]["versionId"] == "2"
    stale = api.put(f"Basic/{id_}", json=body | {"id": id_}, headers={"If-Match": etag})
    assert claims["versioning"] == "versioned" and stale.status_code == 412
    assert claims["readHistory"] and api.get(f"Basic/{id_}/_history/1").status_code == 200
    assert claims["conditionalRead"] == "full-support"
    assert api.get(f"Basic/{id_}", headers={"If-None-Match": 'W/"2"'}).status_code == 304
    since = {"If-Modified-Since": api.get(f"Basic/{id_}").headers["Last-Modified"]}
    assert api.get(f"Basic/{id_}", headers=since).status_code == 304
    assert claims["conditionalDelete"] in ("single", "multiple")
    assert api.delete(f"Basic?{found}").status_code in (200, 204)
    assert api.get(f"Basic/{id_}").status_code == 410
    assert claims["updateCreate"] and api.put(f"Basic/{mark}", json=body | {"id": mark}).status_code == 201


def test_references_are_kept_as_the_reference_policy_says(
    api: httpx.Client, resources: dict[str, dict[str, Any]]
) -> None:
    def basic(**subject: Any) -> int:
        return api.post("Basic", json={"resourceType": "Basic", "code": {"text": "x"}, "subject": subject}).status_code

    assert resources["Basic"]["referencePolicy"] == ["literal", "logical", "enforced"]
    assert basic(identifier={"value": "x"}) == 201
    assert basic(reference="http://elsewhere.example/fhir/Patient/1") == 201
    assert basic(reference="Patient/who-is-not-there") in (409, 422)


@pytest.mark.parametrize(
    ("media_type", "patch"),
    [
        ("application/json-patch+json", b'[{"op":"replace","path":"/code/text","value":"y"}]'),
        ("application/merge-patch+json", b'{"code":{"text":"y"}}'),
        (
            "application/xml-patch+xml",
            b'<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:Basic/f:code/f:text/@value">y</replace></diff>',
        ),
        ("application/fhir+json", "parameters"),
        ("application/fhir+xml", "parameters"),
    ],
)
def test_each_patch_format_that_is_claimed_changes_a_resource(
    api: httpx.Client, statement: dict[str, Any], media_type: str, patch: Any
) -> None:
    id_ = api.post("Basic", json={"resourceType": "Basic", "code": {"text": "x"}}).json()["id"]
    if patch == "parameters":
        patch = FHIRPATH_PATCH[media_type]

    answer = api.patch(f"Basic/{id_}", content=patch, headers={"Content-Type": media_type})

    assert media_type in statement["patchFormat"] and len(statement["patchFormat"]) == 5
    assert (answer.status_code, answer.json()["code"]["text"]) == (200, "y")


def test_pages_of_this_machine_may_call_as_claimed(api: httpx.Client, statement: dict[str, Any]) -> None:
    answer = api.get("Patient?_count=0", headers={"Origin": "http://localhost:3000"})

    assert statement["rest"][0]["security"]["cors"] is True
    assert answer.headers["Access-Control-Allow-Origin"]


def test_each_compartment_that_is_claimed_is_searched(api: httpx.Client, statement: dict[str, Any]) -> None:
    compartments = [url.rpartition("/")[2] for url in statement["rest"][0]["compartment"]]
    types = {"Device": "Observation", "Practitioner": "Patient"}

    assert len(compartments) == 5
    for name in (each[0].upper() + each[1:] for each in compartments):
        name = {"Relatedperson": "RelatedPerson"}.get(name, name)
        assert api.get(f"{name}/nobody/{types.get(name, 'Observation')}?_count=0").status_code in (200, 404), name


def test_the_statement_can_be_had_in_part(api: httpx.Client) -> None:
    part = api.get("metadata", params={"_elements": "software,format"}).json()
    summary = api.get("metadata", params={"_summary": "true"}).json()

    assert part["software"]["name"] == "fhir-service" and part["format"]
    assert "rest" not in part and {"status", "kind", "fhirVersion"} <= set(part)
    assert part["meta"]["tag"][0]["code"] == summary["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert api.get("metadata", params={"_elements": "colour"}).status_code == 400
    assert api.get("metadata", params={"_summary": "count"}).status_code == 400


def test_the_normative_statement_shows_the_normative_types(api: httpx.Client) -> None:
    normative = api.get("metadata", params={"mode": "normative"}).json()

    shown = {each["type"] for each in normative["rest"][0]["resource"]}
    assert "Patient" in shown and "ValueSet" in shown and not {"CarePlan", "Task"} & shown


def test_the_terminology_statement_names_the_code_systems_that_are_here(api: httpx.Client) -> None:
    terminology = api.get("metadata", params={"mode": "terminology"}).json()

    systems = {each["uri"]: each for each in terminology["codeSystem"]}
    gender = systems["http://hl7.org/fhir/administrative-gender"]
    assert terminology["resourceType"] == "TerminologyCapabilities"
    assert gender["version"][0]["code"] and "http://snomed.info/sct" not in systems
    below = {"clinical-status:below": "http://terminology.hl7.org/CodeSystem/condition-clinical|active", "_count": "0"}
    assert gender["subsumption"] and api.get("Condition", params=below).status_code == 200


@pytest.mark.parametrize("mode", ["full", "normative", "terminology"])
def test_each_statement_is_valid(api: httpx.Client, mode: str) -> None:
    body = api.get("metadata", params={"mode": mode}).json()

    answer = api.post(f"{body['resourceType']}/$validate", json=body)

    assert [each for each in answer.json()["issue"] if each["severity"] in ("error", "fatal")] == []


@pytest.mark.parametrize("query", ["mode=everything", "colour=red", "mode="])
def test_what_metadata_does_not_know_is_refused(api: httpx.Client, query: str) -> None:
    assert api.get(f"metadata?{query}").status_code == 400
    assert api.get("metadata?colour=red", headers={"Prefer": "handling=lenient"}).status_code == 200
