"""The paths of the document: one for each line of ROUTES and each type, and for each operation.

https://hl7.org/fhir/R4/http.html#summary
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.http.openapi.schemas import ref
from fhir_service.interactions.route import Route
from fhir_service.interactions.services import Operation

SYSTEM = "System"
JSON, XML = "application/fhir+json", "application/fhir+xml"
FORM = "application/x-www-form-urlencoded"
PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/xml-patch+xml")
COMPARTMENTS = ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")


class Told(NamedTuple):
    """What the document says of an interaction: a summary, its parameters, and what comes back by status."""

    summary: str
    parameters: tuple[str, ...]
    answers: dict[str, str | None]


_RESULTS = ("summary", "elements")
_HISTORY = ("count", "since", "at", "list", "order", *_RESULTS)
_PAGES = (
    "count", "maxresults", "sort", "total", "include", "revinclude", "contained", "containedtype", "explain", *_RESULTS,
)  # fmt: skip
_WRITTEN: dict[str, str | None] = {"200": "[type]", "201": "[type]"}
# https://hl7.org/fhir/R4/http.html#summary
INTERACTIONS: dict[str, Told] = {
    "read": Told("読む · read", ("if-none-match", "if-modified-since", *_RESULTS), {"200": "[type]", "304": None}),
    "vread": Told("ある版を読む · read a version", _RESULTS, {"200": "[type]", "304": None}),
    "update": Told("書き換える、なければ作る · update or create", ("if-match", "if-none-match", "prefer"), _WRITTEN),
    "patch": Told("一部を書き換える · patch", ("if-match", "prefer"), {"200": "[type]"}),
    "delete": Told("削除する · delete", ("if-match",), {"200": "OperationOutcome", "204": None}),
    "history-instance": Told("1件の履歴 · history of a resource", _HISTORY, {"200": "Bundle"}),
    "history-type": Told("型の履歴 · history of a type", _HISTORY, {"200": "Bundle"}),
    "history-system": Told("全体の履歴 · history of all", _HISTORY, {"200": "Bundle"}),
    "create": Told("作る · create", ("if-none-exist", "prefer"), _WRITTEN),
    "search-type": Told("検索する · search", _PAGES, {"200": "Bundle"}),
    "search-system": Told("複数の型から検索する · search several types", ("types", *_PAGES), {"200": "Bundle"}),
    "transaction": Told("まとめて行う · do all entries or none", ("prefer",), {"200": "Bundle"}),
    "batch": Told("まとめて行う · do each entry", ("prefer",), {"200": "Bundle"}),
    "capabilities": Told("できること · what the server does", ("mode", *_RESULTS), {"200": "CapabilityStatement"}),
}
# Bodies of operations that take another thing than Parameters or a resource.
BODIES: dict[str, dict[str, Resource]] = {
    "graphql": {
        "application/json": {"schema": {"type": "object", "required": ["query"]}},
        "application/graphql": {"schema": {"type": "string"}},
    },
    "install": {
        "application/gzip": {"schema": {"type": "string", "format": "binary"}},
        "application/fhir+json": {"schema": {"$ref": "#/components/schemas/Parameters"}},
    },
}
_PUT = {"update": "[type]", "create": "[type]", "transaction": "Bundle", "batch": "Bundle"}


def interaction_paths(
    routes: Iterable[Route], types: Iterable[str], searched_by: Callable[[str], list[Resource]]
) -> Iterator[tuple[str, str, Resource]]:
    """Give path, method and operation of every route on every type; `searched_by` are the parameters of a type."""
    types = list(types)
    for route in routes:
        if route.pattern.startswith("[type]"):
            names: Iterable[str] = types
        else:
            names = COMPARTMENTS if route.pattern.startswith("[compartment]") else (SYSTEM,)
        for name in names:
            yield _address(route.pattern, name), route.method.lower(), _operation(route, name, searched_by)


def _address(pattern: str, name: str) -> str:
    within = pattern.replace("[compartment]", name)
    address = within if within != pattern else pattern.replace("[type]", name, 1)
    for part in ("id", "vid", "type"):
        address = address.replace(f"[{part}]", f"{{{part}}}")
    return f"/{address}"


def _operation(route: Route, name: str, searched_by: Callable[[str], list[Resource]]) -> Resource:
    told = INTERACTIONS[route.code]
    conditional = route.pattern == "[type]" and route.code in ("update", "patch", "delete")
    searches = conditional or (route.code == "search-type" and route.pattern in ("[type]", "[type]/_search"))
    by_form = route.pattern.endswith("_search")
    parameters = [_parameter(each) for each in ("format", "pretty", *(() if by_form else told.parameters))]
    parameters += [_parameter(part) for part in ("id", "vid", "type") if f"[{part}]" in _after_the_type(route.pattern)]
    if searches and not by_form:
        parameters += searched_by(name)
    operation: Resource = {
        "tags": [name],
        "operationId": _operation_id(route, name, conditional),
        "summary": told.summary + (" (検索条件で · by criteria)" if conditional else ""),
        "parameters": parameters,
        "responses": responses(
            {status: each and each.replace("[type]", name) for status, each in told.answers.items()}
        ),
    }
    if by_form:
        operation["requestBody"] = _form([*told.parameters], searched_by(name) if searches else [])
    elif route.code == "patch":
        operation["requestBody"] = _patch_body()
    elif route.code in _PUT:
        operation["requestBody"] = resource_body(_PUT[route.code].replace("[type]", name))
    return operation


def _after_the_type(pattern: str) -> str:
    return pattern.removeprefix("[type]").removeprefix("[compartment]")


def _operation_id(route: Route, name: str, conditional: bool) -> str:
    parts = ["conditional"] if conditional else []
    parts += [route.code, name]
    if route.pattern.startswith("[compartment]"):
        parts.append("compartment" + ("-type" if "[type]" in route.pattern else ""))
    if route.pattern.endswith("_search"):
        parts.append("by-form")
    return "-".join(parts)


def _parameter(name: str) -> Resource:
    return {"$ref": f"#/components/parameters/{name}"}


def _form(results: list[str], criteria: list[Resource]) -> Resource:
    """Return the body of a POST to _search: any parameter of the search."""
    named = [each["$ref"].rpartition("/")[2] for each in (*map(_parameter, results), *criteria)]
    told = "GETと同じパラメーター · the parameters of GET: " + ", ".join(named)
    schema = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
    return {"description": told, "content": {FORM: {"schema": schema}}}


def _patch_body() -> Resource:
    content: dict[str, Resource] = {name: {} for name in PATCHES} | {JSON: {"schema": ref("Parameters")}, XML: {}}
    content["application/json-patch+json"] = {"schema": {"type": "array", "items": {"type": "object"}}}
    return {"required": True, "content": content}


def resource_body(name: str, *, required: bool = True) -> Resource:
    """Return a body that is a resource of this type."""
    return {"required": required, "content": {JSON: {"schema": ref(name)}, XML: {}}}


def responses(answers: dict[str, str | None]) -> Resource:
    """Return the answers by status: a resource of a type, or none; all others are an OperationOutcome."""
    found: Resource = {}
    for status, name in answers.items():
        found[status] = {"description": name or "-"}
        if name is not None:
            found[status]["content"] = {JSON: {"schema": ref(name)}, XML: {}}
    return found | {"default": {"$ref": "#/components/responses/OperationOutcome"}}


def operation_items(operations: Iterable[Operation], definitions: Definitions) -> Iterator[tuple[str, str, Resource]]:
    """Give address, name and path item of every operation on every level where it is: `/Patient/{id}/$everything`."""
    for operation in operations:
        types = sorted(operation.types or definitions.resource_types)
        for level in sorted(operation.levels):
            item = _operation_item(operation, definitions, level == "instance")
            within = "-".join(sorted(operation.types))
            key = "-".join(filter(None, (operation.name, level, within)))
            end = f"{{id}}/${operation.name}" if level == "instance" else f"${operation.name}"
            for address in (f"/{end}",) if level == "system" else (f"/{name}/{end}" for name in types):
                yield address, key, item


def _operation_item(operation: Operation, definitions: Definitions, of_instance: bool) -> Resource:
    parameters = (definitions.find(operation.definition) or {}).get("parameter", ())
    told: Resource = {
        "summary": f"${operation.name}",
        "description": operation.definition,
        "tags": ["$" + operation.name],
    }
    told["responses"] = responses({"200": _answer(parameters, definitions)})
    body = resource_body("Resource", required=False)
    if operation.name in BODIES:
        body["content"] = BODIES[operation.name]
        told["responses"]["200"]["content"] = {"application/json": {"schema": {"type": "object"}}}
    item: Resource = {"parameters": [_parameter("id")]} if of_instance else {}
    if "GET" in operation.methods:
        plain = [each for each in parameters if each.get("use") == "in" and each.get("type", "")[:1].islower()]
        item["get"] = told | {"parameters": [_input(each) for each in plain]}
    if "POST" in operation.methods:
        item["post"] = told | {"requestBody": body}
    return item


def _answer(parameters: Iterable[Resource], definitions: Definitions) -> str:
    """Return the type of the resource that an operation answers with: Parameters, unless `return` is all it gives."""
    match [each for each in parameters if each.get("use") == "out"]:
        case [{"name": "return", "type": "Any" | "Resource"}]:
            return "Resource"
        case [{"name": "return", "type": str(name)}] if name in definitions.resource_types:
            return name
        case _:
            return "Parameters"


def _input(parameter: Resource) -> Resource:
    schema: Resource = {"type": "string"}
    if parameter.get("max") != "1":
        schema = {"type": "array", "items": schema}
    told = f"[{parameter['type']}] {parameter.get('documentation', '')}".strip()
    return {"name": parameter["name"], "in": "query", "description": told, "schema": schema}
