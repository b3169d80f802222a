"""QuestionnaireResponses against their Questionnaire: which items are there, in which order, and how they are answered.

https://hl7.org/fhir/R4/questionnaireresponse.html#3.44.4 and https://hl7.org/fhir/R4/questionnaire.html#2.19.6
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.canonical import found_canonical
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.questionnaire.answer import answer_faults, exclusive_faults
from fhir_service.validation.questionnaire.enable_when import Trail, is_enabled

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

# A response that is not finished, or that never will be, may lack answers.
# https://hl7.org/fhir/R4/valueset-questionnaire-answers-status.html
UNFINISHED = frozenset({"in-progress", "stopped", "entered-in-error"})

SHOWN = 80
MOST_QUESTIONS = 200_000  # comparisons of a question with what is given for it: about a second of work
MIN_OCCURS = "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs"
MAX_OCCURS = "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs"


def questionnaire_response_rules(response: Resource, run: Run) -> Faults:
    """Return the faults of a response; a note if its Questionnaire is not named or not at hand."""
    url = response.get("questionnaire")
    if url is None:
        ja = "questionnaire がないため、質問票との照合をしていません。"
        en = "No questionnaire is named, so the answers were not compared with one."
        return [Fault("", "informational", ja, en, "information", rule="questionnaire")]
    questionnaire = found_canonical(url, "Questionnaire", run)
    if questionnaire is None:
        ja = f"質問票「{url[:200]}」がこのサーバーにないため、照合をしていません。"
        en = f"The questionnaire {url[:200]} is not known here, so the answers were not compared with it."
        return [Fault(".questionnaire", "not-found", ja, en, "warning", rule="questionnaire")]
    unfinished = response.get("status") in UNFINISHED
    check = ResponseCheck(questionnaire, run, "warning" if unfinished else "error")
    return list(check.items(questionnaire.get("item", ()), response, "", Trail(response))) or None


@dataclass(slots=True)
class ResponseCheck:
    """The check of one response; `missing` is how grave a missing answer is, `left` the comparisons it may take."""

    questionnaire: Resource
    run: Run
    missing: Severity
    left: int = MOST_QUESTIONS

    def items(self, asked: list[Resource], holder: Resource, place: str, trail: Trail) -> Iterator[Fault]:
        """Check the items of a response, a group or an answer against those that the Questionnaire has there."""
        self.left -= len(asked)
        if self.left < 0:
            if self.left + len(asked) >= 0:
                ja = "項目と質問が多すぎるため、ここから先は照合していません。"
                yield _fault(
                    place,
                    ja,
                    "Too many items and questions: from here on they were not compared.",
                    "size",
                    "too-costly",
                )
            return
        order = {each.get("linkId"): index for index, each in enumerate(asked)}
        given: dict[str, list[tuple[str, Resource]]] = {}
        last = -1
        for index, item in enumerate(holder.get("item", ())):
            link_id = item.get("linkId")
            where = f"{place}.item[{index}]"
            if link_id not in order:
                yield self._misplaced(link_id, where)
                continue
            if order[link_id] < last:
                ja = f"項目「{link_id}」の順序が質問票と違います。"
                yield _fault(
                    where, ja, f"The item '{link_id}' is out of the order of the questionnaire.", "order", "structure"
                )
            last = max(last, order[link_id])
            given.setdefault(link_id, []).append((where, item))
        for question in asked:
            link_id = question.get("linkId", "")
            yield from self._question(question, given.get(link_id, []), place, trail)

    def _misplaced(self, link_id: Any, where: str) -> Fault:
        shown = str(link_id)[:SHOWN]
        holder = _holder_of(self.questionnaire, link_id)
        if holder is not None:
            place, at = _place_in(holder)
            ja = f"項目「{shown}」の置き場所が質問票と違います。{place}。"
            en = f"The item '{shown}' is not where the questionnaire has it: {at}."
            return _fault(where, ja, en, "place", "structure")
        ja = f"linkId「{shown}」は質問票にありません。"
        return _fault(f"{where}.linkId", ja, f"The questionnaire has no linkId '{shown}'.", "link-id", "structure")

    def _question(
        self, question: Resource, given: list[tuple[str, Resource]], place: str, trail: Trail
    ) -> Iterator[Fault]:
        """Check all that is given for one question."""
        shown = _shown(question)
        enabled = is_enabled(question, trail)
        answered = [(where, item) for where, item in given if item.keys() - {"linkId", "text", "id", "definition"}]
        if enabled is False:
            for where, _ in answered:
                ja = f"{shown}は、条件(enableWhen)により答えない項目ですが、答えがあります。"
                yield _fault(where, ja, f"{_name(question)} is answered, though enableWhen turns it off.", "enabled")
            return
        if not answered and question.get("required") and enabled and question.get("type") != "display":
            yield self._unanswered(question, given[0][0] if given else place)
        if len(given) > 1 and (question.get("type") == "group" or len(answered) > 1) and not question.get("repeats"):
            ja = f"{shown}は一度だけ答える項目です。"
            yield _fault(given[1][0], ja, f"{_name(question)} can be there only once.", "repeats")
        yield from self._occurrences(question, given, answered)
        for where, item in given:
            yield from self._item(question, item, where, trail)

    def _occurrences(
        self, question: Resource, given: list[tuple[str, Resource]], answered: list[tuple[str, Resource]]
    ) -> Iterator[Fault]:
        """https://hl7.org/fhir/R4/extension-questionnaire-minoccurs.html, and -maxoccurs"""
        if question.get("type") == "group":
            count = len(answered)
        else:
            count = sum(len(item.get("answer", ())) for _, item in answered)
        for each in question.get("extension", ()):
            limit = each.get("valueInteger")
            if each.get("url") == MAX_OCCURS and isinstance(limit, int) and count > limit:
                ja = f"{_shown(question)}は {limit} 回までです({count} 回あります)。"
                yield _fault(
                    answered[-1][0],
                    ja,
                    f"{_name(question)} has {count} answers, but at most {limit} are allowed.",
                    "max-occurs",
                )
            if each.get("url") == MIN_OCCURS and isinstance(limit, int) and given and count < limit:
                ja = f"{_shown(question)}は {limit} 回以上必要です({count} 回あります)。"
                yield _fault(
                    given[-1][0],
                    ja,
                    f"{_name(question)} has {count} answers, but at least {limit} are needed.",
                    "min-occurs",
                    severity=self.missing,
                )

    def _unanswered(self, question: Resource, where: str) -> Fault:
        ja = f"必須の項目{_shown(question)}に答えがありません。"
        en = f"The required {_name(question)} is not answered."
        return _fault(where, ja, en, "required", "required", self.missing)

    def _item(self, question: Resource, item: Resource, where: str, trail: Trail) -> Iterator[Fault]:
        kind = question.get("type")
        answers = item.get("answer", ())
        inner = question.get("item", ())
        yield from _text(question, item, where)
        if kind == "group":
            if answers:
                ja = f"{_shown(question)}はまとまり(group)なので、答えを持てません。"
                yield _fault(f"{where}.answer", ja, f"{_name(question)} is a group and cannot have answers.", "group")
            yield from self.items(inner, item, where, trail.into(item))
            return
        if "item" in item:
            ja = f"{_shown(question)}はまとまり(group)ではないので、項目は答え(answer)の下に置きます。"
            en = f"{_name(question)} is no group: items below it stand in its answer."
            yield _fault(f"{where}.item", ja, en, "group", "structure")
        if kind == "display" and answers:
            ja = f"{_shown(question)}は表示だけの項目なので、答えを持てません。"
            yield _fault(f"{where}.answer", ja, f"{_name(question)} is only shown and cannot have answers.", "display")
            return
        if len(answers) > 1 and not question.get("repeats"):
            ja = f"{_shown(question)}の答えは一つだけです({len(answers)} あります)。"
            en = f"{_name(question)} can have one answer only, but has {len(answers)}."
            yield _fault(f"{where}.answer[1]", ja, en, "repeats")
        yield from (fault.below(where) for fault in exclusive_faults(question, answers))
        for index, answer in enumerate(answers):
            at = f"{where}.answer[{index}]"
            self.left -= len(question.get("answerOption", ()))
            if self.left < 0:
                return
            for fault in answer_faults(question, answer, self.questionnaire, self.run):
                yield fault.below(at)
            if inner or "item" in answer:
                yield from self.items(inner, answer, at, trail.into(item).into(answer))


def _text(question: Resource, item: Resource, where: str) -> Iterator[Fault]:
    """A text that is given must be that of the question."""
    text = item.get("text")
    if text is not None and text != question.get("text") and "_text" not in question:
        ja = f"項目「{question.get('linkId')}」の文言が質問票と違います。"
        en = f"The text of the item '{question.get('linkId')}' is not that of the questionnaire."
        yield _fault(f"{where}.text", ja, en, "text")


def _holder_of(questionnaire: Resource, link_id: Any) -> Resource | None:
    """Return the item (or the Questionnaire) that has an item of this linkId, None if none has."""
    pending = [questionnaire]
    while pending:
        holder = pending.pop()
        items = holder.get("item", ())
        if any(item.get("linkId") == link_id for item in items):
            return holder
        pending.extend(items)
    return None


def _place_in(holder: Resource) -> tuple[str, str]:
    """Return where the items of this one stand in a response.

    https://hl7.org/fhir/R4/questionnaireresponse.html#link
    """
    name = str(holder.get("linkId", ""))[:SHOWN]
    if "resourceType" in holder:
        return "いちばん外側(QuestionnaireResponse.item)に置きます", "it belongs to the response itself"
    if holder.get("type") == "group":
        return f"グループ「{name}」の item に置きます", f"it belongs into the group '{name}' (item.item)"
    ja = f"質問「{name}」の答えの item(answer.item)に置きます"
    return ja, f"it belongs to the answer to '{name}' (item.answer.item)"


def _shown(question: Resource) -> str:
    text = str(question.get("text") or "")[:SHOWN]
    return f"「{question.get('linkId')} {text}」" if text else f"「{question.get('linkId')}」"


def _name(question: Resource) -> str:
    return f"item '{question.get('linkId')}'"


def _fault(
    path: str,
    ja: str,
    en: str,
    rule: str,
    code: Any = "business-rule",
    severity: Severity = "error",
) -> Fault:
    return Fault(path, code, ja, en[:1].upper() + en[1:], severity, rule=f"questionnaire-{rule}")
