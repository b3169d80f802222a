"""Utility functions, `iif`, `aggregate`, and the current time.

https://hl7.org/fhirpath/N1/#utility-functions
https://hl7.org/fhirpath/N1/#aggregates
"""

from collections.abc import Callable
from datetime import datetime

from fhir_service.fhir.fhirpath.code import Code, Function, Site, check_kind, located
from fhir_service.fhir.fhirpath.error import failed, unreadable
from fhir_service.fhir.fhirpath.functions.iteration import weight
from fhir_service.fhir.fhirpath.functions.scalar import value_as
from fhir_service.fhir.fhirpath.item import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    NOTHING,
    STRING,
    TIME,
    Context,
    Item,
    Items,
    one,
    truth,
)
from fhir_service.fhir.fhirpath.syntax import Constant
from fhir_service.fhir.fhirpath.variables import OWN


def _iif(site: Site) -> Code:
    source = site.input
    criterion, yes = site.lambda_(0), site.lambda_(1)
    check_kind(site, criterion, (BOOLEAN,))
    no = site.lambda_(2) if len(site.call.arguments) > 2 else None
    branches = [yes] if no is None else [yes, no]
    known = [branch.types for branch in branches if branch.types is not None]
    types = tuple(dict.fromkeys(name for each in known for name in each)) if len(known) == len(branches) else None

    def run(this: Items, context: Context) -> Items:
        items = source.run(this, context)
        if site.call.target is not None:
            one(items)
        if truth(criterion.run(items, context)):
            return yes.run(items, context)
        return NOTHING if no is None else no.run(items, context)

    return Code(located(run, site.call.at), types)


def _aggregate(site: Site) -> Code:
    source = site.input.run
    step, cost = site.lambda_(0).run, weight(site.call.arguments[0])
    start = site.argument(1).run if len(site.call.arguments) > 1 else None

    def run(this: Items, context: Context) -> Items:
        items = source(this, context)
        outer_total, outer_index = context.total, context.index
        total = NOTHING if start is None else start(this, context)
        for index, item in enumerate(items):
            context.spend(cost + len(total))
            context.total, context.index = total, [Item(index, INTEGER)]
            total = step([item], context)
        context.total, context.index = outer_total, outer_index
        return total

    return Code(run, None)


def _trace(site: Site) -> Code:
    source, name = site.input.run, site.argument(0).run
    projection = site.lambda_(1).run if len(site.call.arguments) > 1 else None

    def run(this: Items, context: Context) -> Items:
        items = source(this, context)
        label = value_as(name(this, context), STRING)
        if context.environment.trace is not None:
            shown = items if projection is None else [part for item in items for part in projection([item], context)]
            context.environment.trace(label or "", shown)
        return items

    return Code(located(run, site.call.at), site.input.types, site.input.ordered)


def _define_variable(site: Site) -> Code:
    """`defineVariable(name, value)`: the input goes through; what follows in the same path may use `%name`."""
    name = site.call.arguments[0]
    if not isinstance(name, Constant) or name.item is None or type(name.item.value) is not str:
        raise unreadable("変数名は文字列で書いてください。", "The name of a variable is a string literal.").at(name.at)
    label = name.item.value
    source = site.input.run
    value = site.lambda_(1).run if len(site.call.arguments) > 1 else None

    def run(this: Items, context: Context) -> Items:
        items = source(this, context)
        if label in OWN or label in context.variables or label in context.environment.variables:
            raise failed(f"変数「%{label}」は定義済みです。", f"The variable %{label} is defined already.")
        found = items if value is None else value(items, context)
        context.variables = {**context.variables, label: found}
        return items

    return Code(located(run, site.call.at), site.input.types, site.input.ordered)


def _clock(show: Callable[[datetime], str], type_name: str) -> Function:
    """Return a function that tells the time of the evaluation, in its environment's zone."""

    def build(site: Site) -> Code:
        def run(this: Items, context: Context) -> Items:
            now = context.environment.now
            if now is None:
                raise failed("現在時刻が与えられていません。", "The environment does not tell the time.")
            return [Item(show(now), type_name)]

        return Code(located(run, site.call.at), (type_name,))

    return Function(build)


def _instant(now: datetime) -> str:
    return now.isoformat(timespec="milliseconds")


TABLE: dict[str, Function] = {
    "iif": Function(_iif, 2, 3),
    "aggregate": Function(_aggregate, 1, 2),
    "trace": Function(_trace, 1, 2),
    "defineVariable": Function(_define_variable, 1, 2),
    "now": _clock(_instant, DATETIME),
    "today": _clock(lambda now: now.date().isoformat(), DATE),
    "timeOfDay": _clock(lambda now: now.time().isoformat(timespec="milliseconds"), TIME),
}
