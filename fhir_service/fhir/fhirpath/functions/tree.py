"""Tree navigation.

https://hl7.org/fhirpath/N1/#tree-navigation
"""

from fhir_service.fhir.fhirpath.code import Code, Function, Site
from fhir_service.fhir.fhirpath.item import Context, Items
from fhir_service.fhir.fhirpath.model import Model, children


def _below(model: Model, items: Items) -> Items:
    """Return the children of all items."""
    out: Items = []
    for value, type_name, primitive in items:
        node = children(value, primitive)
        if node is None:
            continue
        readers = model.readers(type_name)
        for name in node:
            read = readers.get(name)
            # `_birthDate` is read with `birthDate`, or here if it stands alone.
            if read is not None and not (name[0] == "_" and name[1:] in node):
                read(node, out)
    return out


def _children(site: Site) -> Code:
    source, model = site.input.run, site.model

    def run(this: Items, context: Context) -> Items:
        found = _below(model, source(this, context))
        context.spend(len(found))
        return found

    return Code(run, None, ordered=False)


def _descendants(site: Site) -> Code:
    source, model = site.input.run, site.model

    def run(this: Items, context: Context) -> Items:
        found: Items = []
        level = source(this, context)
        while level:
            level = _below(model, level)
            context.spend(len(level))
            found += level
        return found

    return Code(run, None, ordered=False)


TABLE: dict[str, Function] = {
    "children": Function(_children),
    "descendants": Function(_descendants),
}
