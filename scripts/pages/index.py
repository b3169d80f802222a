"""The page that leads to all others, `docs/profiles/README.md`, with what is no profile: identifiers, searches …"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fhir_service.fhir.resource import Resource

from .text import CODES, EXTENSIONS, PROFILES, both, page, read, section, table

INTRODUCTION = """\
精神障害者アウトリーチ支援の記録の形です。1つのプロファイルに1ページあり、要素、規則、拡張、見本が載っています。定義(`profiles/`)から
`make profile-pages` で作られるので、書き換えるのは定義のほうです。
`fhir-service packages build` で FHIR パッケージになります。

The forms of the records of community mental-health outreach: one page for each profile, with its elements, rules,
extensions and examples. They are made of the definitions in `profiles/` by `make profile-pages`; change those.
`fhir-service packages build` makes a FHIR package of them."""
ELSEWHERE = f"""\
拡張は[1つのページ]({EXTENSIONS})に、コードは[別のページ]({CODES})にあります。

The extensions are on [one page]({EXTENSIONS}), the codes on [another]({CODES})."""


def index_page(profiles: str) -> str:
    """Return the page, with the table of the profiles in it."""
    tables = (section(title, listing(folder)) for folder, (title, listing) in LISTINGS.items())
    return page(["# プロファイル · Profiles", INTRODUCTION, profiles, ELSEWHERE, *tables])


def plain(folder: str) -> str:
    """Return the definitions of a folder with what they are for."""
    rows = ((link(file, each["title"]), purpose(each)) for file, each in definitions(folder))
    return table(("定義 · definition", "目的 · purpose"), rows)


def identifiers(folder: str) -> str:
    """Return the identifier systems with their URIs, and where they stand."""
    rows = (
        (link(file, file.stem), f"`{each['uniqueId'][0]['value']}`", purpose(each), each["usage"])
        for file, each in definitions(folder)
    )
    return table(("定義 · definition", "system", "何の番号か · what it numbers", "場所 · place"), rows)


def searches(folder: str) -> str:
    """Return the search parameters with the types that have them."""
    rows = (
        (link(file, f"`{each['code']}`"), ", ".join(each["base"]), each["type"], purpose(each))
        for file, each in definitions(folder)
    )
    return table(("検索 · parameter", "リソース · resources", "型 · type", "何を探すか · what it finds"), rows)


def operations(folder: str) -> str:
    """Return the operations with the addresses that they have."""
    rows = (
        (link(file, each["title"]), "<br>".join(f"`{address}`" for address in addresses(each)), purpose(each))
        for file, each in definitions(folder)
    )
    return table(("操作 · operation", "アドレス · address", "目的 · purpose"), rows)


def addresses(operation: Resource) -> Iterator[str]:
    """Give where an operation can be called."""
    if operation["system"]:
        yield f"[base]/${operation['code']}"
    for each in operation.get("resource", ["Resource"]):
        name = "[type]" if each == "Resource" else each
        if operation["type"]:
            yield f"[base]/{name}/${operation['code']}"
        if operation["instance"]:
            yield f"[base]/{name}/[id]/${operation['code']}"


def definitions(folder: str) -> Iterator[tuple[Path, Resource]]:
    """Give the definitions of a folder, each with its file."""
    return ((file, read(file)) for file in sorted((PROFILES / folder).glob("*.json")))


def link(file: Path, name: str) -> str:
    return f"[{name}](../../profiles/{file.parent.name}/{file.name})"


def purpose(definition: Resource) -> str:
    return both(definition["description"], "<br>")


LISTINGS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "questionnaires": ("質問票 · Questionnaires", plain),
    "measures": ("指標 · Measures", plain),
    "search-parameters": ("検索パラメーター · Search parameters", searches),
    "naming-systems": ("識別子の体系 · Identifier systems", identifiers),
    "capability-statements": ("機能の宣言 · Capability statements", plain),
    "operations": ("操作 · Operations", operations),
}
