"""`is`, `as`, `ofType` and `type()`.

https://hl7.org/fhirpath/N1/#types
"""

from fhir_service.fhir.fhirpath.code import Code, Function, Site, Types, located
from fhir_service.fhir.fhirpath.error import unreadable
from fhir_service.fhir.fhirpath.item import (
    BOOLEAN,
    NOTHING,
    SYSTEM,
    TYPE_INFO,
    Context,
    Evaluate,
    Item,
    Items,
    boolean,
    one,
)
from fhir_service.fhir.fhirpath.model import Model


def is_type(model: Model, source: Evaluate, wanted: str, written: str) -> Evaluate:
    """Return the test whether the one item is of the type.

    Written as an operator with the bare name of a System type, a FHIR primitive counts as one: R4's que-7 says
    `answer is Boolean` of a FHIR boolean, while HL7's suite denies `active.is(Boolean)` and `is(System.Boolean)`.
    """
    bare = wanted if wanted == "System." + written else None

    def run(this: Items, context: Context) -> Items:
        item = one(source(this, context))
        if item is None:
            return NOTHING
        return boolean(model.is_of(item.type, wanted) or (bare is not None and SYSTEM.get(item.type) == bare))

    return run


def as_type(model: Model, source: Evaluate, wanted: str) -> Evaluate:
    """Return the selection of the items of the type."""
    selects = model.is_exactly

    def run(this: Items, context: Context) -> Items:
        return [item for item in source(this, context) if selects(item[1], wanted)]

    return run


def check_cast(model: Model, types: Types, wanted: str, at: int) -> None:
    """Raise FhirPathError where nothing of these types can be of the one that is wanted."""
    if not types or wanted.startswith("System."):
        return
    if not any(_may_be(each, wanted, model) for each in types):
        ja = f"{'・'.join(types)} は {wanted} になりません。"
        raise unreadable(ja, f"{' or '.join(types)} is never a {wanted}.").at(at)


def _may_be(known: str, wanted: str, model: Model) -> bool:
    """Whether a cast may be meant: HL7's suite casts a code to an id, which selects nothing, but is no error."""
    if known.startswith("System.") or (known in SYSTEM and SYSTEM[known] == SYSTEM.get(wanted)):
        return True
    return model.is_a(known, wanted) or model.is_a(wanted, known)


def _is(site: Site) -> Code:
    run = is_type(site.model, site.input.run, site.type_argument(), "")
    return Code(located(run, site.call.at), (BOOLEAN,))


def _of_type(site: Site) -> Code:
    wanted = site.type_argument()
    if site.strict:
        check_cast(site.model, site.input.types, wanted, site.call.at)
    types = None if site.model.is_open(wanted) else (wanted,)
    return Code(as_type(site.model, site.input.run, wanted), types, site.input.ordered)


def _as(site: Site) -> Code:
    """`as(type)` takes one item where it is written as a function; search expressions use it on many, too."""
    wanted, source = site.type_argument(), site.input.run
    if site.strict:
        check_cast(site.model, site.input.types, wanted, site.call.at)

    def single(this: Items, context: Context) -> Items:
        items = source(this, context)
        one(items)
        return items

    run = as_type(site.model, located(single, site.call.at) if site.strict else source, wanted)
    return Code(run, None if site.model.is_open(wanted) else (wanted,), site.input.ordered)


def _type(site: Site) -> Code:
    def run(this: Items, context: Context) -> Items:
        found: Items = []
        for item in site.input.run(this, context):
            namespace, _, name = (
                item.type.rpartition(".") if item.type.startswith("System.") else ("FHIR", "", item.type)
            )
            found.append(Item({"namespace": namespace, "name": name}, TYPE_INFO))
        return found

    return Code(run, (TYPE_INFO,), site.input.ordered)


TABLE: dict[str, Function] = {
    "is": Function(_is, 1, 1),
    "as": Function(_as, 1, 1),
    "ofType": Function(_of_type, 1, 1),
    "type": Function(_type),
}
