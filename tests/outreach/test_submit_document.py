"""$submit-document over HTTP: what is kept, what is made, what is refused."""

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.json import decode as decode_json
from fhir_service.fhir.xml import encode
from tests.outreach.region import FHIR_JSON, Region, locations, outcome, renumbered

CLINS = "data/examples/clins/Bundle-Bundle-CLINS"


def test_the_document_is_kept_byte_for_byte_and_its_hashes_say_so(region: Region) -> None:
    raw = json.dumps(region.sample("referral-to-outreach"), ensure_ascii=False, indent=3).encode() + b"\n\n"

    receipt = region.submit(raw).json()

    (binary,) = locations(receipt, "Binary")
    reference = region.read(locations(receipt, "DocumentReference")[-1])
    attachment = reference["content"][0]["attachment"]
    assert base64.b64decode(region.read(binary)["data"]) == raw
    assert attachment["size"] == len(raw)
    assert attachment["hash"] == base64.b64encode(hashlib.sha1(raw).digest()).decode()
    assert attachment["extension"][0]["valueBase64Binary"] == base64.b64encode(hashlib.sha256(raw).digest()).decode()
    assert f"{attachment['url']}/" in binary


def test_the_bundle_stands_beside_it_with_its_entries_untouched(region: Region) -> None:
    document = region.sample("discharge-summary")

    receipt = region.submit(document).json()

    kept = region.read(locations(receipt, "Bundle")[0])
    assert kept["entry"] == document["entry"]
    assert kept["identifier"] == document["identifier"]


def test_what_the_document_holds_refers_to_what_stands_here(region: Region) -> None:
    receipt = region.submit(region.sample("referral-to-outreach")).json()

    for location in (each["response"].get("location") for each in receipt["entry"]):
        if location and not location.startswith("Bundle/"):
            assert "urn:uuid:" not in json.dumps(region.read(location)), location


def test_a_resource_that_says_of_nobody_is_about_the_documents_patient(region: Region) -> None:
    document = region.sample("discharge-summary")
    for entry in document["entry"]:
        if entry["resource"]["resourceType"] in ("Encounter", "DocumentReference"):
            del entry["resource"]["subject"]

    receipt = region.submit(document).json()

    patient = f"Patient/{region.patient()['id']}"
    made = [*locations(receipt, "Encounter"), *locations(receipt, "DocumentReference")]
    assert {region.read(each)["subject"]["reference"] for each in made} == {patient}


def test_a_provenance_leads_from_each_resource_to_the_document_and_its_author(region: Region) -> None:
    receipt = region.submit(region.sample("referral-to-outreach")).json()
    condition = locations(receipt, "Condition")[0].partition("/_history")[0]

    (provenance,) = region.search(f"Provenance?target={condition}")

    reference = region.read(provenance["entity"][0]["what"]["reference"])
    assert reference["masterIdentifier"]["value"].startswith("4719900011")
    authors = [region.read(agent["who"]["reference"]) for agent in provenance["agent"]]
    assert {author["resourceType"] for author in authors} == {"Practitioner", "Organization"}


def test_the_receipt_says_what_became_of_each_entry(region: Region) -> None:
    document = region.sample("discharge-summary")

    receipt = region.submit(document).json()

    assert receipt["type"] == "transaction-response"
    told = [entry["fullUrl"] for entry in receipt["entry"] if "fullUrl" in entry]
    assert told == [entry["fullUrl"] for entry in document["entry"]]
    assert {entry["response"]["status"] for entry in receipt["entry"][:-1]} == {"201 Created"}
    assert outcome(receipt)[0]["severity"] == "information"


class TestTheSameDocumentAgain:
    def test_makes_nothing_and_has_the_same_answer(self, region: Region) -> None:
        document = region.sample("referral-to-outreach")
        first = region.submit(document)
        before = region.api.get("_history?_count=1").json()["total"]

        again = region.submit(document)

        assert (first.status_code, again.status_code) == (201, 200)
        assert again.content == first.content
        assert region.api.get("_history?_count=1").json()["total"] == before

    def test_is_the_same_in_xml(self, region: Region) -> None:
        document = region.sample("referral-to-outreach")
        first = region.submit(document)
        xml = _as_xml(document)

        again = region.submit(xml, "application/fhir+xml")

        assert again.status_code == 200, again.text
        assert again.json() == first.json()

    @pytest.mark.parametrize("charset", ["Shift_JIS", "EUC-JP", "ISO-2022-JP", "UTF-16"])
    @pytest.mark.parametrize("format_", ["json", "xml"])
    def test_is_the_same_in_a_charset_of_japan(self, format_: str, charset: str, region: Region) -> None:
        document = region.sample("discharge-summary")
        text = _as_xml(document).decode() if format_ == "xml" else json.dumps(document, ensure_ascii=False)
        raw = text.replace('encoding="UTF-8"', f'encoding="{charset}"').encode(charset)
        media_type = f"application/fhir+{format_}; charset={charset}"
        first = region.submit(raw, media_type)

        again = [region.submit(raw, media_type), region.submit(document)]

        assert first.status_code == 201, first.text
        assert [(answer.status_code, answer.content) for answer in again] == [(200, first.content)] * 2
        binary = region.read(locations(first.json(), "Binary")[0])
        assert (binary["contentType"], base64.b64decode(binary["data"])) == (media_type, raw)

    def test_is_refused_with_409_if_anything_in_it_differs(self, region: Region) -> None:
        document = region.sample("referral-to-outreach")
        region.submit(document)
        document["entry"][1]["resource"]["telecom"][0]["value"] = "090-0000-9999"

        other = region.submit(document)

        assert other.status_code == 409
        assert other.json()["issue"][0]["expression"] == ["Bundle.identifier"]

    def test_sent_by_many_at_once_is_filed_once(self, region: Region) -> None:
        document = region.sample("referral-to-outreach")

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: region.submit(document), range(8)))

        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.content for answer in answers}) == 1
        assert len(region.inbox("9990001100")) == 1


def test_many_documents_about_one_person_at_once_make_one_person_and_one_hospital(region: Region) -> None:
    documents = [renumbered(region.sample("referral-to-outreach"), f"-{n}") for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(region.submit, documents))

    assert [answer.status_code for answer in answers] == [201] * 8
    for kind in ("Patient", "Practitioner", "Organization"):
        made = {locations(answer.json(), kind)[0].split("/")[1] for answer in answers}
        assert len(made) == 1, kind
    assert len(region.inbox("9990001100")) == 8


def test_a_document_in_xml_is_filed_as_one_in_json_is(region: Region) -> None:
    document = region.sample("discharge-summary")
    xml = _as_xml(document)

    answer = region.submit(xml, "application/fhir+xml; charset=utf-8")

    assert answer.status_code == 201, answer.text
    reference = region.read(locations(answer.json(), "DocumentReference")[-1])
    assert reference["content"][0]["attachment"]["contentType"].startswith("application/fhir+xml")
    binary = region.read(locations(answer.json(), "Binary")[0])
    assert base64.b64decode(binary["data"]) == xml


class TestThePatient:
    def test_is_known_again_by_the_insured_persons_identifier_in_whatever_width(self, region: Region) -> None:
        region.submit(region.sample("referral-to-outreach"))
        patient = region.patient()
        later = renumbered(region.sample("referral-to-outreach"), "-2")
        numbers = later["entry"][1]["resource"]["identifier"]
        numbers[1]["value"] = numbers[1]["value"].replace(region.mark, _wide(region.mark))
        del numbers[0]

        receipt = region.submit(later).json()

        assert locations(receipt, "Patient") == [f"Patient/{patient['id']}/_history/1"]

    def test_is_given_the_numbers_that_are_new_and_nothing_else(self, region: Region) -> None:
        region.submit(region.sample("referral-to-outreach"))
        later = renumbered(region.sample("referral-to-outreach"), "-2")
        person = later["entry"][1]["resource"]
        person["identifier"].append({"system": "https://example.jp/other-hospital", "value": region.mark})
        person["telecom"][0]["value"] = "090-0000-9999"

        receipt = region.submit(later).json()

        patient = region.patient()
        assert [each["value"] for each in patient["identifier"]][-1] == region.mark
        assert patient["telecom"][0]["value"] == "090-0000-1234"
        assert patient["meta"]["versionId"] == "2"
        assert "加えました" in outcome(receipt)[1]["details"]["text"]

    @pytest.mark.parametrize(("element", "value"), [("birthDate", "1968-03-15"), ("gender", "female")])
    def test_is_left_alone_and_warned_of_where_the_document_contradicts(
        self, region: Region, element: str, value: str
    ) -> None:
        region.submit(region.sample("referral-to-outreach"))
        before = region.patient()
        later = renumbered(region.sample("referral-to-outreach"), "-2")
        later["entry"][1]["resource"][element] = value
        later["entry"][1]["resource"]["identifier"].append({"system": "urn:x", "value": "new"})

        receipt = region.submit(later).json()

        warning = outcome(receipt)[1]
        assert (warning["severity"], warning["expression"]) == ("warning", [f"Bundle.entry[1].resource.{element}"])
        assert region.patient() == before

    def test_whose_numbers_name_two_people_here_is_refused_and_both_are_told(self, region: Region) -> None:
        numbers = region.sample("referral-to-outreach")["entry"][1]["resource"]["identifier"]
        made = []
        for number in numbers:
            answer = region.api.post(
                "Patient", json={"resourceType": "Patient", "identifier": [number]}, headers={"Content-Type": FHIR_JSON}
            )
            made.append(f"Patient/{answer.json()['id']}")

        answer = region.submit(region.sample("referral-to-outreach"))

        assert answer.status_code == 409
        text = answer.json()["issue"][0]["details"]["text"]
        assert all(key in text for key in made)

    def test_without_a_number_of_their_own_is_new_and_a_warning_says_so(self, region: Region) -> None:
        document = region.sample("discharge-summary")
        household = document["entry"][1]["resource"]["identifier"][1]
        household["value"] = household["value"].removesuffix("01")
        document["entry"][1]["resource"]["identifier"] = [household]

        first = region.submit(document).json()
        second = region.submit(renumbered(document, "-2")).json()

        assert locations(first, "Patient") != locations(second, "Patient")
        assert outcome(second)[1]["expression"] == ["Bundle.entry[1].resource.identifier"]


class TestPractitionersAndOrganisations:
    def test_are_known_again_by_their_numbers(self, region: Region) -> None:
        first = region.submit(region.sample("referral-to-outreach")).json()

        second = region.submit(region.sample("discharge-summary")).json()

        for kind in ("Practitioner", "Organization"):
            assert set(locations(second, kind)) <= set(locations(first, kind))

    def test_a_practitioner_without_a_number_is_known_by_name_within_the_organisation(self, region: Region) -> None:
        documents = [region.sample("referral-to-outreach"), region.sample("discharge-summary")]
        for document in documents:
            for entry in document["entry"]:
                entry["resource"].pop("qualification", None)

        first, second = (region.submit(document).json() for document in documents)

        assert locations(second, "Practitioner") == locations(first, "Practitioner")
        assert "同じ氏名" in outcome(second)[1]["details"]["text"]

    def test_the_same_name_elsewhere_is_somebody_else(self, region: Region) -> None:
        document = region.sample("discharge-summary")
        for entry in document["entry"]:
            entry["resource"].pop("qualification", None)
        first = region.submit(document).json()
        text = json.dumps(renumbered(document, "-2")).replace("4719900011" + region.mark, "4719900099" + region.mark)

        second = region.submit(json.loads(text)).json()

        assert locations(second, "Practitioner") != locations(first, "Practitioner")


def test_what_the_patient_has_not_been_told_is_marked_on_the_task(region: Region) -> None:
    document = region.sample("referral-to-outreach")
    tag = {"system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "code": "UNINFORMED"}
    document["entry"][7]["resource"]["meta"] = {"tag": [tag]}

    receipt = region.submit(document).json()

    (task,) = region.inbox("9990001100")
    assert task["meta"]["tag"] == [tag]
    assert "告知" in outcome(receipt)[1]["details"]["text"]


class TestABadDocument:
    def test_is_refused_with_every_reason_and_stores_nothing(self, region: Region) -> None:
        document = region.sample("referral-to-outreach")
        document["entry"][0]["resource"]["status"] = "preliminary"
        del document["entry"][0]["resource"]["section"][1]
        before = region.api.get("_history?_count=1").json()["total"]

        answer = region.submit(document)

        assert answer.status_code == 422
        assert len(answer.json()["issue"]) == 2
        assert region.api.get("_history?_count=1").json()["total"] == before

    @pytest.mark.parametrize(
        ("body", "status"),
        [(b"", 400), (b"{", 400), (b"[]", 400), (b'{"resourceType":"Patient"}', 422),
         (b'{"resourceType":"Bundle","type":"document"}', 422), (b'{"resourceType":"Bundle"}', 422)],
    )  # fmt: skip
    def test_is_never_an_error_of_the_server(self, region: Region, body: bytes, status: int) -> None:
        answer = region.submit(body)

        assert answer.status_code == status, answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"

    def test_with_an_element_that_r4_does_not_have_is_refused_where_it_stands(self, region: Region) -> None:
        document = region.sample("discharge-summary")
        document["entry"][1]["resource"]["favouriteColour"] = "blue"

        answer = region.submit(document)

        assert answer.status_code == 400
        assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.favouriteColour"]


@pytest.fixture
def clins(shared: Path, region: Region) -> list[dict[str, Any]]:
    """The two referral examples of JP-CLINS, which share one identifier, with this test's own numbers."""
    files = (shared / f"{CLINS}-{name}.json" for name in ("Referral-Example-01", "Referral-NoEntry-Example-01"))
    texts = (file.read_text(encoding="utf-8") for file in files)
    return [
        json.loads(
            text.replace("203949583949", region.mark).replace("000999739", region.mark).replace("１８７", region.mark)
        )
        for text in texts
    ]


def test_the_referral_of_the_japanese_guide_is_accepted(region: Region, clins: list[dict[str, Any]]) -> None:
    answer = region.submit(clins[0])

    assert answer.status_code == 201, answer.text
    task = region.read(locations(answer.json(), "Task")[0])
    assert task["description"] == "腹痛精査お願いします。"
    owner = region.read(task["owner"]["reference"])
    assert owner["name"] == "東京第一テスト病院"


def test_its_sibling_has_the_same_identifier_and_is_a_conflict(region: Region, clins: list[dict[str, Any]]) -> None:
    region.submit(clins[0])

    assert region.submit(clins[1]).status_code == 409
    assert region.submit(renumbered(clins[1], "-2")).status_code == 201


def _wide(text: str) -> str:
    return text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})


def _as_xml(document: dict[str, Any]) -> bytes:
    return encode(decode_json(json.dumps(document).encode()), Definitions.load())
