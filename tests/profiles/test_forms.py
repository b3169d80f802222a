"""The programme's forms can be filled in: their questions, conditions and options fit together, and they count."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import compile as compile_fhirpath
from fhir_service.fhir.resource import Resource
from tests.profiles.files import EXAMPLES, PROFILES, read

FORMS = sorted((PROFILES / "questionnaires").glob("*.json"))
CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
RESPONSES = {
    "intensive-management-criteria": "outreach-criteria-response",
    "support-plan-51-2": "outreach-support-plan-response",
    "intake": "outreach-intake-response",
    "psychiatric-nursing-report": "outreach-nursing-report-response",
}
# How an answer's element is named, by the type of its question.
# https://hl7.org/fhir/R4/valueset-item-type.html
ANSWER = {
    "boolean": "valueBoolean",
    "choice": "valueCoding",
    "date": "valueDate",
    "dateTime": "valueDateTime",
    "integer": "valueInteger",
    "string": "valueString",
    "text": "valueString",
}


def items(questionnaire: Resource) -> Iterator[Resource]:
    """Give every item, whatever its depth, in the order of the form."""
    for item in questionnaire.get("item", ()):
        yield item
        yield from items(item)


def answers(response: Resource) -> Iterator[tuple[str, Resource]]:
    """Give every answer with the link of its question."""
    for item in response.get("item", ()):
        for answer in item.get("answer", ()):
            yield item["linkId"], answer
            yield from answers(answer)
        yield from answers(item)


@pytest.fixture(params=FORMS, ids=lambda file: file.stem)
def form(request: pytest.FixtureRequest) -> Resource:
    return read(request.param)


def test_the_forms_are_those_of_the_programme() -> None:
    assert {file.stem for file in FORMS} == set(RESPONSES)


def test_a_question_has_a_link_of_its_own(form: Resource) -> None:
    links = [item["linkId"] for item in items(form)]

    assert len(links) == len(set(links))


def test_a_condition_asks_an_earlier_question_for_an_answer_it_can_have(form: Resource) -> None:
    asked: dict[str, Resource] = {}
    for item in items(form):
        for condition in item.get("enableWhen", ()):
            question = asked[condition["question"]]
            value = next(key for key in condition if key.startswith("answer")).removeprefix("answer")
            assert f"value{value}" == ANSWER[question["type"]]
            if value == "Coding":
                options = {option["valueCoding"]["code"] for option in question["answerOption"]}
                assert condition["answerCoding"]["code"] in options
        asked[item["linkId"]] = item


def test_options_are_codes_that_there_are_with_their_display(form: Resource, definitions: Definitions) -> None:
    for item in items(form):
        assert item["type"] != "choice" or "answerOption" in item or "answerValueSet" in item
        assert "answerValueSet" not in item or definitions.find(item["answerValueSet"])
        for coding in [option["valueCoding"] for option in item.get("answerOption", ())]:
            system = definitions.find(coding["system"])
            assert system is not None
            assert (coding["code"], coding["display"]) in {
                (each["code"], each["display"]) for each in system["concept"]
            }


def test_nobody_is_asked_to_name_themselves_before_they_are_heard() -> None:
    intake = read(PROFILES / "questionnaires" / "intake.json")

    required = {item["linkId"] for item in items(intake) if item.get("required")}

    assert required == {"received", "receiver", "who", "concern", "urgent-action"}


def test_the_fifteen_criteria_stand_at_the_top_of_their_form() -> None:
    criteria = read(PROFILES / "questionnaires" / "intensive-management-criteria.json")

    found = [item["linkId"] for item in criteria["item"] if re.fullmatch(r"c\d+", item["linkId"])]

    assert found == [f"c{n}" for n in range(1, 16)]


def test_a_criterion_names_the_alert_or_the_category_that_it_tells_of(definitions: Definitions) -> None:
    criteria = read(PROFILES / "questionnaires" / "intensive-management-criteria.json")

    meant = {
        item["linkId"]: item["code"][0] for item in criteria["item"] if item["linkId"][1:].isdigit() and "code" in item
    }

    assert sorted(meant) == [f"c{n}" for n in range(3, 10)]
    for coding in meant.values():
        system = definitions.find(coding["system"])
        assert system is not None
        assert coding["code"] in {each["code"] for each in system["concept"]}


@pytest.mark.parametrize("name", ["full", "versioned", "warning-outreach-qr-1"])
def test_the_criteria_that_apply_are_counted(name: str, definitions: Definitions) -> None:
    form = read(PROFILES / "questionnaires" / "intensive-management-criteria.json")
    response = read(EXAMPLES / "outreach-criteria-response" / f"{name}.json")
    counted = next(item for item in form["item"] if item["linkId"] == "count")
    expression = next(each["valueExpression"] for each in counted["extension"] if each["url"] == CALCULATED)

    result = compile_fhirpath(expression["expression"], definitions).evaluate(response)

    written = next(answer["valueInteger"] for link, answer in answers(response) if link == "count")
    assert [item.value for item in result] == [written]


def test_a_full_answer_answers_whatever_is_required() -> None:
    for form_id, profile in RESPONSES.items():
        response = read(EXAMPLES / profile / "full.json")
        top = read(PROFILES / "questionnaires" / f"{form_id}.json")["item"]
        required = {item["linkId"] for item in top if item.get("required") and "enableWhen" not in item}

        assert required <= {item["linkId"] for item in response["item"]}, Path(profile)
