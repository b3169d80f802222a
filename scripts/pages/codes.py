"""The page of the programme's codes, `docs/codes.md`, from `terminology/`."""

from collections.abc import Iterator

from fhir_service.fhir.resource import Resource

from .text import OUTREACH, TERMINOLOGY, both, page, read_all, table

INTRODUCTION = """\
# コード · Codes

事業のコード体系と値セットです。`terminology/` から `make profile-pages` で作られるので、書き換えるのは定義のほうです。
出典の略し方は [terminology](../terminology/README.md) にあります。

The code systems and value sets of the programme, made of `terminology/` by `make profile-pages`; change those. What
the sources stand for is told [there](../terminology/README.md). `CodeSystem/x` is short for
`https://example.jp/fhir/outreach/CodeSystem/x`."""


def pages() -> dict[str, str]:
    """Return the page by its place in `docs/`: code systems with their codes, then the sets that are not all of one."""
    systems = read_all(TERMINOLOGY / "code-systems")
    whole = {system["valueSet"] for system in systems}
    sets = [each for each in read_all(TERMINOLOGY / "value-sets") if each["url"] not in whole]
    parts = [INTRODUCTION, "## コード体系 · Code systems", *map(system_text, systems)]
    return {"codes.md": page([*parts, "## 値セット · Value sets", *map(set_text, sets)])}


def system_text(system: Resource) -> str:
    """Return a code system: what it is, and the table of its codes."""
    rows = (
        (f"`{each['code']}`", each["display"], english(each), both(each["definition"], "<br>"), *beside(each))
        for each in system["concept"]
    )
    head = ("コード · code", "日本語", "English", "意味 · meaning", "出典 · source", "既存の符号 · official code")
    return f"{opening(system)}\n\n{table(head, rows)}"


def set_text(value_set: Resource) -> str:
    """Return a value set: what it is, and what it takes from which system."""
    rows = ((f"`{short(each['system'])}`", taken(each)) for each in value_set["compose"]["include"])
    return f"{opening(value_set)}\n\n{table(('体系 · system', 'コード · codes'), rows)}"


def opening(definition: Resource) -> str:
    anchor = f'<a id="{definition["id"]}"></a>'
    name = f"`{definition['resourceType']}/{definition['id']}`"
    return f"### {anchor}{definition['title']}\n\n{name}\n\n{both(definition['description'], '<br>')}"


def taken(include: Resource) -> str:
    """Return what a value set takes from a system: the codes named, those that a filter lets through, or all."""
    if "concept" in include:
        return ", ".join(f"`{each['code']}` {each.get('display', '')}".strip() for each in include["concept"])
    rules = (f"{each['property']} {each['op']} `{each['value']}`" for each in include.get("filter", ()))
    return "<br>".join(rules) or "すべて · all"


def english(concept: Resource) -> str:
    return next((each["value"] for each in concept["designation"] if each["language"] == "en"), "")


def beside(concept: Resource) -> Iterator[str]:
    """Give the source of a concept, and its codes in other tables."""
    values: dict[str, list[str]] = {"source": [], "jp-code": []}
    for each in concept["property"]:
        coding = each.get("valueCoding")
        text = (
            f"`{short(coding['system'])}#{coding['code']}` {coding['display']}" if coding else each.get("valueString")
        )
        values.setdefault(each["code"], []).append(str(text))
    yield "<br>".join(values["source"])
    yield "<br>".join(values["jp-code"])


def short(canonical: str) -> str:
    return canonical.removeprefix(OUTREACH) if canonical.startswith(OUTREACH) else canonical.rpartition("/")[2]
