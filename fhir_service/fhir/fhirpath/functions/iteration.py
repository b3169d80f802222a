"""Evaluating an argument for each item of the input: `$this`, `$index`, and what it costs."""

from collections.abc import Callable, Iterator

from fhir_service.fhir.fhirpath.code import Site, Types
from fhir_service.fhir.fhirpath.item import INTEGER, Context, Item, Items
from fhir_service.fhir.fhirpath.syntax import Node, mentions, nodes

Each = Callable[[Items, Context], Iterator[tuple[Item, Items]]]


def each(site: Site, argument: int) -> tuple[Each, Types]:
    """Return what gives each item of a collection with the argument's result for it, and the types of the results."""
    node = site.call.arguments[argument]
    code, cost = site.lambda_(argument), weight(node)
    run = code.run
    if not mentions(node, "index"):

        def plainly(items: Items, context: Context) -> Iterator[tuple[Item, Items]]:
            for item in items:
                context.left -= cost
                if context.left < 0:
                    context.refill()
                yield item, run([item], context)

        return plainly, code.types

    def indexed(items: Items, context: Context) -> Iterator[tuple[Item, Items]]:
        outer = context.index
        for index, item in enumerate(items):
            context.spend(cost)
            context.index = [Item(index, INTEGER)]
            result = run([item], context)
            context.index = outer
            yield item, result

    return indexed, code.types


def weight(node: Node) -> int:
    """Return what one evaluation of an argument costs in steps: one for each of its nodes."""
    return sum(1 for _ in nodes(node))
