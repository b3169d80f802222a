"""Composition/$document over HTTP."""

from typing import Any

import httpx
import pytest

Resource = dict[str, Any]


class Filed:
    """A discharge summary: its author's organisation is two references away, a namesake of the patient two as well."""

    def __init__(self, api: httpx.Client, n: str) -> None:
        self.api, self.n = api, n
        self.put("Organization", "org", name="病院")
        self.put("Practitioner", "doctor")
        self.put("Patient", "mother")
        self.put("Patient", "person", managingOrganization=self.ref("Organization", "org"))
        self.put("PractitionerRole", "role", practitioner=self.ref("Practitioner", "doctor"))
        self.put(
            "Observation",
            "gaf",
            status="final",
            code={"text": "GAF"},
            subject=self.ref("Patient", "person"),
            focus=[self.ref("Patient", "mother")],
        )
        self.put(
            "Composition",
            "summary",
            status="final",
            type={"text": "退院時サマリー"},
            date="2026-11-22",
            title="退院時サマリー",
            subject=self.ref("Patient", "person"),
            author=[self.ref("PractitionerRole", "role")],
            section=[{"entry": [self.ref("Observation", "gaf")]}],
        )

    def ref(self, resource_type: str, name: str) -> Resource:
        return {"reference": f"{resource_type}/{self.n}-{name}"}

    def put(self, resource_type: str, called: str, **content: Any) -> None:
        body = {"resourceType": resource_type, "id": f"{self.n}-{called}"} | content
        answer = self.api.put(f"{resource_type}/{self.n}-{called}", json=body)
        assert answer.status_code == 201, answer.text

    def document(self, query: str = "") -> Resource:
        answer = self.api.get(f"Composition/{self.n}-summary/$document{query}")
        assert answer.status_code == 200, answer.text
        body: Resource = answer.json()
        return body

    def names(self, document: Resource) -> list[str]:
        return [entry["resource"]["id"].removeprefix(f"{self.n}-") for entry in document["entry"]]


@pytest.fixture
def filed(api: httpx.Client, new_id: str) -> Filed:
    return Filed(api, new_id)


def test_the_composition_is_first_and_all_that_it_leads_to_follows(filed: Filed) -> None:
    names = filed.names(filed.document())

    assert names[0] == "summary"
    assert sorted(names[1:]) == ["doctor", "gaf", "org", "person", "role"]


def test_another_patient_is_not_in_the_document(filed: Filed) -> None:
    assert "mother" not in filed.names(filed.document())


def test_it_is_a_document_with_identifier_and_time_whose_entries_have_their_urls(filed: Filed) -> None:
    document = filed.document()

    assert document["type"] == "document"
    assert document["identifier"]["system"] == "urn:ietf:rfc:3986"
    assert document["identifier"]["value"].startswith("urn:uuid:")
    assert document["timestamp"]
    assert document["entry"][0]["fullUrl"] == f"{str(filed.api.base_url).rstrip('/')}/Composition/{filed.n}-summary"
    assert "id" not in document


def test_every_document_has_an_identifier_of_its_own(filed: Filed) -> None:
    assert filed.document()["identifier"] != filed.document()["identifier"]


def test_with_persist_it_is_stored_and_found(filed: Filed) -> None:
    document = filed.document("?persist=true")

    assert filed.api.get(f"Bundle/{document['id']}").json() == document
    system, value = document["identifier"]["system"], document["identifier"]["value"]
    assert filed.api.get("Bundle", params={"identifier": f"{system}|{value}"}).json()["total"] == 1


def test_it_is_asked_of_the_type_by_id_or_reference(filed: Filed) -> None:
    for name in (f"{filed.n}-summary", f"Composition/{filed.n}-summary"):
        answer = filed.api.get("Composition/$document", params={"id": name})
        assert filed.names(answer.json())[0] == "summary"
        parameters = {"resourceType": "Parameters", "parameter": [{"name": "id", "valueUri": name}]}
        assert filed.api.post("Composition/$document", json=parameters).status_code == 200


@pytest.mark.parametrize("query", ["", "?id=Patient/1", "?id=1&persist=yes", "?colour=red"])
def test_a_wrong_question_is_refused(api: httpx.Client, query: str) -> None:
    assert api.get(f"Composition/$document{query}").status_code == 400


def test_there_is_no_document_of_a_composition_that_is_not_there(api: httpx.Client, new_id: str) -> None:
    assert api.get(f"Composition/{new_id}/$document").status_code == 404
