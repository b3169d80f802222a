"""Write the readable page of the programme's codes, `docs/codes.md`, from `terminology/`.

python scripts/build_code_page.py            # writes the page (`make profile-pages`)
python scripts/build_code_page.py --check    # says whether it is up to date
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TERMINOLOGY = ROOT / "terminology"
PAGE = ROOT / "docs" / "codes.md"
OUTREACH = "https://example.jp/fhir/outreach/"
DIVIDED = " · "

INTRODUCTION = """\
# コード · Codes

事業のコード体系と値セットです。`terminology/` から `make profile-pages` で作られるので、書き換えるのは定義のほうです。
出典の略し方は [terminology](../terminology/README.md) にあります。

The code systems and value sets of the programme, made of `terminology/` by `make profile-pages`; change those. What
the sources stand for is told [there](../terminology/README.md). `CodeSystem/x` is short for
`https://example.jp/fhir/outreach/CodeSystem/x`."""

Resource = dict[str, Any]


def read(folder: str) -> list[Resource]:
    """Return the definitions in a folder of `terminology/`, in the order of their ids."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted((TERMINOLOGY / folder).glob("*.json"))]


def page() -> str:
    """Return the whole page: each code system with its codes, then the value sets that are not all of one."""
    systems = read("code-systems")
    whole = {system["valueSet"] for system in systems}
    sets = [each for each in read("value-sets") if each["url"] not in whole]
    parts = [INTRODUCTION, "## コード体系 · Code systems", *map(system_text, systems)]
    return "\n\n".join([*parts, "## 値セット · Value sets", *map(set_text, sets)]) + "\n"


def system_text(system: Resource) -> str:
    """Return a code system: what it is, and the table of its codes."""
    rows = (
        (f"`{each['code']}`", each["display"], english(each), two_lines(each["definition"]), *beside(each))
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
    return f"### {anchor}{definition['title']}\n\n{name}\n\n{two_lines(definition['description'])}"


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


def two_lines(text: str) -> str:
    return text.replace(DIVIDED, "<br>", 1)


def short(canonical: str) -> str:
    return canonical.removeprefix(OUTREACH) if canonical.startswith(OUTREACH) else canonical.rpartition("/")[2]


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is not up to date")
    check = parser.parse_args().check
    made = page()
    fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == made
    if check:
        print(f"{PAGE.relative_to(ROOT)}: {'up to date' if fresh else 'OLD'}")
        raise SystemExit(not fresh)
    PAGE.write_text(made, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {'as it was' if fresh else 'written anew'}")


if __name__ == "__main__":
    main()
