"""$validate over HTTP."""

from typing import Any

import httpx
import pytest

from fhir_service.fhir.definitions import Definitions

CASE = {"system": "https://example.jp/fhir/outreach/CodeSystem/case-task", "code": "referral"}
PATIENT = {"resourceType": "Patient", "gender": "male"}


def validated(api: httpx.Client, path: str, body: Any = None) -> list[dict[str, Any]]:
    """Return the issues of the outcome, which is always 200."""
    answer = api.post(f"{path}", json=body) if body is not None else api.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    issues: list[dict[str, Any]] = answer.json()["issue"]
    return issues


def said(issues: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(issue["severity"], issue["code"]) for issue in issues]


def parameters(resource: Any = None, **others: str) -> dict[str, Any]:
    given: list[dict[str, Any]] = [{"name": name, "valueString": value} for name, value in others.items()]
    if resource is not None:
        given.append({"name": "resource", "resource": resource})
    return {"resourceType": "Parameters", "parameter": given}


@pytest.fixture
def patient(api: httpx.Client, new_id: str) -> str:
    assert api.put(f"Patient/{new_id}", json=PATIENT | {"id": new_id}).status_code == 201
    return f"Patient/{new_id}"


ALL_OK = [("information", "informational")]


@pytest.mark.parametrize("body", [PATIENT, parameters(PATIENT), parameters(PATIENT, mode="create")])
def test_what_is_right_is_told_so(api: httpx.Client, body: Any) -> None:
    assert said(validated(api, "Patient/$validate", body)) == ALL_OK


def test_nothing_is_stored(api: httpx.Client, new_id: str) -> None:
    validated(api, "Patient/$validate", parameters(PATIENT | {"id": new_id}, mode="create"))

    assert api.get(f"Patient/{new_id}").status_code == 404


def test_every_error_is_told_with_its_place(api: httpx.Client) -> None:
    issues = validated(api, "Patient/$validate", {"resourceType": "Patient", "colour": "red", "birthDate": "soon"})

    assert {issue["expression"][0] for issue in issues} == {"Patient.colour", "Patient.birthDate"}
    assert {issue["severity"] for issue in issues} == {"error"}


def test_another_type_than_that_of_the_url_is_an_error(api: httpx.Client) -> None:
    assert said(validated(api, "Observation/$validate", PATIENT)) == [("error", "invalid")]


def test_a_parameters_resource_is_validated_itself_where_the_url_says_so(api: httpx.Client) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "x", "valueString": "y"}]}

    assert said(validated(api, "Parameters/$validate", body)) == ALL_OK
    assert said(validated(api, "Parameters/$validate", {"resourceType": "Parameters", "x": 1}))[0][0] == "error"
    assert said(validated(api, "Parameters/$validate", parameters(body))) == ALL_OK


def test_the_instance_is_validated_as_it_stands(api: httpx.Client, patient: str) -> None:
    assert said(validated(api, f"{patient}/$validate")) == ALL_OK
    assert api.get(f"{patient}x/$validate").status_code == 404


def test_a_create_needs_what_it_refers_to(api: httpx.Client, new_id: str) -> None:
    body = PATIENT | {"managingOrganization": {"reference": f"Organization/{new_id}"}}

    issues = validated(api, "Patient/$validate", parameters(body, mode="create"))

    assert said(issues) == [("error", "conflict")]
    assert issues[0]["expression"] == ["Patient.managingOrganization"]
    assert said(validated(api, "Patient/$validate", body)) == ALL_OK


def test_an_update_needs_the_id_of_the_instance(api: httpx.Client, patient: str) -> None:
    right = PATIENT | {"id": patient.partition("/")[2]}

    assert said(validated(api, f"{patient}/$validate", parameters(right, mode="update"))) == ALL_OK
    wrong = validated(api, f"{patient}/$validate", parameters(PATIENT | {"id": "other"}, mode="update"))
    assert said(wrong) == [("error", "invalid")]


def test_an_update_must_keep_the_rules_of_its_type(api: httpx.Client, new_id: str) -> None:
    task = {"resourceType": "Task", "id": new_id, "status": "completed", "intent": "order", "code": {"coding": [CASE]}}
    api.put(f"Task/{new_id}", json=task)

    issues = validated(api, f"Task/{new_id}/$validate", parameters(task | {"status": "requested"}, mode="update"))

    assert issues[0]["severity"] == "error"


def test_what_is_referred_to_cannot_be_deleted(api: httpx.Client, patient: str, new_id: str) -> None:
    assert said(validated(api, f"{patient}/$validate?mode=delete")) == ALL_OK
    flag = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}, "subject": {"reference": patient}}
    api.post("Flag", json=flag)

    assert said(validated(api, f"{patient}/$validate?mode=delete")) == [("error", "conflict")]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("http://hl7.org/fhir/StructureDefinition/Patient", ALL_OK),
        ("http://example.jp/nothing", [("error", "not-found")]),
    ],
)
def test_a_profile_that_cannot_be_checked_is_no_success(
    api: httpx.Client, patient: str, profile: str, expected: Any
) -> None:
    assert said(validated(api, "Patient/$validate", parameters(PATIENT, profile=profile))) == expected
    assert said(validated(api, f"{patient}/$validate?mode=profile&profile={profile}")) == expected


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("mode=profile", "profile"),
        ("mode=delete&profile=http://example.jp/p", "profile"),
        ("mode=update&mode=create", "mode"),
        ("mode=update", "resource"),
        ("mode=", "create, update, delete, profile"),
        ("mode=check", "create, update, delete, profile"),
        ("mode=delete&mustSupport=true", "mustSupport"),
        ("mustSupport=yes", "true or false"),
        ("bestPractice=1", "true or false"),
        ("mustSupport=true&mustSupport=false", "mustSupport"),
        ("mustsupport=true", "bestPractice, mode, mustSupport, profile, resource"),
        ("profil=x", "bestPractice, mode, mustSupport, profile, resource"),
        ("resource=x", "リソースで送ってください"),
    ],
)
def test_a_mode_without_what_it_needs_is_refused_with_what_is_missing(
    api: httpx.Client, patient: str, query: str, named: str
) -> None:
    answer = api.get(f"{patient}/$validate?{query}")

    assert answer.status_code == 400
    assert named in answer.text


OURS = "https://example.jp/fhir/outreach/StructureDefinition/outreach-patient"


def rules(issues: list[dict[str, Any]]) -> dict[str, str]:
    """Return the severity of each issue by its rule."""
    told = (each["details"]["text"].partition(" / ")[0] for each in issues)
    named = (text.rpartition("(規則 ")[2].partition("、")[0].rstrip(")") for text in told)
    return dict(zip(named, (each["severity"] for each in issues), strict=True))


@pytest.mark.parametrize("as_body", [False, True])
def test_what_must_be_supported_and_what_is_advised_is_told_to_whoever_asks(api: httpx.Client, as_body: bool) -> None:
    someone = PATIENT | {"name": [{"text": "山田 太郎"}], "meta": {"profile": [OURS]}}

    def told(**flags: bool) -> dict[str, str]:
        if as_body:
            asked = parameters(someone)
            asked["parameter"] += [{"name": name, "valueBoolean": value} for name, value in flags.items()]
            return rules(validated(api, "Patient/$validate", asked))
        query = "&".join(f"{name}={str(value).lower()}" for name, value in flags.items())
        return rules(validated(api, f"Patient/$validate?{query}", someone))

    nothing = told()
    assert {"must-support", "dom-6"}.isdisjoint(nothing)
    assert told(mustSupport=True) == nothing | {"must-support": "information"}
    assert told(bestPractice=True) == nothing | {"dom-6": "warning"}
    assert told(mustSupport=False, bestPractice=False) == nothing


def test_the_operation_is_defined_with_what_it_takes(api: httpx.Client) -> None:
    offered = api.get("metadata").json()["rest"][0]["resource"]
    [url] = {each["definition"] for kind in offered for each in kind["operation"] if each["name"] == "validate"}

    definition = Definitions.load().find(url)

    assert definition is not None
    taken = {each["name"] for each in definition["parameter"] if each["use"] == "in"}
    refusal = api.post("Patient/$validate?x=1", json=PATIENT)
    assert refusal.status_code == 400
    assert f"({', '.join(sorted(taken))})" in refusal.text


def test_a_claimed_profile_that_cannot_be_checked_is_a_warning(api: httpx.Client) -> None:
    claiming = PATIENT | {"meta": {"profile": ["http://example.jp/nothing"]}}

    assert said(validated(api, "Patient/$validate", claiming)) == [("warning", "not-found")]


def test_every_claimed_profile_that_cannot_be_checked_is_named(api: httpx.Client) -> None:
    urls = ["http://example.jp/nothing", "http://example.jp/nothing-either"]

    issues = validated(api, "Patient/$validate", PATIENT | {"meta": {"profile": urls}})

    assert [issue["details"]["text"].partition("「")[2].partition("」")[0] for issue in issues] == urls


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Patient/$validate", None),
        ("Patient/$validate?mode=create", None),
        ("Patient/$validate?mode=delete", PATIENT),
        ("Patient/$validate?mode=profile", PATIENT),
        ("Patient/$validate?mode=guess", PATIENT),
        ("Patient/$validate?colour=red", PATIENT),
        ("Patient/$validate", parameters("x")),
        ("Patient/$validate", [1]),
    ],
)
def test_what_cannot_be_understood_is_refused(api: httpx.Client, path: str, body: Any) -> None:
    assert api.post(path, json=body).status_code == 400
