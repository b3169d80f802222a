"""One question of a Questionnaire: its options and first answers fit its type, its definition is there.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fhir_service.fhir.outcome import FhirError, Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.element_path import elements_at
from fhir_service.validation.fault import Fault
from fhir_service.validation.questionnaire.answer import CHOICES, TYPES
from fhir_service.validation.questionnaire.enable_when import value_of

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
CODED = CHOICES | {"string"}  # que-5 lets others have one, too


def question_faults(item: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Give the faults of a question by itself."""
    if "answerValueSet" in item and str(item.get("type")) not in CODED:
        ja = f"値セットは、型が {item.get('type')} の項目の答えになりません。"
        en = f"A value set has no answers to an item of the type {item.get('type')}."
        yield _fault(f"{place}.answerValueSet", ja, en, "warning")
    if item.get("maxLength") == 0:
        ja, en = "maxLength が 0 では、何も答えられません。", "With a maxLength of 0 nothing can be answered."
        yield _fault(f"{place}.maxLength", ja, en, "warning")
    yield from _options(item, place)
    yield from _lengths(item, place)
    yield from _definition(item, f"{place}.definition", run)


def _options(item: Resource, place: str) -> Iterator[Fault]:
    kind, shown = str(item.get("type")), str(item.get("linkId"))[:SHOWN]
    allowed = TYPES.get(kind, ())
    seen: list[object] = []
    chosen = 0
    for index, option in enumerate(item.get("answerOption", ())):
        at = f"{place}.answerOption[{index}]"
        name, value = value_of(option, "value")
        if kind not in CHOICES and allowed and name and name not in allowed:
            ja = f"選択肢の型 {name} は、項目「{shown}」の型({'・'.join(allowed)})と合いません。"
            yield _fault(at, ja, f"The option is a {name}, but '{shown}' is answered by a {' or '.join(allowed)}.")
        if value in seen:
            yield _fault(at, "同じ選択肢が二つあります。", "Another option is the same.", "warning")
        seen.append(value)
        chosen += option.get("initialSelected") is True
    if chosen > 1 and item.get("repeats") is not True:
        ja = f"項目「{shown}」は繰り返せないのに、初めから選ばれた選択肢が {chosen} 個あります。"
        yield _fault(place, ja, f"'{shown}' takes one answer, but {chosen} options are selected initially.")


def _lengths(item: Resource, place: str) -> Iterator[Fault]:
    most = item.get("maxLength")
    for index, initial in enumerate(item.get("initial", ())):
        _, value = value_of(initial, "value")
        if isinstance(value, str) and isinstance(most, int) and len(value) > most:
            ja = f"初期値が {most} 文字(maxLength)を超えています。"
            yield _fault(f"{place}.initial[{index}]", ja, f"The initial value is longer than maxLength, {most}.")


def _definition(item: Resource, place: str, run: Run) -> Iterator[Fault]:
    """Tell of an element of a definition that is here and has no such element."""
    url, _, name = str(item.get("definition", "")).partition("#")
    known = run.validator.definitions
    try:
        snapshot = known.snapshot(url) if name and ":" in url else None
    except FhirError:
        return
    if snapshot is None or elements_at(name, known) is not None:
        return
    if all(name not in (each["id"], each["path"]) for each in snapshot.elements):
        ja = f"{url[:SHOWN]} に要素「{name[:SHOWN]}」はありません。"
        yield _fault(place, ja, f"{url[:SHOWN]} has no element '{name[:SHOWN]}'.")


def _fault(place: str, ja: str, en: str, severity: Severity = "error") -> Fault:
    return Fault(place, "business-rule", ja, en, severity, rule="questionnaire")
