"""A ward to ask about: patients, conditions and a practitioner, on the session's server."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

Json = dict[str, Any]


class Ward:
    """Two patients; the first has three conditions, a contained organisation, a doctor here and one elsewhere."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.n = uuid.uuid4().hex
        self.put("Practitioner", "doctor", name=[{"family": "佐藤"}])
        absent = {"reference": "https://elsewhere.example/fhir/Practitioner/1"}
        self.put(
            "Patient",
            "person",
            active=True,
            birthDate="1968-03-14",
            _birthDate={"extension": [{"url": "http://example.jp/time", "valueDateTime": "1968-03-14T09:00:00+09:00"}]},
            identifier=[{"system": "http://example.jp/mrn", "value": self.n}],
            name=[
                {"use": "official", "family": "水野", "given": ["光一", "太郎"]},
                {"use": "usual", "family": "ミズノ", "given": ["コウイチ"]},
            ],
            contained=[{"resourceType": "Organization", "id": "home", "name": "潮風の家"}],
            managingOrganization={"reference": "#home"},
            generalPractitioner=[self.ref("Practitioner", "doctor"), absent],
        )
        self.put("Patient", "other", name=[{"family": "山田"}])
        for number, status in enumerate(("active", "active", "resolved")):
            coding = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": status}
            self.put(
                "Condition",
                f"c{number}",
                clinicalStatus={"coding": [coding]},
                code={"text": f"状態{number}"},
                subject=self.ref("Patient", "person"),
            )

    def ref(self, resource_type: str, called: str) -> Json:
        return {"reference": f"{resource_type}/{self.n}-{called}"}

    def put(self, resource_type: str, called: str, **content: Any) -> None:
        body = {"resourceType": resource_type, "id": f"{self.n}-{called}"} | content
        answer = self.api.put(f"{resource_type}/{self.n}-{called}", json=body)
        assert answer.status_code == 201, answer.text

    def asked(self, query: str, of: str = "", **variables: Any) -> httpx.Response:
        """Ask for `query`, in which `%` stands for what begins every id."""
        path = f"{of.replace('%', self.n)}/$graphql" if of else "$graphql"
        sent = {"query": query.replace("%", self.n), "variables": variables}
        return self.api.post(path, json=sent, headers={"Content-Type": "application/json"})

    def data(self, query: str, of: str = "", **variables: Any) -> Json:
        answer = self.asked(query, of, **variables)
        assert answer.status_code == 200 and "errors" not in answer.json(), answer.text
        data: Json = answer.json()["data"]
        return data

    def of_person(self, query: str) -> Json:
        return self.data(query, "Patient/%-person")

    def errors(self, query: str, of: str = "") -> list[Json]:
        answer = self.asked(query, of)
        errors: list[Json] = answer.json()["errors"]
        assert all(each["extensions"]["resource"]["resourceType"] == "OperationOutcome" for each in errors)
        return errors


@pytest.fixture(scope="module")
def ward(server: Any) -> Iterator[Ward]:
    headers = {"Accept": "application/json", "Content-Type": "application/fhir+json"}
    with httpx.Client(base_url=f"{server.base}/", headers=headers, timeout=60) as client:
        yield Ward(client)
