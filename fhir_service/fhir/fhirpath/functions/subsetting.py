"""Subsetting, combining and sorting.

https://hl7.org/fhirpath/N1/#subsetting
https://hl7.org/fhirpath/N1/#combining
"""

from functools import cmp_to_key

from fhir_service.fhir.fhirpath.code import SAME, Code, Function, Site, joined, located, plain
from fhir_service.fhir.fhirpath.equality import distinct, extent, key
from fhir_service.fhir.fhirpath.functions.scalar import value_as
from fhir_service.fhir.fhirpath.item import INTEGER, Context, Evaluate, Item, Items, one
from fhir_service.fhir.fhirpath.operators import order
from fhir_service.fhir.fhirpath.syntax import Polarity


def _positional(function: Function) -> Function:
    """Return the same function, which strict mode refuses on what has no order."""

    def build(site: Site) -> Code:
        if site.strict and not site.input.ordered:
            raise site.unordered()
        return function.build(site)

    return Function(build, function.low, function.high)


def _single(items: Items) -> Items:
    one(items)
    return items


def _skip(items: Items, count: Items) -> Items:
    number = value_as(count, INTEGER)
    return [] if number is None else items[max(number, 0) :]


def _take(items: Items, count: Items) -> Items:
    number = value_as(count, INTEGER)
    return [] if number is None else items[: max(number, 0)]


def _intersect(items: Items, others: Items) -> Items:
    keys = {key(other) for other in others}
    return [item for item in distinct(items) if key(item) in keys]


def _exclude(items: Items, others: Items) -> Items:
    keys = {key(other) for other in others}
    return [item for item in items if key(item) not in keys]


def _joined(unique: bool) -> Function:
    """Return `union` (each item once) or `combine` (all of both)."""

    def build(site: Site) -> Code:
        source, other = site.input, site.argument(0)
        types = joined(source.types, other.types)

        def run(this: Items, context: Context) -> Items:
            both = source.run(this, context) + other.run(this, context)
            context.spend(extent(both) if unique else len(both))
            return distinct(both) if unique else both

        return Code(run, types)

    return Function(build, 1, 1)


Row = tuple[Item, list[Item | None]]


def _sort(site: Site) -> Code:
    """`sort(key, -key)`: by each key in turn, a leading minus for descending.

    What has no such key comes first either way: so HL7's suite has it (testSort10).
    """
    source = site.input.run
    keys: list[tuple[Evaluate, int]] = []
    for argument in site.call.arguments:
        descending = isinstance(argument, Polarity) and argument.sign == "-"
        node = argument.operand if isinstance(argument, Polarity) and descending else argument
        keys.append((site.compile(node, site.input.types).run, -1 if descending else 1))
    signs = [sign for _, sign in keys] or [1]

    def compare(left: Row, right: Row) -> int:
        for sign, a, b in zip(signs, left[1], right[1], strict=True):
            if a is None or b is None:
                found = int(a is not None) - int(b is not None)
            else:
                found = sign * (order(a, b) or 0)
            if found:
                return found
        return 0

    def run(this: Items, context: Context) -> Items:
        items = source(this, context)
        context.spend(extent(items) * len(items).bit_length() * (1 + len(keys)))
        rows: list[Row] = [(item, [one(key([item], context)) for key, _ in keys] or [item]) for item in items]
        return [item for item, _ in sorted(rows, key=cmp_to_key(compare))]

    return Code(located(run, site.call.at), site.input.types)


TABLE: dict[str, Function] = {
    "single": plain(_single, returns=SAME),
    "first": _positional(plain(lambda items: items[:1], returns=SAME)),
    "last": _positional(plain(lambda items: items[-1:], returns=SAME)),
    "tail": _positional(plain(lambda items: items[1:], returns=SAME)),
    "skip": _positional(plain(_skip, 1, returns=SAME)),
    "take": _positional(plain(_take, 1, returns=SAME)),
    "intersect": plain(_intersect, 1, returns=SAME, compares=True),
    "exclude": plain(_exclude, 1, returns=SAME, compares=True),
    "union": _joined(unique=True),
    "combine": _joined(unique=False),
    "sort": Function(_sort, 0, 10),
}
