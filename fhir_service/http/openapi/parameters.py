"""The parameters of requests: of the URL's path, headers, results and searches.

https://hl7.org/fhir/R4/http.html#parameters and https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.interactions.capabilities import without_expression

MOST_TOLD = 300  # characters of an expression
_TEXT: Resource = {"type": "string"}
_NUMBER: Resource = {"type": "integer", "minimum": 0}
_FLAG: Resource = {"type": "boolean"}
_ID: Resource = {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}


def _one_of(*values: str) -> Resource:
    return {"type": "string", "enum": [*values]}


def _query(name: str, told: str, schema: Resource) -> Resource:
    return {"name": name, "in": "query", "description": told, "schema": schema}


def _header(name: str, told: str) -> Resource:
    return {"name": name, "in": "header", "description": told, "schema": _TEXT}


def _path(name: str, told: str, schema: Resource) -> Resource:
    return {"name": name, "in": "path", "required": True, "description": told, "schema": schema}


COMMON: dict[str, Resource] = {
    "id": _path("id", "リソースのid · the id of the resource", _ID),
    "vid": _path("vid", "版の番号 · the version", {"type": "string", "pattern": r"^\d{1,18}$"}),
    "type": _path("type", "リソースの型 · the resource type", _TEXT),
    "format": _query("_format", "json, xml か MIME type。Acceptより優先 · goes before Accept", _TEXT),
    "pretty": _query("_pretty", "読みやすく整える · indented for people", _FLAG),
    "summary": _query(
        "_summary",
        "要約だけ · a part of each resource",
        _one_of("true", "text", "data", "count", "false"),
    ),
    "elements": _query("_elements", "返す要素(コンマ区切り) · the elements to return", _TEXT),
    "count": _query("_count", "1ページの件数 · matches on a page", _NUMBER),
    "sort": _query("_sort", "並び順(コンマ区切り、-で降順) · search parameters, - for descending", _TEXT),
    "total": _query("_total", "総数を数えるか · whether to count", _one_of("none", "estimate", "accurate")),
    "maxresults": _query("_maxresults", "全ページの件数の上限 · matches on all pages together", _NUMBER),
    "contained": _query(
        "_contained", "含まれるリソースを探すか · whether to find contained resources", _one_of("false", "true", "both")
    ),
    "containedtype": _query("_containedType", "何を返すか · what to return", _one_of("container", "contained")),
    "explain": _query("_explain", "検索の進め方も返す · tell the plan as well", _FLAG),
    "include": _query("_include", "参照先も返す(型:パラメーター[:型]) · what matches refer to", _TEXT),
    "revinclude": _query("_revinclude", "参照元も返す(型:パラメーター) · what refers to matches", _TEXT),
    "types": _query("_type", "リソースの型(コンマ区切り) · the resource types", _TEXT),
    "since": _query("_since", "この時点以後の版 · versions made at or after", _TEXT),
    "at": _query("_at", "この期間に現行だった版 · versions that stood within", _TEXT),
    "list": _query("_list", "このListが参照する版 · versions that the List with this id refers to", _TEXT),
    "order": _query("_sort", "並び順 · the order", _one_of("-_lastUpdated", "_lastUpdated", "none")),
    "mode": _query("mode", "何を述べるか · of what", _one_of("full", "normative", "terminology")),
    "if-match": _header("If-Match", 'この版のときだけ書く: W/"3" · write only if this version stands'),
    "if-none-match": _header("If-None-Match", "この版でなければ返す · only if changed; * on PUT: only if absent"),
    "if-modified-since": _header("If-Modified-Since", "この日時より後に変わっていれば返す · only if changed since"),
    "if-none-exist": _header(
        "If-None-Exist", "この検索条件に合うものがなければ作る · create only if these criteria find none"
    ),
    "prefer": _header(
        "Prefer", "return=minimal|representation|OperationOutcome; handling=strict|lenient; respond-async"
    ),
}


@dataclass(slots=True)
class SearchParameters:
    """Search parameters as components of the document, each once, however many types have it."""

    registry: SearchRegistry
    components: dict[str, Resource] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def of(self, resource_type: str) -> list[Resource]:
        """Return the references to the search parameters of a type."""
        parameters: Mapping[str, SearchParameter] = self.registry.parameters(resource_type)
        found = [self._component(each.url, each.code, each.type, self._told(each)) for each in parameters.values()]
        found += [
            self._component(f"any/{each['name']}", each["name"], each["type"], each.get("documentation", ""))
            for each in without_expression(resource_type, self.registry.definitions)
        ]
        return [{"$ref": f"#/components/parameters/{name}"} for name in sorted(set(found))]

    def _told(self, parameter: SearchParameter) -> str:
        """Return what a parameter is said to be, or what it looks at on the types that have it."""
        expression = (self.registry.definition(parameter.url) or {}).get("expression", "")
        return parameter.description or str(expression)[:MOST_TOLD]

    def _component(self, url: str, code: str, type_: str, told: str) -> str:
        if url not in self._names:
            name = "search-" + "".join(
                c if c.isascii() and (c.isalnum() or c in "-._") else "_" for c in url.rpartition("/")[2]
            )
            while name in self.components:
                name += "_"
            self._names[url] = name
            schema: Resource = {"type": "array", "items": _TEXT}
            self.components[name] = _query(code, f"[{type_}] {told}".strip(), schema)
        return self._names[url]
