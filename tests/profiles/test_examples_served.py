"""A server takes every valid example as it is, and finds the examples by our own search parameters."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fhir_service.fhir.json import encode
from tests.conftest import StartServer
from tests.profiles.files import OUTREACH, PROFILES, example_files, read

CASE = "EpisodeOfCare/episode-of-care-full"
CODES = f"{OUTREACH}/CodeSystem"

# A search by each of our parameters, and an example that it finds.
SEARCHES = {
    "careteam-role": (f"CareTeam?role={CODES}/team-function|psychiatrist-liaison", "care-team-full"),
    "case": (f"Observation?case={CASE}", "gaf-full"),
    "composition-report-recipient": (
        "Composition?report-recipient=Organization/organization-prefecture",
        "composition-new-full",
    ),
    "encounter-consultation-topic": ("Encounter?consultation-topic=rehabilitation", "encounter-full"),
    "encounter-performing-organization-type": ("Encounter?performing-organization-type=municipality", "encounter-full"),
    "episodeofcare-target-category": (
        f"EpisodeOfCare?target-category={CODES}/target-category|hikikomori",
        "episode-of-care-hikikomori",
    ),
    "episodeofcare-team": ("EpisodeOfCare?team=CareTeam/care-team-full", "episode-of-care-full"),
    "flag-code": (f"Flag?code={CODES}/risk|self-harm", "flag-self-harm"),
    "flag-status": ("Flag?status=active", "flag-full"),
    "procedure-outcome": ("Procedure?outcome=close", "case-conference-closure"),
    "provenance-activity": ("Provenance?activity=disclosure", "provenance-full"),
    "task-due": ("Task?due=lt2027-12-31", "task-full"),
}  # fmt: skip
# Found by the tests of what they are for.
ELSEWHERE = {"list-current-item", "practitioner-qualification-identifier"}

CASE_TYPES = (
    "CarePlan", "CareTeam", "ClinicalImpression", "Communication", "Composition", "Encounter", "Flag", "Observation",
    "Procedure", "QuestionnaireResponse",
)  # fmt: skip


def valid_examples() -> list[dict[str, Any]]:
    return [read(file) for file in example_files() if not file.stem.startswith("error-")]


@pytest.fixture(scope="module")
def api(_servers: StartServer) -> Iterator[httpx.Client]:
    """A server that holds every valid example."""
    server = _servers(env={"FHIR_SERVICE_REFERENTIAL_INTEGRITY": "off"})
    with httpx.Client(
        base_url=f"{server.base}/", headers={"Content-Type": "application/fhir+json"}, timeout=60
    ) as client:
        entries = [
            {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
            for each in valid_examples()
        ]
        answer = client.post("", content=encode({"resourceType": "Bundle", "type": "batch", "entry": entries}))
        assert answer.status_code == 200, answer.text
        refused = [
            (entry["request"]["url"], each["response"])
            for entry, each in zip(entries, answer.json()["entry"], strict=True)
            if not each["response"]["status"].startswith("201")
        ]
        assert refused == []
        yield client
    server.stop()


def found(api: httpx.Client, search: str) -> set[str]:
    answer = api.get(search, params={"_count": "500"} if "?" not in search else None)
    assert answer.status_code == 200, answer.text
    return {entry["resource"]["id"] for entry in answer.json().get("entry", ())}


def test_every_search_parameter_of_ours_is_tried() -> None:
    assert {file.stem for file in (PROFILES / "search-parameters").glob("*.json")} == {*SEARCHES, *ELSEWHERE}


@pytest.mark.parametrize("parameter", SEARCHES)
def test_a_search_parameter_finds_its_example(parameter: str, api: httpx.Client) -> None:
    search, example = SEARCHES[parameter]

    assert example in found(api, f"{search}&_count=500")


@pytest.mark.parametrize("resource_type", CASE_TYPES)
def test_the_records_of_a_case_are_found_by_one_name_on_every_type(resource_type: str, api: httpx.Client) -> None:
    of_the_case = found(api, f"{resource_type}?case={CASE}&_count=500")
    of_none = found(api, f"{resource_type}?case=EpisodeOfCare/nobody&_count=500")

    assert of_the_case
    assert of_none == set()


def test_overdue_tasks_are_found_by_their_deadline(api: httpx.Client) -> None:
    open_tasks = "Task?status=requested,accepted,in-progress"

    every = found(api, f"{open_tasks}&_count=500")
    overdue = found(api, f"{open_tasks}&due=lt2000-01-01&_count=500")

    assert every
    assert overdue == set()


def test_a_conference_is_found_by_agenda_and_decision(api: httpx.Client) -> None:
    search = "Procedure?code=selection&status=completed&outcome=accept&subject=Patient/patient-full"

    conferences = found(api, search)

    assert "case-conference-full" in conferences
    assert conferences.isdisjoint({"case-conference-six-month", "case-conference-closure"})


def test_a_document_is_kept_as_it_was_sent(api: httpx.Client) -> None:
    kept = api.get("Bundle/document-new-full").json()
    sent = next(each for each in valid_examples() if each["id"] == "document-new-full")

    assert kept["entry"] == sent["entry"]


def test_every_wrong_example_is_refused_and_told_why_in_japanese(api: httpx.Client) -> None:
    wrong = {file: read(file) for file in example_files() if file.stem.startswith("error-")}
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in wrong.values()
    ]

    answer = api.post("", content=encode({"resourceType": "Bundle", "type": "batch", "entry": entries})).json()

    told = {file: _told(entry["response"]) for file, entry in zip(wrong, answer["entry"], strict=True)}
    assert [
        f"{file.parent.name}/{file.stem}" for file, (status, _) in told.items() if status not in ("400", "422")
    ] == []
    rules = {file: text for file, (_, text) in told.items() if file.stem.startswith("error-outreach-")}
    assert [file.stem for file, text in rules.items() if f"規則 {file.stem.removeprefix('error-')}" not in text] == []


def _told(response: dict[str, Any]) -> tuple[str, str]:
    """Return the status of a response, and what its OperationOutcome says."""
    issues = response.get("outcome", {}).get("issue", ())
    return response["status"][:3], " ".join(json.dumps(issue, ensure_ascii=False) for issue in issues)
