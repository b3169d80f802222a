"""Existence.

https://hl7.org/fhirpath/N1/#existence
"""

from fhir_service.fhir.fhirpath.code import SAME, Code, Function, Site, kind_error, plain
from fhir_service.fhir.fhirpath.equality import distinct, key
from fhir_service.fhir.fhirpath.functions.iteration import each
from fhir_service.fhir.fhirpath.item import (
    BOOLEAN,
    FALSE,
    INTEGER,
    TRUE,
    Context,
    Item,
    Items,
    boolean,
    truth,
)


def _exists(site: Site) -> Code:
    source = site.input.run
    if not site.call.arguments:
        return Code(lambda this, context: TRUE if source(this, context) else FALSE, (BOOLEAN,))
    criterion, _ = each(site, 0)

    def run(this: Items, context: Context) -> Items:
        return boolean(any(truth(result) for _, result in criterion(source(this, context), context)))

    return Code(run, (BOOLEAN,))


def _empty(site: Site) -> Code:
    source = site.input.run
    return Code(lambda this, context: FALSE if source(this, context) else TRUE, (BOOLEAN,))


def _all(site: Site) -> Code:
    source = site.input.run
    criterion, _ = each(site, 0)

    def run(this: Items, context: Context) -> Items:
        return boolean(all(truth(result) for _, result in criterion(source(this, context), context)))

    return Code(run, (BOOLEAN,))


def _not(items: Items) -> Items:
    value = truth(items)
    return boolean(None if value is None else not value)


def _quantifier(wanted: bool, every: bool) -> Function:
    """Return allTrue, anyTrue, allFalse or anyFalse."""

    def quantify(items: Items) -> Items:
        for item in items:
            if type(item.value) is not bool:
                raise kind_error("Boolean", item.type)
        hits = [item.value is wanted for item in items]
        return boolean(all(hits) if every else any(hits))

    return plain(quantify, returns=(BOOLEAN,))


def _subset(items: Items, others: Items) -> Items:
    keys = {key(other) for other in others}
    return boolean(all(key(item) in keys for item in items))


def _is_distinct(items: Items) -> Items:
    return boolean(len(distinct(items)) == len(items))


def _count(site: Site) -> Code:
    source = site.input.run
    return Code(lambda this, context: [Item(len(source(this, context)), INTEGER)], (INTEGER,))


TABLE: dict[str, Function] = {
    "exists": Function(_exists, 0, 1),
    "empty": Function(_empty),
    "all": Function(_all, 1, 1),
    "not": plain(_not, returns=(BOOLEAN,)),
    "allTrue": _quantifier(True, every=True),
    "anyTrue": _quantifier(True, every=False),
    "allFalse": _quantifier(False, every=True),
    "anyFalse": _quantifier(False, every=False),
    "subsetOf": plain(_subset, 1, returns=(BOOLEAN,), compares=True),
    "supersetOf": plain(lambda items, others: _subset(others, items), 1, returns=(BOOLEAN,), compares=True),
    "count": Function(_count),
    "distinct": plain(distinct, returns=SAME, compares=True),
    "isDistinct": plain(_is_distinct, returns=(BOOLEAN,), compares=True),
}
