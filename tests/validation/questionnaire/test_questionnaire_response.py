"""https://hl7.org/fhir/R4/questionnaireresponse.html#3.44.4: a response fits its Questionnaire."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_service.validation.validator import Validator

URL = "https://example.jp/fhir/outreach/Questionnaire/made"
BASE = "http://hl7.org/fhir/StructureDefinition/"
SCALE = "http://example.jp/scale"
TIME_UNITS = "http://hl7.org/fhir/ValueSet/all-time-units"

CONTAINED = {
    "resourceType": "ValueSet",
    "id": "scale",
    "status": "active",
    "compose": {"include": [{"system": SCALE, "concept": [{"code": "1"}, {"code": "2"}]}]},
}


def asked(link_id: str, type_: str, **others: Any) -> dict[str, Any]:
    return {"linkId": link_id, "type": type_, **others}


def answer(link_id: str, *values: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"linkId": link_id, "answer": list(values), **others}


def group(link_id: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"linkId": link_id, "item": list(items)}


def extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": BASE + name, **value}


def rules(validator: Validator, questions: list[Any], answers: list[Any], status: str = "completed") -> dict[str, str]:
    """Return the broken rules of a response, each with its severity."""
    questionnaire: dict[str, Any] = {
        "resourceType": "Questionnaire",
        "url": URL,
        "status": "active",
        "item": questions,
    }
    if any(each.get("answerValueSet") == "#scale" for each in questions):
        questionnaire["contained"] = [CONTAINED]
    response: dict[str, Any] = {"resourceType": "QuestionnaireResponse", "status": status, "questionnaire": URL}
    if answers:
        response["item"] = answers
    entries = [
        {"fullUrl": f"urn:uuid:6c4f2b3e-0d0c-4b5b-8b59-2b5b5d2c5f1{number}", "resource": each}
        for number, each in enumerate((questionnaire, response))
    ]
    issues = validator.check({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert all(issue.rule for issue in issues), issues
    return {str(issue.rule).removeprefix("questionnaire-"): issue.severity for issue in issues}


BOOLEAN = asked("out", "boolean", required=True, text="外出していますか")


@pytest.mark.parametrize(
    ("questions", "answers", "expected"),
    [
        pytest.param([BOOLEAN], [answer("out", {"valueBoolean": True})], {}, id="answered"),
        pytest.param([BOOLEAN], [], {"required": "error"}, id="no answer"),
        pytest.param([BOOLEAN], [{"linkId": "out"}], {"required": "error"}, id="an item without an answer"),
        pytest.param([BOOLEAN], [answer("out", {"valueString": "はい"})], {"type": "error"}, id="another type"),
        pytest.param(
            [BOOLEAN],
            [answer("out", {"valueBoolean": True}, {"valueBoolean": False})],
            {"repeats": "error"},
            id="twice",
        ),
        pytest.param(
            [BOOLEAN],
            [answer("out", {"valueBoolean": True}), answer("out", {"valueBoolean": True})],
            {"repeats": "error"},
            id="two items",
        ),
        pytest.param(
            [BOOLEAN],
            [answer("out", {"valueBoolean": True}), answer("other", {"valueBoolean": True})],
            {"link-id": "error"},
            id="an unknown linkId",
        ),
        pytest.param(
            [BOOLEAN],
            [answer("out", {"valueBoolean": True}, text="外に出ますか")],
            {"text": "error"},
            id="another wording",
        ),
        pytest.param(
            [asked("a", "string"), asked("b", "string")],
            [answer("b", {"valueString": "x"}), answer("a", {"valueString": "x"})],
            {"order": "error"},
            id="out of order",
        ),
        pytest.param(
            [asked("g", "group", item=[asked("a", "string")])],
            [answer("a", {"valueString": "x"})],
            {"place": "error"},
            id="outside of its group",
        ),
        pytest.param(
            [asked("g", "group", item=[asked("a", "string", required=True)])],
            [{"linkId": "g"}],
            {"required": "error"},
            id="missing in a group",
        ),
        pytest.param(
            [asked("g", "group", item=[asked("a", "string")])],
            [answer("g", {"valueString": "x"})],
            {"group": "error"},
            id="a group with an answer",
        ),
        pytest.param(
            [asked("g", "group", item=[asked("a", "string")])],
            [group("g", answer("a", {"valueString": "x"})), group("g", answer("a", {"valueString": "x"}))],
            {"repeats": "error"},
            id="a group twice",
        ),
        pytest.param(
            [asked("d", "display")], [answer("d", {"valueString": "x"})], {"display": "error"}, id="a display answered"
        ),
        pytest.param(
            [asked("a", "string", item=[asked("b", "string")])],
            [{**answer("a", {"valueString": "x"}), "item": [answer("b", {"valueString": "x"})]}],
            {"qrs-1": "error", "group": "error"},
            id="items beside the answer",
        ),
        pytest.param(
            [asked("a", "string", item=[asked("b", "string", required=True)])],
            [answer("a", {"valueString": "x"})],
            {"required": "error"},
            id="a question below an answer",
        ),
        pytest.param(
            [asked("a", "string", maxLength=3)],
            [answer("a", {"valueString": "四文字だ"})],
            {"max-length": "error"},
            id="long",
        ),
    ],
)
def test_items_stand_as_the_questionnaire_has_them(
    validator: Validator, questions: list[Any], answers: list[Any], expected: dict[str, str]
) -> None:
    assert rules(validator, questions, answers) == expected


PLAIN = {"contentType": "text/plain"}
KILO = {"system": "http://unitsofmeasure.org", "code": "kg"}
GRAM = KILO | {"code": "g"}
MAX_QUANTITY = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-maxQuantity"


@pytest.mark.parametrize(
    ("limit", "value", "expected"),
    [
        (extension("minValue", valueInteger=1), {"valueInteger": 0}, {"min-value"}),
        (extension("maxValue", valueInteger=7), {"valueInteger": 7}, set()),
        (extension("maxValue", valueInteger=7), {"valueInteger": 8}, {"max-value"}),
        (extension("maxValue", valueDecimal=Decimal("0.5")), {"valueDecimal": Decimal("0.51")}, {"max-value"}),
        (extension("maxDecimalPlaces", valueInteger=1), {"valueDecimal": Decimal("0.51")}, {"max-decimal-places"}),
        (extension("minValue", valueDate="2026-01-01"), {"valueDate": "2025-12-31"}, {"min-value"}),
        (extension("minLength", valueInteger=2), {"valueString": "一"}, {"min-length"}),
        (extension("regex", valueString="[0-9]{7}"), {"valueString": "100-0001"}, {"regex"}),
        (extension("mimeType", valueCode="image/png"), {"valueAttachment": {"contentType": "image/png"}}, set()),
        (extension("mimeType", valueCode="image/png"), {"valueAttachment": PLAIN | {"url": "a:b"}}, {"mime-type"}),
        (extension("mimeType", valueCode="image/png"), {"valueAttachment": {"url": "a:b"}}, {"mime-type"}),
        (extension("maxSize", valueDecimal=3), {"valueAttachment": PLAIN | {"data": "YWJj"}}, set()),
        (extension("maxSize", valueDecimal=3), {"valueAttachment": PLAIN | {"data": "YWJjZA=="}}, {"max-size"}),
        ({"url": MAX_QUANTITY, "valueQuantity": KILO | {"value": 60}}, {"valueQuantity": GRAM | {"value": 60000}},
         set()),
        ({"url": MAX_QUANTITY, "valueQuantity": KILO | {"value": 60}}, {"valueQuantity": GRAM | {"value": 60001}},
         {"max-value"}),
        ({"url": MAX_QUANTITY, "valueQuantity": KILO | {"value": 60}}, {"valueQuantity": {"value": 1, "unit": "斤"}},
         {"max-value"}),
    ],
)  # fmt: skip
def test_answers_keep_the_limits_of_the_extensions(
    validator: Validator, limit: dict[str, Any], value: dict[str, Any], expected: set[str]
) -> None:
    ((name, _),) = value.items()
    type_ = name.removeprefix("value").lower()

    assert set(rules(validator, [asked("a", type_, extension=[limit])], [answer("a", value)])) == expected


def left(to: str) -> dict[str, Any]:
    url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire.item.answerConstraint"
    return {"extension": [{"url": url, "valueCode": to}]}


CODES = {"answerOption": [{"valueCoding": {"system": SCALE, "code": "1"}}, {"valueString": "その他"}]}


@pytest.mark.parametrize(
    ("question", "value", "expected"),
    [
        (asked("a", "choice", **CODES), {"valueCoding": {"system": SCALE, "code": "1"}}, {}),
        (asked("a", "choice", **CODES), {"valueString": "その他"}, {}),
        (asked("a", "choice", **CODES), {"valueCoding": {"system": SCALE, "code": "9"}}, {"options": "error"}),
        (asked("a", "choice", **CODES), {"valueString": "自由"}, {"options": "error"}),
        (asked("a", "open-choice", **CODES), {"valueString": "自由"}, {}),
        (asked("a", "open-choice", **CODES), {"valueCoding": {"system": SCALE, "code": "9"}}, {"options": "error"}),
        (asked("a", "open-choice", **CODES), {"valueCoding": {"display": "自由"}}, {"options": "error"}),
        (asked("a", "choice", **CODES, **left("optionsOrString")), {"valueString": "自由"}, {}),
        (asked("a", "open-choice", **CODES, **left("optionsOrType")), {"valueCoding": {"code": "9"}}, {}),
        (asked("a", "open-choice", **CODES, **left("optionsOnly")), {"valueString": "自由"}, {"options": "error"}),
        (
            asked("a", "open-choice", answerValueSet="#scale"),
            {"valueCoding": {"system": SCALE, "code": "9"}},
            {"options": "error"},
        ),
        (asked("a", "choice", answerValueSet="#scale"), {"valueCoding": {"system": SCALE, "code": "2"}}, {}),
        (asked("a", "choice", answerValueSet="#scale"), {"valueCoding": {"code": "2"}}, {"options": "error"}),
        (asked("a", "choice", answerValueSet="#scale"), {"valueString": "2"}, {"type": "error"}),
        (
            asked("a", "choice", answerValueSet="#scale"),
            {"valueCoding": {"system": SCALE, "code": "9"}},
            {"options": "error"},
        ),
        (
            asked("a", "choice", answerValueSet="http://hl7.org/fhir/ValueSet/administrative-gender"),
            {"valueCoding": {"system": "http://hl7.org/fhir/administrative-gender", "code": "female"}},
            {},
        ),
        (
            asked("a", "choice", answerValueSet="http://example.jp/absent"),
            {"valueCoding": {"system": SCALE, "code": "9"}},
            {"options": "warning"},
        ),
    ],
)
def test_choices_come_from_the_options(
    validator: Validator, question: dict[str, Any], value: dict[str, Any], expected: dict[str, str]
) -> None:
    assert rules(validator, [question], [answer("a", value)]) == expected


WHEN: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("=", {"answerBoolean": True}, {"valueBoolean": True}, True),
    ("=", {"answerBoolean": True}, {"valueBoolean": False}, False),
    ("!=", {"answerInteger": 3}, {"valueInteger": 3}, False),
    ("!=", {"answerInteger": 3}, {"valueInteger": 4}, True),
    (">", {"answerInteger": 3}, {"valueInteger": 4}, True),
    (">", {"answerInteger": 3}, {"valueInteger": 3}, False),
    (">=", {"answerInteger": 3}, {"valueInteger": 3}, True),
    ("<", {"answerDate": "2026-04-01"}, {"valueDate": "2026-03-31"}, True),
    ("<=", {"answerDecimal": Decimal("1.5")}, {"valueDecimal": Decimal("1.50")}, True),
    ("=", {"answerCoding": {"system": SCALE, "code": "1"}}, {"valueCoding": {"system": SCALE, "code": "1"}}, True),
    ("=", {"answerCoding": {"system": SCALE, "code": "1"}}, {"valueCoding": {"code": "1"}}, False),
    (
        ">",
        {"answerQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "h"}},
        {"valueQuantity": {"value": 90, "system": "http://unitsofmeasure.org", "code": "min"}},
        True,
    ),
    ("exists", {"answerBoolean": True}, {"valueInteger": 1}, True),
    ("exists", {"answerBoolean": False}, {"valueInteger": 1}, False),
]


@pytest.mark.parametrize(("operator", "expected", "given", "enabled"), WHEN)
def test_enable_when_turns_a_question_on(
    validator: Validator, operator: str, expected: dict[str, Any], given: dict[str, Any], enabled: bool
) -> None:
    ((name, _),) = given.items()
    type_ = {"Coding": "open-choice"}.get(name.removeprefix("value"), name.removeprefix("value").lower())
    condition = {"question": "a", "operator": operator, **expected}
    questions = [
        asked("a", type_, answerOption=[given]) if type_ == "open-choice" else asked("a", type_),
        asked("b", "string", required=True, enableWhen=[condition]),
    ]

    unanswered = rules(validator, questions, [answer("a", given)])
    answered = rules(validator, questions, [answer("a", given), answer("b", {"valueString": "x"})])

    assert unanswered == ({"required": "error"} if enabled else {})
    assert answered == ({} if enabled else {"enabled": "error"})


@pytest.mark.parametrize(("behavior", "enabled"), [("any", True), ("all", False)])
def test_several_conditions_are_joined_as_it_says(validator: Validator, behavior: str, enabled: bool) -> None:
    when = [{"question": "a", "operator": "=", "answerInteger": each} for each in (1, 2)]
    questions = [
        asked("a", "integer"),
        asked("b", "string", required=True, enableWhen=when, enableBehavior=behavior),
    ]

    assert rules(validator, questions, [answer("a", {"valueInteger": 1})]) == ({"required": "error"} if enabled else {})


@pytest.mark.parametrize("status", ["in-progress", "stopped", "entered-in-error"])
def test_a_response_that_is_not_finished_may_lack_answers(validator: Validator, status: str) -> None:
    assert rules(validator, [BOOLEAN], [], status) == {"required": "warning"}


def test_without_its_questionnaire_nothing_is_compared_and_that_is_said(validator: Validator) -> None:
    response = {"resourceType": "QuestionnaireResponse", "status": "completed"}

    (unnamed,) = validator.check(response)
    (unknown,) = validator.check({**response, "questionnaire": "http://example.jp/absent"})

    assert (unnamed.severity, unnamed.rule) == ("information", "questionnaire")
    assert (unknown.severity, unknown.rule) == ("warning", "questionnaire")
    assert "http://example.jp/absent" in unknown.ja


@pytest.mark.parametrize(
    ("question", "value", "expected"),
    [
        (
            asked("a", "reference", extension=[extension("questionnaire-referenceResource", valueCode="Organization")]),
            {"valueReference": {"reference": "Organization/o"}},
            {},
        ),
        (
            asked("a", "reference", extension=[extension("questionnaire-referenceResource", valueCode="Organization")]),
            {"valueReference": {"reference": "Patient/p"}},
            {"target": "error"},
        ),
        (
            asked("a", "quantity", extension=[extension("questionnaire-unitOption", valueCoding={"code": "kg"})]),
            {"valueQuantity": {"value": 60, "unit": "斤"}},
            {"unit": "error"},
        ),
        (
            asked("a", "quantity", extension=[extension("questionnaire-unitValueSet", valueCanonical=TIME_UNITS)]),
            {"valueQuantity": {"value": 60, "system": "http://unitsofmeasure.org", "code": "kg"}},
            {"unit": "error"},
        ),
    ],
)
def test_references_and_units_are_those_that_the_question_asks_for(
    validator: Validator, question: dict[str, Any], value: dict[str, Any], expected: dict[str, str]
) -> None:
    assert rules(validator, [question], [answer("a", value)]) == expected


def test_a_response_of_very_many_items_is_answered(validator: Validator) -> None:
    inner = [asked(f"q{number}", "string") for number in range(2_000)]
    inner[-1]["enableWhen"] = [{"question": "q0", "operator": "exists", "answerBoolean": True}]
    questions = [asked("g", "group", repeats=True, item=inner)]
    groups = [group("g", answer("q0", {"valueString": "x"})) for _ in range(200)]

    assert rules(validator, questions, groups) == {"size": "error"}


CHOSEN = {"valueCoding": {"system": SCALE, "code": "1"}}
NONE_OF_THEM = {"valueCoding": {"system": SCALE, "code": "0"}}
WORDS = "http://hl7.org/fhir/ValueSet/item-type"


@pytest.mark.parametrize(
    ("question", "values", "expected"),
    [
        (asked("a", "question"), [CHOSEN], {"binding-required": "error", "type": "error"}),
        (asked("a", "integer", answerOption=[{"valueInteger": 1}]), [{"valueInteger": 1}], {}),
        (
            asked("a", "integer", answerOption=[{"valueInteger": 1}]),
            [{"valueInteger": 3}],
            {"options": "error"},
        ),
        (asked("a", "string", answerValueSet=WORDS), [{"valueString": "date"}], {}),
        (asked("a", "string", answerValueSet=WORDS), [{"valueString": "a"}], {"options": "error"}),
        (asked("a", "reference"), [{"valueReference": {"reference": "https://example.jp/fhir/Patient/1"}}], {}),
        (
            asked("a", "reference"),
            [{"valueReference": {"reference": "https://example.jp/fhir/Chicken/1"}}],
            {"target": "error"},
        ),
    ],
)
def test_an_answer_is_one_that_its_question_can_have(
    validator: Validator, question: dict[str, Any], values: list[dict[str, Any]], expected: dict[str, str]
) -> None:
    assert rules(validator, [question], [answer("a", *values)]) == expected


def test_none_of_them_is_chosen_alone(validator: Validator) -> None:
    alone = NONE_OF_THEM | {"extension": [extension("questionnaire-optionExclusive", valueBoolean=True)]}
    question = asked("a", "choice", repeats=True, answerOption=[CHOSEN, alone])

    assert rules(validator, [question], [answer("a", CHOSEN)]) == {}
    assert rules(validator, [question], [answer("a", NONE_OF_THEM)]) == {}
    assert rules(validator, [question], [answer("a", CHOSEN, NONE_OF_THEM)]) == {"options": "error"}


def test_an_item_that_is_there_has_as_many_answers_as_it_needs(validator: Validator) -> None:
    least = extension("questionnaire-minOccurs", valueInteger=2)
    question = asked("a", "string", repeats=True, required=True, extension=[least])

    assert rules(validator, [question], [answer("a", {"valueString": "x"}, {"valueString": "y"})]) == {}
    assert rules(validator, [question], [answer("a", {"valueString": "x"})]) == {"min-occurs": "error"}


def test_what_is_misplaced_is_told_where_it_belongs(validator: Validator) -> None:
    questions = [
        asked("g", "group", item=[asked("a", "string")]),
        asked("q", "boolean", item=[asked("why", "string")]),
        asked("top", "string"),
    ]
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "contained": [{"resourceType": "Questionnaire", "id": "q", "status": "active", "item": questions}],
        "questionnaire": "#q",
        "item": [
            group("g", answer("top", {"valueString": "x"})),
            answer("a", {"valueString": "x"}),
            answer("why", {"valueString": "x"}),
        ],
    }

    issues = {
        " ".join(issue.expression): issue for issue in validator.check(response) if issue.rule == "questionnaire-place"
    }

    assert "いちばん外側" in issues["QuestionnaireResponse.item[0].item[0]"].ja
    assert "グループ「g」の item" in issues["QuestionnaireResponse.item[1]"].ja
    assert "質問「q」の答えの item" in issues["QuestionnaireResponse.item[2]"].ja
