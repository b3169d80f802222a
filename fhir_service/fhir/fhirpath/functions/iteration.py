"""Evaluating an argument for each item of the input: `$this`, `$index`, and what it costs."""

from collections.abc import Callable, Iterator

from fhir_service.fhir.fhirpath.code import Site
from fhir_service.fhir.fhirpath.error import too_costly
from fhir_service.fhir.fhirpath.item import INTEGER, Context, Item, Items
from fhir_service.fhir.fhirpath.syntax import Binary, Call, Indexer, Member, Node, Polarity, Special, TypeTest, Union

Each = Callable[[Items, Context], Iterator[tuple[Item, Items]]]


def each(site: Site, argument: int) -> Each:
    """Return what gives each item of a collection with the argument's result for it."""
    run = site.lambda_(argument).run
    if not mentions(site.call.arguments[argument], "index"):

        def plainly(items: Items, context: Context) -> Iterator[tuple[Item, Items]]:
            context.left -= len(items)
            if context.left < 0:
                raise too_costly()
            for item in items:
                yield item, run([item], context)

        return plainly

    def indexed(items: Items, context: Context) -> Iterator[tuple[Item, Items]]:
        context.spend(len(items))
        outer = context.index
        for index, item in enumerate(items):
            context.index = [Item(index, INTEGER)]
            result = run([item], context)
            context.index = outer
            yield item, result

    return indexed


def mentions(node: Node | None, name: str) -> bool:
    """Return whether `$name` is used anywhere in the tree."""
    match node:
        case Special():
            return node.name == name
        case Member():
            return mentions(node.target, name)
        case Call():
            return mentions(node.target, name) or any(mentions(argument, name) for argument in node.arguments)
        case Indexer():
            return mentions(node.target, name) or mentions(node.index, name)
        case Polarity() | TypeTest():
            return mentions(node.operand, name)
        case Binary():
            return mentions(node.left, name) or mentions(node.right, name)
        case Union():
            return any(mentions(branch, name) for branch in node.branches)
        case _:
            return False
