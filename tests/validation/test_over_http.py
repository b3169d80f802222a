"""What a client is told when a resource that it writes does not conform."""

from typing import Any

import httpx
import pytest

PROFILE = "https://example.jp/fhir/outreach/StructureDefinition/outreach-patient"


@pytest.mark.parametrize(
    ("elements", "place", "told"),
    [
        ({"gender": "男性"}, "Patient.gender", "binding-required"),
        ({"birthDate": "2023-02-30"}, "Patient.birthDate", "実在する日付"),
        ({"telecom": [{"value": "090"}]}, "Patient.telecom[0]", "cpt-2"),
        ({"generalPractitioner": [{"reference": "Patient/1"}]}, "Patient.generalPractitioner[0]", "target"),
        ({"modifierExtension": [{"url": "http://hospital.jp/x", "valueCode": "a"}]}, "Patient.modifierExtension[0]",
         "extension-modifier"),
        ({"meta": {"profile": [PROFILE]}, "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11311234567"}]},
         "Patient.identifier[0].value", PROFILE),
    ],
)  # fmt: skip
def test_a_write_that_does_not_conform_is_refused_in_japanese_with_place_and_rule(
    server: Any, elements: dict[str, Any], place: str, told: str
) -> None:
    answer = httpx.post(f"{server.base}/Patient", json={"resourceType": "Patient", **elements})

    assert answer.status_code in (400, 422)
    errors = [issue for issue in answer.json()["issue"] if issue["severity"] == "error"]
    assert place in [issue["expression"][0] for issue in errors]
    assert any(told in issue["details"]["text"] for issue in errors)
    assert httpx.get(answer.url, params={"birthdate": "2023-02-30"}).status_code != 500


def test_a_contact_of_whom_little_is_known_is_stored_and_validate_says_what_is_missing(server: Any) -> None:
    someone = {"resourceType": "Patient", "contact": [{"gender": "female"}]}

    assert httpx.post(f"{server.base}/Patient", json=someone).status_code == 201
    said = httpx.post(f"{server.base}/Patient/$validate", json=someone).json()["issue"]
    assert [(issue["severity"], issue["expression"]) for issue in said] == [("error", ["Patient.contact[0]"])]
