"""One answer to a question: its type, the options and value set it may come from, and its limits.

https://hl7.org/fhir/R4/valueset-item-type.html and https://hl7.org/fhir/R4/questionnaire-profiles.html#extensions
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.fhirpath.error import FhirPathError
from fhir_service.fhir.fhirpath.regex import pattern
from fhir_service.fhir.reference import parse_reference
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault
from fhir_service.validation.questionnaire.enable_when import compare, value_of

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
_REST = re.compile(r"https?://.+/([A-Z][A-Za-z]*)/[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64})?").fullmatch

# https://hl7.org/fhir/R4/valueset-item-type.html: the type of the value that answers a type of question
TYPES: dict[str, tuple[str, ...]] = {
    "boolean": ("Boolean",),
    "decimal": ("Decimal",),
    "integer": ("Integer",),
    "date": ("Date",),
    "dateTime": ("DateTime",),
    "time": ("Time",),
    "string": ("String",),
    "text": ("String",),
    "url": ("Uri",),
    "choice": ("Coding", "Date", "Time", "Integer", "String", "Reference"),
    "open-choice": ("Coding", "Date", "Time", "Integer", "String", "Reference"),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
}
CHOICES = frozenset({"choice", "open-choice"})
ABSTRACT = "question"

BASE = "http://hl7.org/fhir/StructureDefinition/"
MIN_VALUE, MAX_VALUE = f"{BASE}minValue", f"{BASE}maxValue"
DECIMALS, MIN_LENGTH, REGEX = f"{BASE}maxDecimalPlaces", f"{BASE}minLength", f"{BASE}regex"
MIME_TYPE, MAX_SIZE = f"{BASE}mimeType", f"{BASE}maxSize"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
MIN_QUANTITY, MAX_QUANTITY = f"{SDC}minQuantity", f"{SDC}maxQuantity"
UNIT_OPTION = f"{BASE}questionnaire-unitOption"
UNIT_VALUE_SET = f"{BASE}questionnaire-unitValueSet"
EXCLUSIVE = f"{BASE}questionnaire-optionExclusive"
# An element of R5: whether other answers are taken than the options. R4 says so by the type open-choice alone.
CONSTRAINT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire.item.answerConstraint"
REFERENCE_RESOURCE = f"{BASE}questionnaire-referenceResource"


def answer_faults(question: Resource, answer: Resource, questionnaire: Resource, run: Run) -> Iterator[Fault]:
    """Give the faults of an answer, as seen from the answer."""
    kind = str(question.get("type"))
    name, value = value_of(answer, "value")
    if value is not None and kind == ABSTRACT:
        ja = f"「{question.get('linkId')}」の型 question は抽象的な型なので、答えを持てません。"
        en = f"'{question.get('linkId')}' is of the abstract type question and cannot have answers."
        yield Fault(".value", "structure", ja, en, rule="questionnaire-type")
    if value is None or kind not in TYPES:
        return
    place = ".value"
    if name not in TYPES[kind]:
        wanted = "・".join(TYPES[kind])
        ja = f"「{question.get('linkId')}」の答えの型は {wanted} です({name} になっています)。"
        en = f"The answer to '{question.get('linkId')}' must be a {' or '.join(TYPES[kind])}, not a {name}."
        yield Fault(place, "structure", ja, en, rule="questionnaire-type")
        return
    if kind in CHOICES:
        yield from _choice(question, name, value, questionnaire, run)
    elif "answerOption" in question:
        yield from _of_options(question, name, value)
    elif "answerValueSet" in question and name == "String":
        yield from _word_of_value_set(question, value, run)
    yield from _limits(question, name, value, run)


def _choice(question: Resource, name: str, value: Any, questionnaire: Resource, run: Run) -> Iterator[Fault]:
    if _is_own_answer(question, name):
        return
    if "answerValueSet" in question:
        yield from _of_value_set(question, name, value, questionnaire, run)
    elif "answerOption" in question:
        yield from _of_options(question, name, value)
    elif not any("Expression" in str(each.get("url")) for each in question.get("extension", ())):
        ja = f"「{question.get('linkId')}」の質問票に選択肢がないため、答えを確かめられません。"
        en = f"The questionnaire has no options for '{question.get('linkId')}', so the answer cannot be checked."
        yield Fault(".value", "informational", ja, en, "warning", rule="questionnaire-options")


def _is_own_answer(question: Resource, name: str) -> bool:
    """Whether an answer of this type need be none of the options: to open-choice a text, but no other Coding.

    https://hl7.org/fhir/R4/valueset-item-type.html
    """
    said = next(
        (each.get("valueCode") for each in question.get("extension", ()) if each.get("url") == CONSTRAINT), None
    )
    if said is None:
        return name == "String" and question.get("type") == "open-choice"
    return {"optionsOrString": "String", "optionsOrType": "Coding"}.get(str(said)) == name


def _of_options(question: Resource, name: str, value: Any) -> Iterator[Fault]:
    options = [value_of(each, "value") for each in question["answerOption"]]
    if any(kind == name and _is_option(value, option) for kind, option in options):
        return
    shown = _shown(value)
    ja = f"答え「{shown}」は、質問「{question.get('linkId')}」の選択肢にありません。"
    en = f"The answer '{shown}' is none of the options of '{question.get('linkId')}'."
    yield Fault(".value", "code-invalid", ja, en, rule="questionnaire-options")


def exclusive_faults(question: Resource, answers: list[Resource]) -> Iterator[Fault]:
    """Give the faults of several answers, one of which excludes all others, as seen from the item.

    https://hl7.org/fhir/R4/extension-questionnaire-optionexclusive.html
    """
    alone = [
        value_of(option, "value")
        for option in question.get("answerOption", ())
        if any(
            each.get("url") == EXCLUSIVE and each.get("valueBoolean") is True for each in option.get("extension", ())
        )
    ]
    for index, answer in enumerate(answers if alone and len(answers) > 1 else ()):
        name, value = value_of(answer, "value")
        if any(kind == name and _is_option(value, option) for kind, option in alone):
            ja = f"答え「{_shown(value)}」を選んだときは、ほかの答えを選べません。"
            en = f"The answer '{_shown(value)}' excludes all others."
            yield Fault(f".answer[{index}]", "business-rule", ja, en, rule="questionnaire-options")


def _is_option(value: Any, option: Any) -> bool:
    match value, option:
        case {"code": code}, {"code": other}:
            return bool(code == other and value.get("system") == option.get("system"))
        case dict(), dict():
            names = ("reference",) if "reference" in option else ("display",)
            return "code" not in option and all(value.get(each) == option.get(each) for each in names)
        case _:
            return bool(value == option)


def _of_value_set(question: Resource, name: str, value: Any, questionnaire: Resource, run: Run) -> Iterator[Fault]:
    if name != "Coding":
        ja = f"質問「{question.get('linkId')}」の答えは、値セットのコード(Coding)でなければなりません。"
        en = f"The answer to '{question.get('linkId')}' must be a Coding of its value set, not a {name}."
        yield Fault(".value", "structure", ja, en, rule="questionnaire-type")
        return
    url = str(question["answerValueSet"])
    system, code = value.get("system", ""), value.get("code")
    if code is None:
        ja = f"質問「{question.get('linkId')}」の答えにコードがありません。"
        en = f"The answer to '{question.get('linkId')}' has no code."
        yield Fault(".value", "code-invalid", ja, en, rule="questionnaire-options")
        return
    held = (
        run.validator.terminology.contains(url, system, code)
        if not url.startswith("#")
        else _held(url, questionnaire, system, code, run)
    )
    shown = _shown(value)
    if held is None:
        ja = f"答え「{shown}」が値セット {url[:200]} にあるかどうかは、ここでは分かりません。"
        en = f"Whether '{shown}' is in the value set {url[:200]} cannot be told here."
        yield Fault(".value", "code-invalid", ja, en, "warning", rule="questionnaire-options")
    elif not held:
        ja = f"答え「{shown}」は、質問「{question.get('linkId')}」の値セット {url[:200]} にありません。"
        en = f"The answer '{shown}' to '{question.get('linkId')}' is not in the value set {url[:200]}."
        yield Fault(".value", "code-invalid", ja, en, rule="questionnaire-options")


def _word_of_value_set(question: Resource, value: Any, run: Run) -> Iterator[Fault]:
    """Check a text that has to be a code of a value set."""
    url = str(question["answerValueSet"])
    if url.startswith("#") or run.validator.terminology.contains(url, None, value) is not False:
        return
    ja = f"答え「{_shown(value)}」は、質問「{question.get('linkId')}」の値セット {url[:200]} にありません。"
    en = f"The answer '{_shown(value)}' to '{question.get('linkId')}' is not in the value set {url[:200]}."
    yield Fault(".value", "code-invalid", ja, en, rule="questionnaire-options")


def _held(url: str, questionnaire: Resource, system: Any, code: str, run: Run) -> bool | None:
    """Whether a value set that the Questionnaire contains has a code."""
    for each in questionnaire.get("contained", ()):
        if each.get("id") == url[1:] and each.get("resourceType") == "ValueSet":
            return run.validator.terminology.composed(each)(system, code)
    return None


def _limits(question: Resource, name: str, value: Any, run: Run) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.maxLength, and the extensions"""
    link_id = question.get("linkId")
    most = question.get("maxLength")
    if isinstance(most, int) and isinstance(value, str) and len(value) > most:
        ja = f"「{link_id}」の答えは {most} 文字までです({len(value)} 文字あります)。"
        yield _limit(
            ja, f"The answer to '{link_id}' has {len(value)} characters, but at most {most} are allowed.", "max-length"
        )
    for each in question.get("extension", ()):
        _, limit = value_of(each, "value")
        if (url := each.get("url")) in LIMITS and limit is not None:
            yield from LIMITS[url](link_id, name, value, limit)
    if name == "Quantity":
        yield from _unit(question, value, run)
    if name == "Reference":
        yield from _target(question, value, run)
    if name == "Attachment":
        yield from _attachment(question, value)


def _bound(rule: str, low: bool) -> Any:
    def run(link_id: Any, name: str, value: Any, limit: Any) -> Iterator[Fault]:
        order = compare(name, value, limit)
        if order is None and name == "Quantity":
            ja = f"「{link_id}」の答え {_shown(value)} は、単位が違うため {_shown(limit)} と比べられません。"
            en = f"The answer {_shown(value)} to '{link_id}' cannot be compared with {_shown(limit)}: the units differ."
            yield _limit(ja, en, rule)
        if order is not None and (order < 0 if low else order > 0):
            shown = _shown(limit)
            ja = f"「{link_id}」の答え {_shown(value)} は、{shown} {'以上' if low else '以下'}でなければなりません。"
            en = f"The answer {_shown(value)} to '{link_id}' must be at {'least' if low else 'most'} {shown}."
            yield _limit(ja, en, rule)

    return run


def _decimals(link_id: Any, name: str, value: Any, limit: Any) -> Iterator[Fault]:
    number = value.get("value") if isinstance(value, dict) else value
    if not isinstance(number, Decimal) or not isinstance(limit, int):
        return
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > limit:
        ja = f"「{link_id}」の答えの小数は {limit} 桁までです。"
        yield _limit(ja, f"The answer to '{link_id}' can have {limit} decimal places at most.", "max-decimal-places")


def _short(link_id: Any, name: str, value: Any, limit: Any) -> Iterator[Fault]:
    if isinstance(value, str) and isinstance(limit, int) and len(value) < limit:
        ja = f"「{link_id}」の答えは {limit} 文字以上必要です。"
        yield _limit(ja, f"The answer to '{link_id}' must have at least {limit} characters.", "min-length")


def _regex(link_id: Any, name: str, value: Any, limit: Any) -> Iterator[Fault]:
    try:
        fits = not isinstance(value, str) or pattern(str(limit)).fullmatch(value) is not None
    except FhirPathError:
        return
    if not fits:
        ja = f"「{link_id}」の答えが、決められた形(正規表現 {str(limit)[:SHOWN]})ではありません。"
        yield _limit(ja, f"The answer to '{link_id}' does not match {str(limit)[:SHOWN]}.", "regex")


LIMITS: dict[str, Any] = {
    MIN_VALUE: _bound("min-value", low=True),
    MAX_VALUE: _bound("max-value", low=False),
    MIN_QUANTITY: _bound("min-value", low=True),
    MAX_QUANTITY: _bound("max-value", low=False),
    DECIMALS: _decimals,
    MIN_LENGTH: _short,
    REGEX: _regex,
}


def _unit(question: Resource, value: Resource, run: Run) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/extension-questionnaire-unitoption.html, and -unitvalueset"""
    extensions = question.get("extension", ())
    options = [each.get("valueCoding") or {} for each in extensions if each.get("url") == UNIT_OPTION]
    offered = any(
        each.get("code") == value.get("code") and each.get("system") == value.get("system") for each in options
    )
    sets = [str(each.get("valueCanonical")) for each in extensions if each.get("url") == UNIT_VALUE_SET]
    code = value.get("code")
    held = [run.validator.terminology.contains(each, value.get("system"), str(code)) for each in sets]
    if (options and not offered) or False in held or (sets and code is None):
        shown = str(value.get("unit") or code)[:SHOWN]
        ja = f"「{question.get('linkId')}」の答えの単位「{shown}」は選べる単位にありません。"
        en = f"The unit of the answer to '{question.get('linkId')}' ({shown}) is none of those offered."
        yield Fault(".value", "code-invalid", ja, en, rule="questionnaire-unit")


def _attachment(question: Resource, value: Resource) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/extension-mimetype.html and https://hl7.org/fhir/R4/extension-maxsize.html"""
    link_id, extensions = question.get("linkId"), question.get("extension", ())
    allowed = [str(each.get("valueCode")) for each in extensions if each.get("url") == MIME_TYPE]
    kind = str(value.get("contentType", ""))
    if allowed and not kind.startswith(tuple(allowed)):
        ja = f"「{link_id}」の添付は {'・'.join(allowed)} でなければなりません({kind or '種類の記載なし'})。"
        yield _limit(ja, f"The attachment of '{link_id}' must be {' or '.join(allowed)}, not '{kind}'.", "mime-type")
    data = value.get("data")
    size = len("".join(data.split()).rstrip("=")) * 3 // 4 if isinstance(data, str) else 0
    for each in extensions:
        most = each.get("valueDecimal", each.get("valueInteger"))
        if each.get("url") == MAX_SIZE and most is not None and size > most:
            ja = f"「{link_id}」の添付は {most} バイトまでです({size} バイトあります)。"
            yield _limit(
                ja, f"The attachment of '{link_id}' has {size} bytes, but at most {most} are allowed.", "max-size"
            )


def _target(question: Resource, value: Resource, run: Run) -> Iterator[Fault]:
    """https://hl7.org/fhir/R4/extension-questionnaire-referenceresource.html"""
    wanted = [each.get("valueCode") for each in question.get("extension", ()) if each.get("url") == REFERENCE_RESOURCE]
    reference = str(value.get("reference", ""))
    found = value.get("type") or parse_reference(reference).type
    named = _REST(reference)
    if named is not None and named[1] not in run.validator.definitions.resource_types:
        ja = f"「{question.get('linkId')}」の答えの参照先の型「{named[1][:SHOWN]}」は FHIR R4 にありません。"
        en = f"The answer to '{question.get('linkId')}' refers to a {named[1][:SHOWN]}, which FHIR R4 has not."
        yield Fault(".value", "structure", ja, en, rule="questionnaire-target")
        return
    if wanted and found is not None and found not in wanted:
        listed = "・".join(map(str, wanted))
        ja = f"「{question.get('linkId')}」の答えは {listed} への参照です({found} になっています)。"
        en = (
            f"The answer to '{question.get('linkId')}' must refer to {' or '.join(map(str, wanted))}, not to a {found}."
        )
        yield Fault(".value", "structure", ja, en, rule="questionnaire-target")


def _limit(ja: str, en: str, rule: str) -> Fault:
    return Fault(".value", "business-rule", ja, en, rule=f"questionnaire-{rule}")


def _shown(value: Any) -> str:
    match value:
        case {"value": number}:
            return f"{number} {value.get('unit') or value.get('code') or ''}".strip()[:SHOWN]
        case {"code": code}:
            return f"{value.get('display')}({code})"[:SHOWN] if "display" in value else str(code)[:SHOWN]
        case dict():
            return str(value.get("display") or value.get("reference") or value)[:SHOWN]
        case _:
            return str(value)[:SHOWN]
