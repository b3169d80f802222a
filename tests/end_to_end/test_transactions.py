"""Transactions over HTTP, in both formats, and through a power cut."""

import threading
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

SYSTEM = "http://example.jp/transactions"
XML = "application/fhir+xml"


def transaction(value: str, size: int) -> dict[str, Any]:
    """Return a transaction of a patient with this identifier and `size` - 1 observations of it."""
    urn = f"urn:uuid:{uuid4()}"
    patient = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}]}
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "体重"},
        "subject": {"reference": urn},
    }
    entries = [{"fullUrl": urn, "resource": patient, "request": {"method": "POST", "url": "Patient"}}]
    entries += [{"resource": observation, "request": {"method": "POST", "url": "Observation"}} for _ in range(size - 1)]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@pytest.fixture
def client(server: Any) -> Any:
    with httpx.Client(base_url=f"{server.base}/", timeout=30) as made:
        yield made


def total(client: httpx.Client, resource_type: str, **parameters: str) -> int:
    """Return how many resources a search finds."""
    return int(client.get(resource_type, params=parameters | {"_summary": "count"}).json()["total"])


def test_a_transaction_is_understood_and_answered_in_xml(client: httpx.Client) -> None:
    value = uuid4().hex
    xml = f"""<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry>
        <fullUrl value="urn:uuid:{uuid4()}"/>
        <resource><Patient>
            <identifier><system value="{SYSTEM}"/><value value="{value}"/></identifier>
        </Patient></resource>
        <request><method value="POST"/><url value="Patient"/></request>
    </entry></Bundle>"""

    answer = client.post("", content=xml.encode(), headers={"Content-Type": XML, "Accept": XML})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(XML)
    assert '<type value="transaction-response"/>' in answer.text and '<status value="201 Created"/>' in answer.text
    assert total(client, "Patient", identifier=value) == 1


def test_a_patch_is_understood_in_xml_and_json(client: httpx.Client) -> None:
    patient = client.post("Patient", json={"resourceType": "Patient"}).json()["id"]
    xml = """<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
        <part><name value="type"/><valueCode value="add"/></part>
        <part><name value="path"/><valueString value="Patient"/></part>
        <part><name value="name"/><valueString value="gender"/></part>
        <part><name value="value"/><valueCode value="female"/></part>
    </parameter></Parameters>"""

    by_xml = client.patch(f"Patient/{patient}", content=xml.encode(), headers={"Content-Type": XML})
    by_json = client.patch(
        f"Patient/{patient}",
        content=b'[{"op":"test","path":"/gender","value":"female"},{"op":"add","path":"/active","value":true}]',
        headers={"Content-Type": "application/json-patch+json; charset=utf-8"},
    )

    assert (by_xml.status_code, by_json.status_code) == (200, 200)
    assert (by_json.json()["gender"], by_json.json()["active"]) == ("female", True)


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType":"Bundle","type":"transaction","entry":{}}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[null]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":[]}]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":{},"url":[]}}]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Patient"},"resource":7}]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"GET","url":"%"}}]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Patient"},"resource":'
        b'{"resourceType":"Patient","link":[{"other":{"reference":["x"]}}]}}]}',
    ],
)
def test_a_malformed_transaction_is_refused_with_an_outcome(client: httpx.Client, body: bytes) -> None:
    answer = client.post("", content=body, headers={"Content-Type": "application/fhir+json"})

    assert 400 <= answer.status_code < 500
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["expression"][0].startswith("Bundle.entry")


def test_after_a_power_cut_each_transaction_is_there_whole_or_not_at_all(start_server: Any) -> None:
    server = start_server()
    size, clients = 40, 4
    sent: list[str] = []
    acknowledged: list[str] = []

    def write() -> None:
        with httpx.Client(base_url=f"{server.base}/", timeout=30) as client:
            while True:
                value = uuid4().hex
                sent.append(value)
                try:
                    answer = client.post("", json=transaction(value, size), headers={"Prefer": "return=minimal"})
                except httpx.HTTPError:
                    return
                assert answer.status_code == 200
                acknowledged.append(value)

    writers = [threading.Thread(target=write) for _ in range(clients)]
    for writer in writers:
        writer.start()
    while len(acknowledged) < 3 * clients:
        time.sleep(0.02)
    server.kill()
    for writer in writers:
        writer.join(timeout=30)

    again = start_server(data_dir=server.data_dir)
    with httpx.Client(base_url=f"{again.base}/", timeout=30) as client:
        found = {
            value: (
                total(client, "Patient", identifier=f"{SYSTEM}|{value}"),
                total(client, "Observation", **{"patient.identifier": f"{SYSTEM}|{value}"}),
            )
            for value in sent
        }
        everything = total(client, "Observation")
        written_on = client.post("", json=transaction(uuid4().hex, size)).status_code

    assert {found[value] for value in acknowledged} == {(1, size - 1)}
    assert set(found.values()) <= {(1, size - 1), (0, 0)}
    assert everything == sum(observations for _, observations in found.values())
    assert written_on == 200
