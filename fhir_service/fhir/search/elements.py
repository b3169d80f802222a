"""Parts of a resource: `_summary` and `_elements`.

https://hl7.org/fhir/R4/search.html#summary and https://hl7.org/fhir/R4/search.html#elements
"""

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from typing import Any

from fhir_service.fhir.definitions import Definitions, Element
from fhir_service.fhir.resource import Resource

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"

# "Servers SHOULD mark the resources with the tag SUBSETTED to ensure that the incomplete resource is not accidentally
# used to overwrite a complete resource."
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
ALWAYS = frozenset({"resourceType", "id", "meta"})


def subset(resource: Resource, summary: str | None, elements: Collection[str], definitions: Definitions) -> Resource:
    """Return the part of a resource that is asked for, tagged SUBSETTED; the resource itself if all of it is."""
    resource_type = resource["resourceType"]
    if elements:
        # "Servers SHOULD always return mandatory elements whether they are requested or not."
        return _tagged(_top(resource, definitions, lambda name, each: _named(name, each, elements) or each.min > 0))
    match summary:
        case "true":
            return _tagged(
                dict(_summary(resource, resource_type, _summary_paths(definitions, resource_type), definitions))
            )
        case "text":
            # "Return only the 'text' element, the 'id' element, the 'meta' element, and only top-level mandatory
            # elements"
            return _tagged(_top(resource, definitions, lambda name, each: name == "text" or each.min > 0))
        case "data":
            return _tagged({name: value for name, value in resource.items() if name != "text"})
        case _:
            return resource


def _top(resource: Resource, definitions: Definitions, kept: Callable[[str, Element], bool]) -> Resource:
    by_json = definitions.type(resource["resourceType"]).by_json
    part: Resource = {}
    for name, value in resource.items():
        plain = name.removeprefix("_")
        if plain in ALWAYS or (plain in by_json and kept(plain, by_json[plain][0])):
            part[name] = value
    return part


def _named(name: str, element: Element, elements: Collection[str]) -> bool:
    """Whether a property is asked for: by its name in JSON, or by that of an element with a choice of types."""
    return name in elements or element.name in elements


def _summary(node: Resource, path: str, marked: Collection[str], definitions: Definitions) -> Iterator[tuple[str, Any]]:
    """Give the properties of a node that are marked as summary, or mandatory; and of those the same parts."""
    by_json = definitions.type(path).by_json
    for name, value in node.items():
        plain = name.removeprefix("_")
        if plain == "resourceType":
            yield name, value
        elif plain in by_json:
            element, code = by_json[plain]
            if f"{path}.{element.name}" in marked or element.min > 0:
                yield name, _within(value, code, marked, definitions) if "." in code else value


def _within(value: Any, path: str, marked: Collection[str], definitions: Definitions) -> Any:
    if isinstance(value, list):
        return [_within(each, path, marked, definitions) for each in value]
    return dict(_summary(value, path, marked, definitions))


@lru_cache(maxsize=256)
def _summary_paths(definitions: Definitions, resource_type: str) -> frozenset[str]:
    """Return the paths of the elements that the base definition marks as summary."""
    structure = definitions.find(STRUCTURE + resource_type) or {}
    return frozenset(
        element["path"].removesuffix("[x]")
        for element in structure.get("snapshot", {}).get("element", ())
        if element.get("isSummary")
    )


def _tagged(part: Resource) -> Resource:
    """Return the part with the tag SUBSETTED, `meta` where it belongs."""
    meta = part.get("meta", {})
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    meta = meta | {"tag": [*tags, SUBSETTED]}
    first = {name: part[name] for name in ("resourceType", "id") if name in part}
    return first | {"meta": meta} | {name: value for name, value in part.items() if name not in ALWAYS}
