import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.elements import SUBSETTED, subset

PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p",
    "meta": {"versionId": "1", "tag": [{"system": "http://example.jp", "code": "x"}]},
    "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>山田</div>"},
    "name": [{"text": "山田 太郎"}],
    "birthDate": "1980-04-01",
    "_birthDate": {"id": "b"},
    "deceasedBoolean": False,
    "contact": [{"name": {"text": "山田 花子"}}],
    "communication": [{"language": {"text": "日本語"}, "preferred": True}],
    "link": [{"other": {"reference": "Patient/q"}, "type": "seealso", "id": "l"}],
}


def test_a_summary_keeps_what_the_definition_marks(definitions: Definitions) -> None:
    part = subset(PATIENT, "true", (), definitions)

    assert set(part) == {
        "resourceType", "id", "meta", "name", "birthDate", "_birthDate", "deceasedBoolean", "link",
    }  # fmt: skip
    assert part["link"] == [{"other": {"reference": "Patient/q"}, "type": "seealso"}]


def test_a_summary_of_text_keeps_the_narrative_and_what_is_mandatory(definitions: Definitions) -> None:
    observation = {
        "resourceType": "Observation", "id": "o", "text": PATIENT["text"], "status": "final", "code": {"text": "GAF"},
        "valueInteger": 40,
    }  # fmt: skip

    assert set(subset(observation, "text", (), definitions)) == {"resourceType", "id", "meta", "text", "status", "code"}


def test_a_summary_of_data_leaves_out_the_narrative_only(definitions: Definitions) -> None:
    assert set(PATIENT) - set(subset(PATIENT, "data", (), definitions)) == {"text"}


def test_elements_are_given_with_what_is_mandatory(definitions: Definitions) -> None:
    observation = {
        "resourceType": "Observation", "id": "o", "meta": {}, "status": "final", "code": {"text": "GAF"},
        "valueInteger": 40, "_valueInteger": {"id": "v"}, "note": [{"text": "x"}],
    }  # fmt: skip

    part = subset(observation, None, ("value",), definitions)

    assert set(part) == {"resourceType", "id", "meta", "status", "code", "valueInteger", "_valueInteger"}


@pytest.mark.parametrize(("summary", "elements"), [("true", ()), ("text", ()), ("data", ()), (None, ("name",))])
def test_a_part_is_marked_so_that_it_does_not_overwrite_the_whole(
    definitions: Definitions, summary: str | None, elements: tuple[str, ...]
) -> None:
    part = subset(PATIENT, summary, elements, definitions)

    assert list(part)[:3] == ["resourceType", "id", "meta"]
    assert part["meta"]["tag"] == [{"system": "http://example.jp", "code": "x"}, SUBSETTED]
    assert part["meta"]["versionId"] == "1"
    assert PATIENT["meta"]["tag"] == [{"system": "http://example.jp", "code": "x"}]


@pytest.mark.parametrize("summary", [None, "false"])
def test_without_a_subset_the_resource_is_itself(definitions: Definitions, summary: str | None) -> None:
    assert subset(PATIENT, summary, (), definitions) is PATIENT
