"""https://hl7.org/fhir/R4/http.html#transaction-integrity"""

import time

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Key
from fhir_service.interactions.writes.references import dangling, integrity, local_references, still_referenced
from fhir_service.storage.store import Exists

BASE = "http://example.org/fhir"
OBSERVATION = {
    "resourceType": "Observation",
    "id": "1",
    "contained": [{"resourceType": "Device", "id": "d"}],
    "device": {"reference": "#d"},
    "subject": {"reference": "Patient/1"},
    "encounter": {"reference": f"{BASE}/Encounter/2/_history/1"},
    "performer": [{"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}, {"reference": "http://a/Patient/3"}],
    "derivedFrom": [{"reference": "Observation/1"}],
}


def test_local_references_are_those_to_resources_of_this_server() -> None:
    assert list(local_references(OBSERVATION, BASE)) == [
        ("Observation.subject", Key("Patient", "1")),
        ("Observation.encounter", Key("Encounter", "2")),
        ("Observation.derivedFrom[0]", Key("Observation", "1")),
    ]


def test_what_a_resource_refers_to_must_exist_but_for_itself() -> None:
    assert integrity(OBSERVATION, BASE) == [Exists(frozenset({Key("Patient", "1"), Key("Encounter", "2")}))]
    assert integrity({"resourceType": "Patient"}, BASE) == []


def test_a_conditional_reference_is_for_transactions_only() -> None:
    patient = {"resourceType": "Patient", "managingOrganization": {"reference": "Organization?identifier=http://x|1"}}
    elsewhere = patient | {"managingOrganization": {"reference": "http://a/Organization?identifier=http://x|1"}}

    with pytest.raises(FhirError) as refused:
        integrity(patient, BASE)

    assert refused.value.status == 400
    assert [issue.expression for issue in refused.value.issues] == [("Patient.managingOrganization",)]
    assert integrity(elsewhere, BASE) == []


def test_a_dangling_reference_is_a_conflict_that_says_where() -> None:
    error = dangling([Key("Encounter", "2")], OBSERVATION, BASE)

    assert error.status == 409
    assert [issue.expression for issue in error.issues] == [("Observation.encounter",)]
    assert "Encounter/2" in error.issues[0].en and "Encounter/2" in error.issues[0].ja


def test_of_many_that_dangle_the_first_are_told_and_how_many_more_there_are() -> None:
    entries = [{"item": {"reference": f"Patient/{n}"}} for n in range(60_000)]
    absent = [Key("Patient", str(n)) for n in range(60_000)]

    started = time.process_time()
    error = dangling(absent, {"resourceType": "List", "entry": entries}, BASE)

    assert time.process_time() - started < 0.3
    assert len(error.issues) == 100
    assert error.issues[98].expression == ("List.entry[98].item",)
    assert "59,901" in error.issues[99].en


def test_the_error_for_a_delete_names_who_refers() -> None:
    error = still_referenced(Key("Patient", "1"), [Key("Observation", str(n)) for n in range(7)])

    assert error.status == 409
    assert "Observation/0" in error.issues[0].en and "…" in error.issues[0].en
