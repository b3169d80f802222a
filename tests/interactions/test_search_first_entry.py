"""https://hl7.org/fhir/R4/bundle.html#search: the first entry of documents and messages, over HTTP and in memory."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from .conftest import Fhir

SYSTEM = "http://example.jp/first"
MANY = 80
"""More entries of one type than the index tells apart."""


def document(id_: str, patient: str, code: str) -> dict[str, Any]:
    """Return a document about a patient of this name, who is another than the one stored as Patient/p."""
    concept = {"coding": [{"system": SYSTEM, "code": code}]}
    conditions = {
        str(number): {
            "resourceType": "Condition",
            "id": str(number),
            "subject": {"display": "someone"},
            "code": {"coding": [{"system": SYSTEM, "code": f"{code}-{number}"}]},
            "onsetDateTime": f"20{number + 10}",
        }
        for number in range(MANY)
    }
    composition = {
        "resourceType": "Composition",
        "id": f"{id_}-c",
        "status": "final",
        "type": concept,
        "date": "2026-11-22",
        "title": f"Title of {id_}",
        "subject": {"reference": f"urn:uuid:{uuid4()}"},
        "author": [{"reference": "Practitioner/a"}],
        "section": [{"title": "s", "entry": [{"reference": f"Condition/{number}"} for number in conditions]}],
    }
    subject = composition["subject"]["reference"]  # type: ignore[index]
    base = "http://elsewhere.example/fhir"
    entries = [
        (f"{base}/Composition/{id_}-c", composition),
        (subject, {"resourceType": "Patient", "name": [{"family": patient}], "identifier": [{"value": f"{id_}-p"}]}),
        (f"{base}/Practitioner/a", {"resourceType": "Practitioner", "id": "a", "name": [{"family": "Author"}]}),
        *((f"{base}/Condition/{number}", condition) for number, condition in conditions.items()),
    ]
    return {
        "resourceType": "Bundle",
        "id": id_,
        "type": "document",
        "identifier": {"system": SYSTEM, "value": id_},
        "timestamp": "2026-11-22T10:00:00+09:00",
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
    }


def searches(one: str) -> dict[str, int]:
    """Return what is asked, of two documents of which `one` is the first, and how many there are."""
    return {
        f"Bundle?composition=Composition/{one}-c": 1,
        f"Bundle?composition={one}-c": 1,
        f"Bundle?composition._id={one}-c": 1,
        f"Bundle?composition._id={one}": 0,
        f"Bundle?composition.author:Practitioner._id=a&composition.type={one}": 1,
        "Bundle?composition=Composition/nobody": 0,
        f"Bundle?composition.type={SYSTEM}|{one}": 1,
        f"Bundle?composition.type={one}-x": 0,
        f"Bundle?composition.type:not={one}&composition.title:exact=Title of {one}": 0,
        f"Bundle?composition:Composition.title=title of {one}": 1,
        f"Bundle?composition.subject:Patient.identifier={one}-p": 1,
        f"Bundle?composition.patient.name=Inside&composition.type={one}": 1,
        f"Bundle?composition.patient.name=Stored&composition.type={one}": 0,
        f"Bundle?composition.author:Practitioner.name=author&composition.type={one}": 1,
        f"Bundle?composition.author=Practitioner/a&composition.type={one}": 1,
        f"Bundle?composition.date=2026&composition.type={one}": 1,
        f"Bundle?composition.entry:Condition.code={one}-0": 1,
        f"Bundle?composition.entry:Condition.code={SYSTEM}|{one}-{MANY - 1}": 1,
        f"Bundle?composition.entry:Condition.code={one}-{MANY}": 0,
        f"Bundle?composition:Composition.entry.code={one}-1,nothing": 1,
        f"Bundle?composition.entry:Condition.onset-date=2011&composition.type={one}": 1,
        f"Bundle?composition.entry:Condition.onset-date=2009&composition.type={one}": 0,
        f"Bundle?composition.entry:Condition.severity:missing=true&composition.type={one}": 1,
        f"Bundle?composition.entry:Condition.code:missing=true&composition.type={one}": 0,
        f"Bundle?composition.entry:Condition.code:not={one}-0&composition.type={one}": 1,
        f"Bundle?composition.entry:Condition._id=7&composition.type={one}": 1,
        f"Bundle?composition.entry:Observation.code={one}-0": 0,
        f"Bundle?_filter=composition.entry:Condition[code eq {one}-3 and onset-date eq 2013].severity pr false": 1,
        f"Bundle?_filter=composition.entry:Condition[code eq {one}-3 and onset-date eq 2014].severity pr false": 0,
        f"Bundle?composition:missing=false&identifier={one}": 1,
        f"Bundle?message:missing=true&identifier={one}": 1,
        f'Bundle?_filter=composition.type eq "{one}"': 1,
    }


def test_documents_are_found_by_their_composition_and_what_it_refers_to(api: httpx.Client) -> None:
    one, other = str(uuid4()), str(uuid4())
    for id_, patient in ((one, "Inside"), (other, "Outside")):
        assert api.put(f"Bundle/{id_}", json=document(id_, patient, id_)).status_code == 201

    found = {}
    for url in searches(one):
        answer = api.get(f"{url}&_summary=count")
        assert answer.status_code == 200, answer.text
        found[url] = answer.json()["total"]

    assert found == searches(one)


async def test_the_store_in_memory_answers_the_same(fhir: Fhir) -> None:
    await fhir.put(document("one", "Inside", "one"), document("other", "Outside", "other"))

    assert {url: await fhir.total(url) for url in searches("one")} == searches("one")


def test_a_message_is_found_by_its_header(api: httpx.Client) -> None:
    id_ = str(uuid4())
    header = {
        "resourceType": "MessageHeader",
        "id": f"{id_}-h",
        "eventUri": f"http://example.jp/event/{id_}",
        "source": {"endpoint": "http://example.jp/source"},
    }
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": f"F{id_}"}]}
    base = "http://elsewhere.example/fhir"
    entries = [
        {"fullUrl": f"{base}/MessageHeader/{id_}-h", "resource": header | {"focus": [{"reference": "Patient/p"}]}},
        {"fullUrl": f"{base}/Patient/p", "resource": patient},
    ]
    message = {"resourceType": "Bundle", "id": id_, "type": "message", "entry": entries}
    made = api.put(f"Bundle/{id_}", json=message)
    assert made.status_code == 201, made.text

    for url in (
        f"message=MessageHeader/{id_}-h",
        f"message.event=http://example.jp/event/{id_}",
        f"message.focus:Patient.family=f{id_}",
        f"message.focus=Patient/p&message.event=http://example.jp/event/{id_}",
    ):
        assert [each["resource"]["id"] for each in api.get(f"Bundle?{url}").json()["entry"]] == [id_]


def test_what_is_inside_a_document_holds_nothing_that_is_stored(api: httpx.Client) -> None:
    id_ = str(uuid4())
    assert api.put("Practitioner/a", json={"resourceType": "Practitioner", "id": "a"}).is_success
    assert api.put(f"Bundle/{id_}", json=document(id_, "Inside", id_)).status_code == 201

    included = api.get("Bundle", params={"_id": id_, "_include": "*"}).json()["entry"]

    assert len(included) == 1
    assert api.delete("Practitioner/a").is_success


@pytest.mark.parametrize(
    "url",
    [
        "Bundle?composition.entry:Condition.subject.name=x",
        "Bundle?composition.subject:Patient.organization.name=x",
        "Bundle?composition.subject.general-practitioner:Practitioner._id=x",
        "Bundle?composition.subject:Patient._has:Observation:subject:status=final",
        "Bundle?composition._has:List:item:status=current",
        "Bundle?composition.subject._list=x",
        "Bundle?_filter=composition.subject:Patient[organization.name eq x]._id eq x",
        "Bundle?_filter=not(composition.subject:Patient.organization.name eq x)",
        "Bundle?_has:Bundle:composition:status=final",
        "Bundle?_include=Bundle:composition",
        "Bundle?_sort=composition.date",
        "Composition?_has:Bundle:composition:type=document",
    ],
)
def test_what_is_not_indexed_of_a_document_is_refused(api: httpx.Client, url: str) -> None:
    answer = api.get(url)

    assert answer.status_code == 400
    assert "composition.type" in answer.json()["issue"][0]["details"]["text"]
