"""Filtering and projection.

https://hl7.org/fhirpath/N1/#filtering-and-projection
"""

from fhir_service.fhir.fhirpath.code import Code, Function, Site
from fhir_service.fhir.fhirpath.equality import key
from fhir_service.fhir.fhirpath.functions.iteration import each, weight
from fhir_service.fhir.fhirpath.item import Context, Items, truth


def _where(site: Site) -> Code:
    source = site.input.run
    criterion, _ = each(site, 0)

    def run(this: Items, context: Context) -> Items:
        return [item for item, result in criterion(source(this, context), context) if truth(result)]

    return Code(run, site.input.types, site.input.ordered)


def _select(site: Site) -> Code:
    source = site.input.run
    projection, types = each(site, 0)

    def run(this: Items, context: Context) -> Items:
        found: Items = []
        for _, result in projection(source(this, context), context):
            found += result
            context.left -= len(result)
            if context.left < 0:
                context.refill()
        return found

    return Code(run, types, site.input.ordered)


def _repeat(unique: bool) -> Function:
    """Return `repeat` (each item once, so that a cycle ends) or `repeatAll` (ended by the limit alone)."""

    def build(site: Site) -> Code:
        source = site.input.run
        projection = site.compile(site.call.arguments[0], None).run
        cost = weight(site.call.arguments[0])

        def run(this: Items, context: Context) -> Items:
            found: Items = []
            seen: set[object] = set()
            queue = list(source(this, context))
            while queue:
                below: Items = []
                for item in queue:
                    found_here = projection([item], context)
                    context.spend(cost + len(found_here))
                    below += found_here
                queue = _unseen(below, seen) if unique else below
                found += queue
            return found

        return Code(run, None, ordered=False)

    return Function(build, 1, 1)


def _unseen(items: Items, seen: set[object]) -> Items:
    fresh: Items = []
    for item in items:
        # Nodes of one resource are told apart by where they are: deep equality would cost the square of its depth.
        mark = ("node", id(item.value)) if type(item.value) is dict else key(item)
        if mark not in seen:
            seen.add(mark)
            fresh.append(item)
    return fresh


TABLE: dict[str, Function] = {
    "where": Function(_where, 1, 1),
    "select": Function(_select, 1, 1),
    "repeat": _repeat(unique=True),
    "repeatAll": _repeat(unique=False),
}
