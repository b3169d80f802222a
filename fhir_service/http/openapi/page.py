"""The OpenAPI document as pages to read: one of the whole API, and one for each type. They need nothing from elsewhere.

https://spec.openapis.org/oas/v3.1.1.html
"""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice
from typing import Any

from fhir_service.fhir.resource import Resource
from fhir_service.http.openapi.paths import SYSTEM

_METHODS = ("get", "post", "put", "patch", "delete")
_HEAD = """<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · FHIR API</title>
<style>
body {{ font: 16px/1.7 "Hiragino Sans", "Noto Sans JP", "Yu Gothic UI", system-ui, sans-serif; color: #1c2733;
  background: #f6f8fa; margin: 0; }}
main {{ max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem; }}
h1 {{ font-size: 1.6rem; margin: .25rem 0; }} h2 {{ font-size: 1.15rem; margin: 2rem 0 .5rem; }}
.en {{ color: #5b6b7b; font-size: .9rem; }} a {{ color: #0b5cad; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; background: #fff; width: 100%; font-size: .95rem; }}
th, td {{ border: 1px solid #dde3e9; padding: .3rem .6rem; text-align: left; vertical-align: top; }}
th {{ background: #eef1f4; }} code {{ overflow-wrap: break-word; }} td:last-child {{ overflow-wrap: anywhere; }}
.types {{ columns: 12rem; padding: 1rem 2rem; background: #fff; border: 1px solid #dde3e9; }}
</style>
</head>
<body>
<main>
"""
_END = "</main>\n</body>\n</html>\n"


def overview(document: Resource) -> str:
    """Return the page of the whole API."""
    names = [tag["name"] for tag in document["tags"]]
    types = [name for name in names if name != SYSTEM and not name.startswith("$")]
    return "".join(
        (
            _HEAD.format(title="FHIR R4"),
            "<p><a href='./'>FHIR Service</a></p>\n<h1>FHIR R4 API</h1>\n",
            f"<p class='en'>{escape(document['info']['description'])}</p>\n",
            "<p><a href='openapi.json'>openapi.json</a> (OpenAPI 3.1) · "
            "<a href='fhir/metadata?_format=json&amp;_pretty=true'>CapabilityStatement</a></p>\n",
            _section("全体の操作", "The whole system", _interactions(document, SYSTEM, "")),
            _section("オペレーション", "Operations", _operations(document, "")),
            "<h2>リソースの型 <span class='en'>Resource types</span></h2>\n<ul class='types'>\n",
            *(f"<li><a href='docs/{name}'>{name}</a></li>\n" for name in types),
            "</ul>\n",
            _END,
        )
    )


def page_of(document: Resource, name: str) -> str | None:
    """Return the page of a resource type or data type, None if there is no such type."""
    schema = document["components"]["schemas"].get(name)
    if schema is None:
        return None
    parts = [_HEAD.format(title=escape(name)), f"<p><a href='../docs'>FHIR R4 API</a></p>\n<h1>{escape(name)}</h1>\n"]
    if "." not in name:
        told = f"https://hl7.org/fhir/R4/{name.lower()}.html" if f"/{name}" in document["paths"] else ""
        parts.append(f"<p class='en'><a href='{told}'>{told}</a></p>\n" if told else "")
    if f"/{name}" in document["paths"]:
        parts.append(_section("操作", "Interactions", _interactions(document, name, "../")))
        parts.append(_section("検索パラメーター", "Search parameters", _search(document, name)))
        parts.append(_section("オペレーション", "Operations", _operations(document, f"/{name}/")))
    parts.append(_section("要素", "Elements", _elements(schema)))
    return "".join((*parts, _END))


def _section(ja: str, en: str, table: str) -> str:
    return f"<h2>{ja} <span class='en'>{en}</span></h2>\n<div class='wide'>{table}</div>\n" if table else ""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    if not lines:
        return ""
    first = "".join(f"<th>{cell}</th>" for cell in head)
    return f"<table>\n<tr>{first}</tr>\n" + "".join(f"<tr>{line}</tr>\n" for line in lines) + "</table>"


def _interactions(document: Resource, tag: str, up: str) -> str:
    rows = (
        (f"<code>{method.upper()}</code>", _address(address, method, up), escape(operation["summary"]))
        for address, item in document["paths"].items()
        for method, operation in _methods(item)
        if operation["tags"] == [tag]
    )
    return _table(("HTTP", "URL", "説明 · what it does"), rows)


def _methods(item: Resource) -> Iterator[tuple[str, Resource]]:
    return ((method, item[method]) for method in _METHODS if method in item)


def _address(address: str, method: str, up: str) -> str:
    """Return the address; one that can be followed as it is, as a link."""
    shown = f"<code>{escape(address)}</code>"
    if method != "get" or "{" in address:
        return shown
    return f"<a href='{up}fhir{escape(address)}?_format=json&amp;_pretty=true'>{shown}</a>"


def _operations(document: Resource, under: str) -> str:
    """Return the operations at these addresses; without a beginning, those of the whole system and one of each type."""
    items = document["components"]["pathItems"]
    rows: dict[str, tuple[str, str, str]] = {}
    for address, item in document["paths"].items():
        if "$ref" in item and address.startswith(under or "/"):
            name = item["$ref"].rpartition("/")[2]
            methods = [*_methods(items[name])]
            told = methods[0][1]["description"]
            listed = " ".join(method.upper() for method, _ in methods)
            row = f"<code>{listed}</code>", f"<code>{escape(address)}</code>", f"<span class='en'>{escape(told)}</span>"
            rows.setdefault(address if under else name, row)
    return _table(("HTTP", "URL", "定義 · definition"), rows.values())


def _search(document: Resource, name: str) -> str:
    parameters = document["components"]["parameters"]
    keys = [each["$ref"].rpartition("/")[2] for each in document["paths"][f"/{name}"]["get"]["parameters"]]
    found = (parameters[key] for key in keys if key.startswith("search-"))
    rows = sorted((each["name"], *_kind(each["description"])) for each in found)
    head = "名前 · name", "型 · type", "説明 · description"
    return _table(head, ((f"<code>{escape(code)}</code>", kind, told) for code, kind, told in rows))


def _kind(described: str) -> tuple[str, str]:
    kind, _, told = described.partition("]")
    return escape(kind.removeprefix("[")), f"<span class='en'>{escape(told.strip())}</span>"


def _elements(schema: Resource) -> str:
    rows = (
        (f"<code>{escape(name)}</code>", _type(each), f"<span class='en'>{escape(each.get('description', ''))}</span>")
        for name, each in islice(schema.get("properties", {}).items(), 1_000)
        if not name.startswith("_")
    )
    return _table(("名前 · name", "型 · type", "参照先・コード · targets, codes"), rows)


def _type(schema: Any) -> str:
    match schema:
        case {"$ref": str(ref)}:
            name = escape(ref.rpartition("/")[2])
            return f"<a href='{name}'>{name}</a>"
        case {"items": {"anyOf": [one, *_]} | one}:
            return f"{_type(one)} [0..*]"
        case {"const": value}:
            return f"<code>{escape(str(value))}</code>"
        case _:
            return escape(str(schema.get("type", "")))
