"""The page of the programme's forms, `docs/forms.md`, from `profiles/questionnaires/`."""

from collections.abc import Iterator
from typing import Any

from fhir_service.fhir.resource import Resource

from .text import OUTREACH, PROFILES, both, page, read_all, table

INTRODUCTION = """\
# 様式 · Forms

事業の様式(Questionnaire)を、欄ごとに示します。回答(QuestionnaireResponse)では、欄を`linkId`で指します。
`profiles/questionnaires/` から `make profile-pages` で作られるので、書き換えるのは定義のほうです。
選択肢の符号は[コード](codes.md#form-answer)にあります。字下げした問いは上の欄の中にあり、上がまとまりならその
`item`に、問いならその答えの`answer.item`に置きます。

The forms of the programme, field by field; an answer names its field by the `linkId`. Made of
`profiles/questionnaires/` by `make profile-pages`; change those. The codes of the options stand
[there](codes.md#form-answer). An indented question stands within the field above it: in the `item` of a group, in the
`answer.item` of a question."""

# https://hl7.org/fhir/R4/valueset-item-type.html
KINDS = {
    "group": "(まとまり · group)",
    "display": "(説明 · note)",
    "boolean": "はい・いいえ · boolean",
    "choice": "選択 · choice",
    "date": "日付 · date",
    "dateTime": "日時 · dateTime",
    "integer": "整数 · integer",
    "string": "短い文 · string",
    "text": "文 · text",
}
BOUNDS = {
    "http://hl7.org/fhir/StructureDefinition/minValue": "{}以上",
    "http://hl7.org/fhir/StructureDefinition/maxValue": "{}以下",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs": "{}つまで",
}
CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
OPERATORS = {"=": "が", "!=": "が次のものでない: "}


def pages() -> dict[str, str]:
    """Return the page by its place in `docs/`."""
    return {"forms.md": page([INTRODUCTION, *map(form_text, read_all(PROFILES / "questionnaires"))])}


def form_text(form: Resource) -> str:
    """Return a form: what it is, and the table of its fields."""
    items = {item["linkId"]: item for item, _ in fields(form)}
    rows = (row(item, depth, items) for item, depth in fields(form))
    head = ("欄 · linkId", "問い · question", "答え · answer", "必須 · required", "書く条件 · asked if")
    title = f'## <a id="{form["id"]}"></a>{form["title"]}\n\n`Questionnaire/{form["id"]}`'
    return f"{title}\n\n{both(form['description'])}\n\n{table(head, rows)}"


def fields(holder: Resource, depth: int = 0) -> Iterator[tuple[Resource, int]]:
    """Give every item in the order of the form, with how deep it is."""
    for item in holder.get("item", ()):
        yield item, depth
        yield from fields(item, depth + 1)


def row(item: Resource, depth: int, items: dict[str, Resource]) -> tuple[str, ...]:
    number = f"{item['prefix']}. " if "prefix" in item else ""
    return (
        f"`{item['linkId']}`",
        "　" * depth + number + item["text"],
        "<br>".join(answer(item)),
        "○" if item.get("required") else "",
        f"<br>{'または ' if item.get('enableBehavior') == 'any' else ''}".join(conditions(item, items)),
    )


def answer(item: Resource) -> Iterator[str]:
    """Give the kind of an answer, its options, and what bounds it."""
    yield KINDS[item["type"]] + ("、いくつでも · repeats" if item.get("repeats") else "")
    if options := [option["valueCoding"]["display"] for option in item.get("answerOption", ())]:
        yield " / ".join(options)
    if "answerValueSet" in item:
        name = item["answerValueSet"].removeprefix(f"{OUTREACH}ValueSet/")
        yield f"[{name}](codes.md#{name})"
    for extension in item.get("extension", ()):
        if extension["url"] in BOUNDS:
            yield BOUNDS[extension["url"]].format(extension["valueInteger"])
        if extension["url"] == CALCULATED:
            yield f"計算 · calculated: `{extension['valueExpression']['expression']}`"


def conditions(item: Resource, items: dict[str, Resource]) -> Iterator[str]:
    """Give the conditions under which a field is asked, in the words of the form."""
    for each in item.get("enableWhen", ()):
        value = next(each[key] for key in each if key.startswith("answer"))
        asked = items[each["question"]]
        yield f"`{each['question']}` {OPERATORS[each['operator']]}「{shown(value, asked)}」"


def shown(value: Any, asked: Resource) -> str:
    if isinstance(value, bool):
        return "はい" if value else "いいえ"
    options = [option["valueCoding"] for option in asked.get("answerOption", ())]
    return str(next(each["display"] for each in options if each["code"] == value["code"]))
