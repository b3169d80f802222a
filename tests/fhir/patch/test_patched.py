"""https://hl7.org/fhir/R4/http.html#patch"""

from typing import Any

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.patch.patched import DEPTH_LIMIT, patched_resource

BEFORE = {"resourceType": "Patient", "id": "1"}


def test_what_became_empty_is_gone_and_companions_keep_their_places() -> None:
    after = BEFORE | {
        "contact": [{"name": {}}, {"gender": "male"}],
        "maritalStatus": {"coding": []},
        "name": [{"given": ["a", "b", "c"], "_given": [None, {}, {"id": "x"}]}],
        "active": False,
        "multipleBirthInteger": 0,
    }

    assert patched_resource(BEFORE, after) == BEFORE | {
        "contact": [{"gender": "male"}],
        "name": [{"given": ["a", "b", "c"], "_given": [None, None, {"id": "x"}]}],
        "active": False,
        "multipleBirthInteger": 0,
    }


@pytest.mark.parametrize(
    ("after", "expression"),
    [
        ({"resourceType": "Person", "id": "1"}, "Patient.resourceType"),
        ({"resourceType": "Patient", "id": "2"}, "Patient.id"),
        ({"resourceType": "Patient"}, "Patient.id"),
        ([], "Patient.resourceType"),
        (None, "Patient.resourceType"),
    ],
)
def test_a_patch_cannot_make_another_resource_of_it(after: Any, expression: str) -> None:
    with pytest.raises(FhirError) as raised:
        patched_resource(BEFORE, after)

    assert (raised.value.status, raised.value.issues[0].expression) == (422, (expression,))


def test_a_patch_cannot_nest_without_end() -> None:
    nested: dict[str, Any] = {"a": 1}
    for _ in range(2 * DEPTH_LIMIT):
        nested = {"a": nested}

    with pytest.raises(FhirError, match="nested too deeply"):
        patched_resource(BEFORE, BEFORE | nested)
