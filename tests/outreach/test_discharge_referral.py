"""A person leaves the hospital after seven years, and the city takes over: the whole way, over HTTP.

The hospital sends its referral (診療情報提供書). The city finds it in its inbox, reads the case, accepts, and answers
with team, goals and plans. The hospital and the visiting-nurse station read the plan. Later the discharge summary
comes.
"""

from typing import Any

import httpx

from fhir_service.outreach.codes import OUTREACH
from tests.outreach.region import Region, locations, outcome

CITY = "9990001100"


def test_the_referral_becomes_a_task_in_the_citys_inbox(region: Region) -> None:
    answer = region.submit(region.sample("referral-to-outreach"))

    assert answer.status_code == 201, answer.text
    (task,) = region.inbox(CITY)
    assert task["code"]["coding"][0]["code"] == "intake"
    assert task["description"].startswith("退院後のアウトリーチ支援のお願い。")
    assert task["for"]["reference"] == f"Patient/{region.patient()['id']}"
    request = region.read(task["focus"]["reference"])
    assert request["category"][0]["coding"][0]["code"] == "outreach-request"
    reasons = [region.read(each["reference"])["code"]["text"] for each in request["reasonReference"]]
    assert reasons == ["統合失調症", "2型糖尿病"]


def test_what_the_server_makes_of_a_referral_conforms_to_our_profiles(region: Region) -> None:
    region.submit(region.sample("referral-to-outreach"))
    (task,) = region.inbox(CITY)
    request = region.read(task["focus"]["reference"])

    for resource, profile in ((task, "outreach-task"), (request, "outreach-request")):
        answer = region.api.post(
            f"{resource['resourceType']}/$validate?profile={OUTREACH}/StructureDefinition/{profile}", json=resource
        )

        issues = answer.json()["issue"]
        assert [issue for issue in issues if issue["severity"] in ("error", "fatal", "warning")] == [], profile


def test_the_city_reads_everything_about_the_person(region: Region) -> None:
    region.submit(region.sample("referral-to-outreach"))
    patient = region.patient()

    everything = region.search(f"Patient/{patient['id']}/$everything?_count=10")

    kinds = {resource["resourceType"] for resource in everything}
    assert everything[0]["id"] == patient["id"]
    assert {"Condition", "Encounter", "MedicationRequest", "CarePlan", "Consent", "Task", "Provenance"} <= kinds
    assert {"Organization", "Practitioner"} <= kinds
    assert "青葉こころの病院" in {
        resource.get("name") for resource in everything if resource["resourceType"] == "Organization"
    }


def test_the_city_accepts_and_answers_with_a_plan_that_the_others_read(region: Region) -> None:
    region.submit(region.sample("referral-to-outreach"))
    (task,) = region.inbox(CITY)

    accepted = region.put(task | {"status": "accepted"})
    answered = region.post(region.sample("municipality-answer"))

    assert accepted.status_code == 200, accepted.text
    assert answered.status_code == 200, answered.text
    assert region.inbox(CITY) == []
    plans = region.search(
        f"CarePlan?patient.identifier={region.patient_number}&status=active&_include=CarePlan:care-team"
    )
    titles = {plan["title"] for plan in plans if plan["resourceType"] == "CarePlan"}
    teams = [team for team in plans if team["resourceType"] == "CareTeam"]
    assert titles == {"個別支援計画", "クライシスプラン"}
    assert [team["name"] for team in teams] == ["潮風市アウトリーチ支援チーム(水野さん)"]


def test_the_citys_answer_sent_again_makes_nothing_new(region: Region) -> None:
    region.submit(region.sample("referral-to-outreach"))
    first = region.post(region.sample("municipality-answer")).json()

    again = region.post(region.sample("municipality-answer")).json()

    places = [[entry["response"]["location"] for entry in answer["entry"]] for answer in (first, again)]
    assert places[0] == places[1]
    assert {entry["response"]["status"] for entry in again["entry"]} == {"200 OK"}


def test_the_episode_refers_to_the_hospitals_request(region: Region) -> None:
    region.submit(region.sample("referral-to-outreach"))
    (task,) = region.inbox(CITY)

    region.post(region.sample("municipality-answer"))

    (episode,) = region.search(f"EpisodeOfCare?patient=Patient/{region.patient()['id']}")
    assert episode["referralRequest"][0]["reference"] == task["focus"]["reference"]
    visits = region.search(f"Encounter?episode-of-care=EpisodeOfCare/{episode['id']}")
    assert [visit["class"]["code"] for visit in visits] == ["HH"]


def test_the_discharge_summary_is_filed_to_the_same_person_and_asks_for_nothing(region: Region) -> None:
    region.submit(region.sample("referral-to-outreach"))
    patient = region.patient()

    answer = region.submit(region.sample("discharge-summary"))

    assert answer.status_code == 201, answer.text
    assert locations(answer.json(), "Patient") == [f"Patient/{patient['id']}/_history/1"]
    assert locations(answer.json(), "Task") == []
    assert [issue["severity"] for issue in outcome(answer.json())] == ["information", "warning"]
    documents = region.search(f"DocumentReference?patient=Patient/{patient['id']}&type=18842-5")
    assert [document["description"] for document in documents] == ["退院時サマリー"]


def test_a_discharge_summary_that_names_a_recipient_asks_them(region: Region) -> None:
    summary, referral = region.sample("discharge-summary"), region.sample("referral-to-outreach")
    (city,) = [entry for entry in referral["entry"] if entry["resource"].get("name") == "潮風市"]
    recipient = referral["entry"][0]["resource"]["section"][1]
    summary["entry"].append(city)
    summary["entry"][0]["resource"]["section"].append(recipient)

    answer = region.submit(summary)

    assert answer.status_code == 201, answer.text
    assert len(region.inbox(CITY)) == 1


class TestTheTask:
    """What the city may do with the task of a referral."""

    def task(self, region: Region) -> dict[str, Any]:
        region.submit(region.sample("referral-to-outreach"))
        (task,) = region.inbox(CITY)
        return task

    def test_it_is_refused_with_a_reason(self, region: Region) -> None:
        task = self.task(region)

        silent = region.put(task | {"status": "rejected"})
        explained = region.put(task | {"status": "rejected", "statusReason": {"text": "他の市へ転居される予定のため"}})

        assert_refused(silent, "Task.statusReason")
        assert explained.status_code == 200

    def test_it_is_completed_and_then_it_is_over(self, region: Region) -> None:
        task = self.task(region)

        done = [region.put(task | {"status": status}).status_code for status in ("accepted", "completed")]
        back = region.put(task | {"status": "requested"})

        assert done == [200, 200]
        assert_refused(back, "Task.status")

    def test_the_rule_holds_for_a_patch_and_in_a_transaction_too(self, region: Region) -> None:
        task = self.task(region)
        region.put(task | {"status": "completed"})
        patch = [{"op": "replace", "path": "/status", "value": "requested"}]
        url = f"Task/{task['id']}"
        back = task | {"status": "requested"}
        transaction = {"resourceType": "Bundle", "type": "transaction"} | {
            "entry": [{"resource": back, "request": {"method": "PUT", "url": url}}]
        }

        patched = region.api.patch(url, json=patch, headers={"Content-Type": "application/json-patch+json"})
        posted = region.post(transaction)

        assert_refused(patched, "Task.status")
        assert_refused(posted, "Bundle.entry[0].resource.status")


def assert_refused(answer: httpx.Response, expression: str) -> None:
    assert answer.status_code == 422, answer.text
    (issue,) = answer.json()["issue"]
    assert issue["expression"] == [expression]
