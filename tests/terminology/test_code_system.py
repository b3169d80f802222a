"""Which code systems are here whole, and which only in part: https://hl7.org/fhir/R4/codesystem.html."""

from typing import Any

import pytest

from fhir_service.terminology.code_system import read
from fhir_service.terminology.extent import holds


def system(**more: Any) -> dict[str, Any]:
    return {"resourceType": "CodeSystem", "url": "http://e", "content": "complete", "concept": [{"code": "a"}]} | more


def test_what_calls_itself_complete_is_whole() -> None:
    assert read(system()).complete
    assert read(system(count=1)).complete


@pytest.mark.parametrize(
    "more", [{"content": "fragment"}, {"content": "not-present"}, {"count": 270}, {"url": "http://loinc.org"}]
)
def test_what_cannot_be_all_of_it_tells_nothing_of_the_codes_that_it_lacks(more: dict[str, Any]) -> None:
    known = read(system(**more))

    assert (holds(known.extent, "a"), holds(known.extent, "b")) == (True, None)
