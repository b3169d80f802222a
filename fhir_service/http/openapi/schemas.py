"""The types of R4 as JSON Schemas: what the bodies of requests and answers look like in JSON.

https://hl7.org/fhir/R4/json.html and https://json-schema.org/draft/2020-12
"""

from collections.abc import Iterator

from fhir_service.fhir.definitions import Definitions, Element
from fhir_service.fhir.resource import Resource

SCHEMAS = "#/components/schemas/"
# https://hl7.org/fhir/R4/json.html#primitive
_JSON_TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "positiveInt": "integer",
    "unsignedInt": "integer",
    "decimal": "number",
}
_LEAST = {"positiveInt": 1, "unsignedInt": 0}


def ref(name: str) -> Resource:
    """Return the reference to a schema of the document."""
    return {"$ref": SCHEMAS + name}


def schemas(definitions: Definitions) -> Resource:
    """Return the schema of every resource type and of all that resources are made of, by FHIR's name of the type."""
    found: dict[str, Resource] = {"Resource": _any_resource(definitions)}
    pending = ["Element", *sorted(definitions.resource_types, reverse=True)]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = _schema(name, definitions)
            if definitions.kind(name) != "primitive-type":
                pending += [code for _, code in definitions.type(name).by_json.values()]
    return {name: found[name] for name in sorted(found)}


def _any_resource(definitions: Definitions) -> Resource:
    return {
        "type": "object",
        "properties": {"resourceType": {"type": "string", "enum": sorted(definitions.resource_types)}},
        "required": ["resourceType"],
    }


def _schema(name: str, definitions: Definitions) -> Resource:
    type_ = definitions.type(name)
    if type_.kind == "primitive-type":
        return _primitive(name, type_.pattern)
    properties: dict[str, Resource] = {"resourceType": {"const": name}} if type_.kind == "resource" else {}
    required = ["resourceType"] if type_.kind == "resource" else []
    for json_name, (element, code) in type_.by_json.items():
        properties |= _properties(json_name, element, code, definitions)
        if element.min > 0 and not element.choice and definitions.kind(code) != "primitive-type":
            required.append(json_name)  # a primitive may have extensions instead of a value
    schema: Resource = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | {"required": required} if required else schema


def _primitive(name: str, pattern: str | None) -> Resource:
    schema: Resource = {"type": _JSON_TYPES.get(name, "string")}
    if name in _LEAST:
        schema["minimum"] = _LEAST[name]
    if pattern and schema["type"] == "string":
        schema["pattern"] = f"^(?:{pattern})$"
    return schema


def _properties(
    json_name: str, element: Element, code: str, definitions: Definitions
) -> Iterator[tuple[str, Resource]]:
    told = f"required: {element.value_set}" if element.value_set else ", ".join(element.targets)
    primitive = definitions.kind(code) == "primitive-type"
    one: Resource = ref(code)
    if element.repeats:
        items = {"anyOf": [one, {"type": "null"}]} if primitive else one
        one = {"type": "array", "minItems": 1, "items": items}
    yield json_name, one | {"description": told} if told else one
    if primitive and not element.xml_attribute:
        beside = ref("Element")
        if element.repeats:
            beside = {"type": "array", "minItems": 1, "items": {"anyOf": [beside, {"type": "null"}]}}
        yield f"_{json_name}", beside
