"""Patient/[id]/$everything over HTTP; that of groups, encounters and episodes is in `test_everything_of_others.py`."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

FHIR_JSON = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
Resource = dict[str, Any]


class Person:
    """A patient with ten observations, one for each month of 2026 up to October, a plan, a doctor and a namesake."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.id = uuid.uuid4().hex
        subject = {"reference": f"Patient/{self.id}"}
        doctor = {"reference": f"Practitioner/{self.id}-doctor"}
        other = {"resourceType": "Patient", "id": f"{self.id}-other"}
        self.put({"resourceType": "Practitioner", "id": f"{self.id}-doctor"})
        self.put({"resourceType": "Patient", "id": self.id, "generalPractitioner": [doctor]})
        self.put(other | {"link": [{"other": subject, "type": "seealso"}]})
        for month in range(1, 11):
            self.put(
                {
                    "resourceType": "Observation",
                    "id": f"{self.id}-{month}",
                    "status": "final",
                    "code": {"text": "GAF"},
                    "subject": subject,
                    "performer": [doctor],
                    "effectiveDateTime": f"2026-{month:02d}-15",
                }
            )
        plan = {"resourceType": "CarePlan", "id": f"{self.id}-plan", "status": "active", "intent": "plan"}
        self.put(plan | {"subject": subject, "period": {"start": "2026-03-01", "end": "2026-08-31"}})
        self.put(
            {"resourceType": "Flag", "id": f"{self.id}-flag", "status": "active", "code": {"text": "x"}}
            | {"subject": subject}
        )

    def put(self, resource: Resource) -> None:
        answer = self.api.put(f"{resource['resourceType']}/{resource['id']}", json=resource, headers=FHIR_JSON)
        assert answer.status_code == 201, answer.text

    def everything(self, query: str = "") -> list[Resource]:
        """Return the entries of all pages."""
        url = f"Patient/{self.id}/$everything{query}"
        entries: list[Resource] = []
        while url:
            answer = self.api.get(url, headers=FHIR_JSON)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            entries += page.get("entry", [])
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        return entries

    def keys(self, query: str = "") -> list[str]:
        """Return what is found, the person's own id left out of the names: `Observation-3`."""
        found = (entry["resource"] for entry in self.everything(query))
        return [f"{each['resourceType']}{each['id'].removeprefix(self.id)}" for each in found]


@pytest.fixture(scope="module")
def person(server: Any) -> Iterator[Person]:
    with httpx.Client(base_url=f"{server.base}/", timeout=30) as api:
        yield Person(api)


def test_it_gives_the_patient_first_then_the_compartment_and_what_that_refers_to(person: Person) -> None:
    keys = person.keys("?_count=100")

    assert keys[0] == "Patient"
    assert sorted(keys) == sorted(
        ["Patient", "CarePlan-plan", "Flag-flag", "Practitioner-doctor", *(f"Observation-{n}" for n in range(1, 11))]
    )


def test_another_patient_is_never_given(person: Person) -> None:
    assert "Patient-other" not in person.keys("?_count=100")


def test_entries_say_whether_they_match_or_are_included(person: Person) -> None:
    modes = {entry["resource"]["resourceType"]: entry["search"]["mode"] for entry in person.everything()}

    assert modes == {
        "Patient": "match",
        "Observation": "match",
        "CarePlan": "match",
        "Flag": "match",
        "Practitioner": "include",
    }


def test_pages_hold_all_and_nothing_twice(person: Person) -> None:
    keys = person.keys("?_count=3")

    assert len(keys) == len(set(keys)) == 14
    assert "Practitioner-doctor" in keys


def test_no_page_is_empty_where_since_leaves_out_nearly_all(person: Person) -> None:
    observed = person.api.get(f"Observation/{person.id}-9", headers=FHIR_JSON).json()
    person.put(observed | {"id": f"{person.id}-new", "effectiveDateTime": "2026-11-01"})
    changed = person.api.get(f"Observation/{person.id}-new", headers=FHIR_JSON).json()["meta"]["lastUpdated"]
    url = f"Patient/{person.id}/$everything?_count=2&_since={changed.replace('+', '%2B')}"

    page = person.api.get(url, headers=FHIR_JSON).json()

    person.api.delete(f"Observation/{person.id}-new")
    assert [entry["resource"]["id"] for entry in page["entry"]] == [f"{person.id}-new"]


def test_start_and_end_choose_by_the_dates_of_care_and_keep_what_has_none(person: Person) -> None:
    keys = set(person.keys("?start=2026-05-01&end=2026-06-30"))

    assert keys == {"Patient", "Observation-5", "Observation-6", "CarePlan-plan", "Flag-flag", "Practitioner-doctor"}


def test_dates_that_leave_little_of_each_page_still_page_through(person: Person) -> None:
    assert {"Observation-9"} == {
        key for key in person.keys("?start=2026-09&end=2026-09&_count=1") if "Observation" in key
    }


def test_type_chooses_types_and_those_that_only_others_refer_to(person: Person) -> None:
    assert set(person.keys("?_type=CarePlan,Patient")) == {"Patient", "CarePlan-plan"}
    assert set(person.keys("?_type=Practitioner")) == {"Practitioner-doctor"}


def test_since_leaves_out_what_has_not_changed(person: Person) -> None:
    assert person.keys("?_since=2999-01-01T00:00:00Z") == []


def test_it_can_be_posted_with_parameters(person: Person) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "CarePlan"}]}

    answer = person.api.post(f"Patient/{person.id}/$everything", json=body, headers=FHIR_JSON)

    assert [entry["resource"]["resourceType"] for entry in answer.json()["entry"]] == ["CarePlan"]


@pytest.mark.parametrize(
    "query", ["?_count=0", "?_count=x", "?start=yesterday", "?_type=Robot", "?colour=red", "?_cursor=abc"]
)
def test_a_wrong_parameter_is_refused(person: Person, query: str) -> None:
    answer = person.api.get(f"Patient/{person.id}/$everything{query}", headers=FHIR_JSON)

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_there_is_nothing_of_a_patient_who_is_not_there(person: Person) -> None:
    gone = f"{uuid.uuid4().hex}"
    person.put({"resourceType": "Patient", "id": gone})
    person.api.delete(f"Patient/{gone}")

    assert person.api.get("Patient/nobody-at-all/$everything").status_code == 404
    assert person.api.get(f"Patient/{gone}/$everything").status_code == 410
    assert person.api.get("Observation/1/$everything").status_code == 404
