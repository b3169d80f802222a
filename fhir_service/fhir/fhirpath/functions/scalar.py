"""Functions of single values: any empty input or argument makes the result empty.

https://hl7.org/fhirpath/N1/#functions
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_service.fhir.fhirpath.code import Code, Function, Site, check_kind, kind_error, located
from fhir_service.fhir.fhirpath.item import (
    DECIMAL,
    INTEGER,
    NOTHING,
    STRING,
    SYSTEM,
    Context,
    Item,
    Items,
    one,
)
from fhir_service.fhir.fhirpath.operators import decimal, integer, string

NUMBER = "Number"
"""As the kind of an input or argument: an integer or a decimal, given as Decimal."""

_ACCEPTS = {NUMBER: (INTEGER, DECIMAL), DECIMAL: (INTEGER, DECIMAL)}


def _length(value: Any, *_: Any) -> int:
    return len(value) >> 6 if type(value) is str else 0


def scalar(
    function: Callable[..., Any],
    kind: str,
    arguments: tuple[str, ...] = (),
    *,
    optional: int = 0,
    returns: str,
    steps: Callable[..., int] = _length,
) -> Function:
    """Return the function of one value of this kind; the last `optional` arguments may be left out.

    `steps` tells from the value and the arguments what it takes.
    """

    def build(site: Site) -> Code:
        check_kind(site, site.input, _ACCEPTS.get(kind, (kind,)))
        source = site.input.run
        given = [(site.argument(index), arguments[index]) for index in range(len(site.call.arguments))]
        for code, wanted in given:
            check_kind(site, code, _ACCEPTS.get(wanted, (wanted,)))
        parameters = [(code.run, wanted) for code, wanted in given]

        def run(this: Items, context: Context) -> Items:
            value = value_as(source(this, context), kind)
            if value is None:
                return NOTHING
            values = [value_as(argument(this, context), wanted) for argument, wanted in parameters]
            if any(each is None for each in values):
                return NOTHING
            context.left -= steps(value, *values)
            if context.left < 0:
                context.refill()
            return wrapped(function(value, *values), returns, context)

        return Code(located(run, site.call.at), (returns,))

    return Function(build, len(arguments) - optional, len(arguments))


def value_as(items: Items, kind: str) -> Any:
    """Return the value of the only item, None if there is none; raise FhirPathError if it is of another kind.

    A FHIR value that JSON writes as a string (a date, say) is taken for a string where one is wanted.
    """
    item = one(items)
    if item is None or item.value is None:
        return None
    found = SYSTEM.get(item.type)
    if kind in _ACCEPTS and found in _ACCEPTS[kind]:
        return Decimal(item.value)
    if found != kind and not (kind == STRING and type(item.value) is str):
        raise kind_error(kind, item.type)
    return item.value


def wrapped(result: Any, returns: str, context: Context) -> Items:
    """Return the result as a collection; None is empty, a list is a collection of its own."""
    if result is None:
        return NOTHING
    if type(result) is list:
        context.spend(len(result))
        return [Item(each, returns) for each in result]
    if returns == STRING:
        context.spend(len(result) >> 6)
        return string(result)
    if returns == INTEGER:
        return integer(result)
    return decimal(result) if returns == DECIMAL else [Item(result, returns)]
