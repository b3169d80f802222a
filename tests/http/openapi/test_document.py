"""https://spec.openapis.org/oas/v3.1.1.html"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(server: Any) -> Json:
    answer = httpx.get(f"{server.root}/openapi.json", timeout=30)
    assert answer.headers["Content-Type"] == "application/json"
    body: Json = answer.json()
    return body


@pytest.fixture(scope="module")
def statement(server: Any) -> Json:
    body: Json = httpx.get(f"{server.base}/metadata").json()
    return body


def refs(node: Any) -> Iterator[str]:
    """Yield every reference of the document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from refs(each)
    elif isinstance(node, list):
        for each in node:
            yield from refs(each)


def part(document: Json, names: set[str]) -> Json:
    """Return the document of these types and of the system, with the components that they need."""
    paths = {path: each for path, each in document["paths"].items() if path.split("/")[1] in names or path == "/"}
    kept: Json = document | {"paths": paths, "components": {}}
    missing = set(refs(paths))
    while missing:
        for ref in missing:
            _, _, kind, name = ref.split("/")
            kept["components"].setdefault(kind, {})[name] = document["components"][kind][name]
        known = {f"#/components/{kind}/{name}" for kind, each in kept["components"].items() for name in each}
        missing = set(refs(kept["components"])) - known
    return kept


def test_the_document_is_valid(document: Json) -> None:
    """A part of it, for the validator takes long: the types are all made in the same way."""
    assert document["openapi"] == "3.1.0"
    assert (
        list(OpenAPIV31SpecValidator(part(document, {"Basic", "metadata", "$graphql", "_search"})).iter_errors()) == []
    )


def test_every_reference_leads_to_a_component(document: Json) -> None:
    for ref in set(refs(document)):
        _, _, kind, name = ref.split("/")
        assert name in document["components"][kind], ref


def test_every_operation_has_an_id_of_its_own(document: Json) -> None:
    ids = [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if "operationId" in operation
    ]

    assert len(ids) == len(set(ids)) > 1_500


def test_every_parameter_of_a_path_is_described(document: Json) -> None:
    components = document["components"]
    for address, item in document["paths"].items():
        named = {part[1:-1] for part in address.split("/") if part.startswith("{")}
        item = components["pathItems"][item["$ref"].rpartition("/")[2]] if "$ref" in item else item
        shared = item.get("parameters", [])
        for operation in (each for name, each in item.items() if name != "parameters"):
            given = [
                components["parameters"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
                for each in (*shared, *operation.get("parameters", []))
            ]
            assert {each["name"] for each in given if each["in"] == "path"} == named, address
            names = [(each["in"], each["name"]) for each in given]
            assert len(names) == len(set(names)), address


def test_it_tells_what_the_capability_statement_tells(document: Json, statement: Json) -> None:
    rest = statement["rest"][0]
    for resource in rest["resource"]:
        name = resource["type"]
        parameters = document["paths"][f"/{name}"]["get"]["parameters"]
        told = {document["components"]["parameters"][each["$ref"].rpartition("/")[2]]["name"] for each in parameters}
        assert {each["name"] for each in resource["searchParam"]} <= told, name
        for operation in resource.get("operation", ()):
            assert {f"/{name}/${operation['name']}", f"/{name}/{{id}}/${operation['name']}"} & document["paths"].keys()
        assert name in document["components"]["schemas"]
    assert all(f"/${each['name']}" in document["paths"] for each in rest["operation"])


@pytest.mark.parametrize("name", ["Patient", "Observation", "CarePlan"])
def test_an_answer_of_the_server_fits_its_schema(document: Json, server: Any, name: str) -> None:
    from jsonschema import Draft202012Validator

    elements: dict[str, Json] = {
        "Patient": {
            "active": True,
            "name": [{"given": ["x", None], "_given": [None, {"extension": [{"url": "http://e", "valueCode": "y"}]}]}],
            "birthDate": "1968",
        },
        "Observation": {"status": "final", "code": {"text": "x"}, "valueQuantity": {"value": 1.5}},
        "CarePlan": {"status": "active", "intent": "plan", "subject": {"display": "x"}},
    }
    stored = httpx.post(f"{server.base}/{name}", json={"resourceType": name, **elements[name]}).json()
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}

    assert [each.message for each in Draft202012Validator(schema).iter_errors(stored)] == []
    assert [*Draft202012Validator(schema).iter_errors(stored | {"colour": "red"})]


def test_it_comes_packed_to_who_can_unpack_it(server: Any) -> None:
    packed = httpx.get(f"{server.root}/openapi.json", headers={"Accept-Encoding": "gzip"})
    plain = httpx.get(f"{server.root}/openapi.json", headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["Content-Length"]) * 10 < int(plain.headers["Content-Length"])
