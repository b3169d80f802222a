"""The functions that FHIR adds, but for `elementDefinition()` and `slice()`, which there is no profile here to ask.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from typing import Any

from fhir_service.fhir.fhirpath.code import Code, Function, Site
from fhir_service.fhir.fhirpath.item import BOOLEAN, SYSTEM, Context, Item, Items, boolean
from fhir_service.fhir.fhirpath.model import children, new
from fhir_service.fhir.resource import Resource


def _extension(site: Site) -> Code:
    source, url = site.input.run, site.argument(0).run

    def run(this: Items, context: Context) -> Items:
        wanted = [item.value for item in url(this, context)]
        found: Items = []
        for value, _, primitive in source(this, context):
            node = children(value, primitive)
            extensions = node.get("extension") if node is not None else None
            if type(extensions) is list:
                for each in extensions:
                    if type(each) is dict and each.get("url") in wanted:
                        found.append(new(Item, (each, "Extension", None)))
        return found

    return Code(run, ("Extension",), site.input.ordered)


def _has_extension(site: Site) -> Code:
    extension = _extension(site).run
    return Code(lambda this, context: boolean(bool(extension(this, context))), (BOOLEAN,))


def _has_value(site: Site) -> Code:
    source = site.input.run

    def run(this: Items, context: Context) -> Items:
        items = source(this, context)
        return boolean(len(items) == 1 and items[0].value is not None and type(items[0].value) is not dict)

    return Code(run, (BOOLEAN,))


def _get_value(site: Site) -> Code:
    source = site.input.run

    def run(this: Items, context: Context) -> Items:
        items = source(this, context)
        if len(items) != 1 or items[0].value is None or items[0].type not in SYSTEM:
            return []
        return [Item(items[0].value, SYSTEM[items[0].type])]

    return Code(run, None)


def _resolve(site: Site) -> Code:
    source = site.input.run

    def run(this: Items, context: Context) -> Items:
        found: Items = []
        for item in source(this, context):
            target = _target(item, context)
            if target is not None and type(target.get("resourceType")) is str:
                found.append(new(Item, (target, target["resourceType"], None)))
        return found

    return Code(run, None, site.input.ordered)


def _target(item: Item, context: Context) -> Resource | None:
    value, declared = item.value, None
    if type(value) is dict:
        declared = value.get("type")
        value = value.get("reference")
    if type(value) is not str:
        return {"resourceType": declared} if type(declared) is str and context.environment.resolve is None else None
    if value.startswith("#"):
        return _contained(value[1:], context)
    if context.environment.resolve is not None:
        return context.environment.resolve(value)
    return _told(value, declared)


def _contained(wanted: str, context: Context) -> Resource | None:
    """Return the contained resource of this id, or for `#` the container itself."""
    for container in (*context.root, *context.resource):
        if type(container.value) is not dict:
            continue
        if not wanted:
            return container.value
        inside = container.value.get("contained")
        for each in inside if type(inside) is list else ():
            if type(each) is dict and each.get("id") == wanted:
                return each
    return None


def _told(reference: str, declared: Any) -> Resource | None:
    """Return what a reference says of its target when nobody can fetch it: `Patient/1` is a Patient with id 1."""
    path = reference.partition("?")[0].partition("/_history/")[0]
    parts = path.rsplit("/", 2)
    if len(parts) > 1 and parts[-2][:1].isupper() and parts[-2].isalpha():
        return {"resourceType": parts[-2], "id": parts[-1]}
    return {"resourceType": declared} if type(declared) is str else None


TABLE: dict[str, Function] = {
    "extension": Function(_extension, 1, 1),
    "hasExtension": Function(_has_extension, 1, 1),
    "hasValue": Function(_has_value),
    "getValue": Function(_get_value),
    "resolve": Function(_resolve),
}
