"""Questionnaires: what the conditions and answers of a question refer to is there and fits.

https://hl7.org/fhir/R4/questionnaire.html#notes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.questionnaire.answer import TYPES
from fhir_service.validation.questionnaire.enable_when import value_of
from fhir_service.validation.questionnaire.question import question_faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
# What R4 says of que-12; its expression, `enableWhen.count() > 2`, lets two conditions pass.
SEVERAL = (
    "条件(enableWhen)が二つ以上あるので、enableBehavior が必要です(規則 que-12)",
    "There are several enableWhen, so enableBehavior must be there (rule que-12)",
)
UNANSWERED = frozenset({"group", "display"})
ORDERED = frozenset({">", "<", ">=", "<="})
UNORDERED = frozenset({"boolean", "choice", "open-choice", "attachment", "reference"})
OPTIONS = frozenset({"answerOption", "answerValueSet", "_answerValueSet"})


class Placed(NamedTuple):
    """An item of a Questionnaire: which it is in the order of asking, where, and the linkIds of those around it."""

    number: int
    place: str
    item: Resource
    around: tuple[str, ...]


def questionnaire_rules(questionnaire: Resource, run: Run) -> Faults:
    """Return the faults of a Questionnaire: its conditions, options and first answers."""
    items = [Placed(number, *each) for number, each in enumerate(_items(questionnaire.get("item", ()), ".item", ()))]
    by_link_id = {each.item.get("linkId"): each for each in items}
    found: list[Fault] = []
    for each in items:
        for index, condition in enumerate(each.item.get("enableWhen", ())):
            found += _condition(condition, f"{each.place}.enableWhen[{index}]", each, by_link_id)
        found += _options(each.item, each.place)
        found += question_faults(each.item, each.place, run)
        if len(each.item.get("enableWhen", ())) > 1 and "enableBehavior" not in each.item:
            found.append(_fault(each.place, SEVERAL[0], SEVERAL[1])._replace(rule="que-12"))
    return found or None


def _items(
    items: list[Resource], place: str, above: tuple[str, ...]
) -> Iterator[tuple[str, Resource, tuple[str, ...]]]:
    """Give each item with its place and the linkIds of those around it, in the order in which they are asked."""
    for index, item in enumerate(items):
        at = f"{place}[{index}]"
        yield at, item, above
        yield from _items(item.get("item", ()), f"{at}.item", (*above, str(item.get("linkId"))))


def _condition(condition: Resource, at: str, on: Placed, by_link_id: Mapping[Any, Placed]) -> Iterator[Fault]:
    """Tell of a condition on an item that asks what cannot be known when the item is reached."""
    asked = by_link_id.get(condition.get("question"))
    shown = str(condition.get("question"))[:SHOWN]
    if asked is None:
        ja = f"条件(enableWhen)の質問「{shown}」が質問票にありません。"
        yield _fault(f"{at}.question", ja, f"The question '{shown}' of the condition is not in the questionnaire.")
        return
    if (own := on.item.get("linkId")) == asked.item.get("linkId"):
        ja = f"項目「{shown}」の条件(enableWhen)が自分自身を指しています。"
        yield _fault(f"{at}.question", ja, f"The condition of '{shown}' asks for its own answer.")
        return
    if own in asked.around:
        ja = f"項目「{str(own)[:SHOWN]}」の条件(enableWhen)が、その中の質問「{shown}」を指しています。"
        en = f"The condition of '{str(own)[:SHOWN]}' asks for the answer to '{shown}', which is inside of it."
        yield _fault(f"{at}.question", ja, en)
        return
    if asked.number > on.number:
        ja = f"条件(enableWhen)の質問「{shown}」が、この項目より後にあります。"
        en = f"The question '{shown}' of the condition comes after the item."
        yield _fault(f"{at}.question", ja, en, "warning")
    yield from _comparison(condition, at, asked.item)


def _comparison(condition: Resource, at: str, question: Resource) -> Iterator[Fault]:
    """Tell of a condition on what has no answer, or of an order that answers do not have."""
    kind, shown = str(question.get("type")), str(question.get("linkId"))[:SHOWN]
    if kind in UNANSWERED:
        ja = f"条件(enableWhen)の質問「{shown}」は {kind} なので、答えがありません。"
        yield _fault(f"{at}.question", ja, f"The question '{shown}' of the condition is a {kind}: nobody answers it.")
        return
    if condition.get("operator") in ORDERED and kind in UNORDERED:
        ja = f"質問「{shown}」({kind})の答えに大小はありません。"
        yield _fault(f"{at}.operator", ja, f"The answers to '{shown}', a {kind}, have no order.")
    yield from _value(condition, at, question)


def _value(condition: Resource, at: str, question: Resource) -> Iterator[Fault]:
    """Warn of a value that no answer to the question can have."""
    kind, shown = str(question.get("type")), str(question.get("linkId"))[:SHOWN]
    name, value = value_of(condition, "answer")
    allowed = TYPES.get(kind, ())
    if condition.get("operator") != "exists" and name and allowed and name not in allowed:
        ja = f"条件(enableWhen)の値の型 {name} は、質問「{shown}」の型({'・'.join(allowed)})と合いません。"
        en = f"The value of the condition is a {name}, but '{shown}' is answered by a {' or '.join(allowed)}."
        yield _fault(at, ja, en, "warning")
    codes = {option.get("valueCoding", {}).get("code") for option in question.get("answerOption", ())} - {None}
    if kind == "choice" and codes and name == "Coding" and value.get("code") not in codes | {None}:
        ja = f"条件(enableWhen)のコード「{str(value['code'])[:SHOWN]}」は、質問「{shown}」の選択肢にありません。"
        en = f"The code '{str(value['code'])[:SHOWN]}' of the condition is none of the options of '{shown}'."
        yield _fault(at, ja, en, "warning")


def _options(item: Resource, place: str) -> Iterator[Fault]:
    kind = str(item.get("type"))
    allowed = TYPES.get(kind, ())
    for index, initial in enumerate(item.get("initial", ())):
        name, _ = value_of(initial, "value")
        if allowed and name and name not in allowed:
            shown = str(item.get("linkId"))[:SHOWN]
            ja = f"初期値の型 {name} は、項目「{shown}」の型({'・'.join(allowed)})と合いません。"
            en = f"The initial value is a {name}, but '{shown}' is answered by a {' or '.join(allowed)}."
            yield _fault(f"{place}.initial[{index}]", ja, en)
    calculated = any("Expression" in str(each.get("url")) for each in item.get("extension", ()))
    if kind == "choice" and not calculated and not OPTIONS & item.keys():
        shown = str(item.get("linkId"))[:SHOWN]
        ja = f"選択の項目「{shown}」に選択肢(answerOption か answerValueSet)がありません。"
        yield _fault(place, ja, f"The choice '{shown}' has neither options nor a value set.", "warning")


def _fault(path: str, ja: str, en: str, severity: Severity = "error") -> Fault:
    return Fault(path, "business-rule", ja, en, severity, rule="questionnaire")
