"""Walking from items to their elements.

https://hl7.org/fhirpath/N1/#path-selection
"""

from fhir_service.fhir.fhirpath.item import NOTHING, Context, Evaluate, Items
from fhir_service.fhir.fhirpath.model import Model, Property, Read, children


def then(first: Evaluate, second: Evaluate) -> Evaluate:
    """Return the evaluation of the second on the result of the first."""

    def run(this: Items, context: Context) -> Items:
        items = first(this, context)
        return second(items, context) if items else NOTHING

    return run


def this_items(this: Items, context: Context) -> Items:
    """`$this`."""
    return this


def nothing(this: Items, context: Context) -> Items:
    """`{}`."""
    return NOTHING


def known_step(read: Read) -> Evaluate:
    """Return the step to an element of items whose one type is known."""

    def run(items: Items, context: Context) -> Items:
        out: Items = []
        for value, _, primitive in items:
            node = value if type(value) is dict else children(value, primitive)
            if node is not None:
                read(node, out)
        return _counted(out, len(items), context)

    return run


def known_path(keys: tuple[str, ...], read: Read) -> Evaluate:
    """Return the path over plain complex elements (by their JSON names) to a last element, of one known type each."""

    def run(items: Items, context: Context) -> Items:
        nodes: list[object] = [value if type(value) is dict else primitive for value, _, primitive in items]
        steps = 0
        for key in keys:
            below: list[object] = []
            for node in nodes:
                child = node.get(key) if type(node) is dict else None
                if type(child) is list:
                    below += child
                elif child is not None:
                    below.append(child)
            steps += len(nodes)
            if not below:
                return _counted(NOTHING, steps, context)
            nodes = below
        out: Items = []
        for node in nodes:
            if type(node) is dict:
                read(node, out)
        return _counted(out, steps + len(nodes), context)

    return run


def open_step(model: Model, name: str) -> Evaluate:
    """Return the step to an element of items that say only when evaluated what they are."""
    properties = model.properties

    def run(items: Items, context: Context) -> Items:
        out: Items = []
        for value, type_name, primitive in items:
            found = properties(type_name).get(name)
            node = children(value, primitive) if found is not None else None
            if found is not None and node is not None:
                found.read(node, out)
        return _counted(out, len(items), context)

    return run


def root_step(model: Model, name: str) -> Evaluate:
    """Return the step of a path that opens with a capital name: the items of that type themselves, else an element."""
    is_a, elements = model.is_a, open_step(model, name)

    def run(items: Items, context: Context) -> Items:
        selected = [item for item in items if is_a(item[1], name)]
        return selected if selected else elements(items, context)

    return run


def _counted(out: Items, steps: int, context: Context) -> Items:
    context.left -= steps + len(out)
    if context.left < 0:
        context.refill()
    return out


def is_plain(step: Property) -> bool:
    """Return whether a step is to complex elements of one known type, held by one JSON property."""
    if len(step.variants) != 1:
        return False
    variant = step.variants[0]
    return not variant.primitive and not variant.open
