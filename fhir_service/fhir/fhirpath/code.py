"""What the compiler makes of a node, and what a function is given to make its own part of it."""

from collections.abc import Callable
from typing import NamedTuple

from fhir_service.fhir.fhirpath.equality import extent
from fhir_service.fhir.fhirpath.error import FhirPathError, failed, unreadable
from fhir_service.fhir.fhirpath.item import SYSTEM, Context, Evaluate, Items
from fhir_service.fhir.fhirpath.model import Model
from fhir_service.fhir.fhirpath.syntax import Call, Member, Node

Types = tuple[str, ...] | None
"""The types that a result can have as far as it is known before evaluation; None: anything, empty: nothing at all."""


def joined(first: Types, second: Types) -> Types:
    """Return the types that the items of either have."""
    return None if first is None or second is None else tuple(dict.fromkeys(first + second))


class Code(NamedTuple):
    """A compiled node: how to evaluate it, and what is known of its result. `ordered`: its order means something."""

    run: Evaluate
    types: Types
    ordered: bool = True


class Site(NamedTuple):
    """Where a function is called: its compiled input, its arguments, and the means to compile them.

    `compile` takes an argument and the types of its `$this`.
    """

    model: Model
    call: Call
    input: Code
    this: Types
    strict: bool
    compile: Callable[[Node, Types], Code]

    def argument(self, index: int) -> Code:
        """Return an argument that is evaluated where the call stands (`$this` is that of the call)."""
        return self.compile(self.call.arguments[index], self.this)

    def lambda_(self, index: int) -> Code:
        """Return an argument that is evaluated for each item of the input (`$this` is the item)."""
        return self.compile(self.call.arguments[index], self.input.types)

    def type_argument(self) -> str:
        """Return the type that the first argument names (`Patient`, `FHIR.string`)."""
        node = self.call.arguments[0]
        names: list[str] = []
        at = node.at
        while isinstance(node, Member):
            names.insert(0, node.name)
            if node.target is None:
                return named(self.model, ".".join(names), at)
            node = node.target
        raise unreadable("型の名前が必要です。", "The name of a type is needed here.").at(at)

    def unordered(self) -> FhirPathError:
        """Return the error of asking for a position in what has no order."""
        ja = f"{self.call.name}は順序のないコレクションには使えません。"
        return unreadable(ja, f"{self.call.name} needs an input that has an order.").at(self.call.at)


def named(model: Model, written: str, at: int) -> str:
    """Return the type that is written here; raise FhirPathError with the place if there is none."""
    try:
        return model.named(written)
    except FhirPathError as error:
        raise error.at(at) from None


Build = Callable[[Site], Code]


class Function(NamedTuple):
    """A function of FHIRPath: how to compile a call, and how many arguments it takes."""

    build: Build
    low: int = 0
    high: int = 0


def located(run: Evaluate, at: int) -> Evaluate:
    """Return the same evaluation, whose errors tell this place."""

    def run_here(this: Items, context: Context) -> Items:
        try:
            return run(this, context)
        except FhirPathError as error:
            raise error.at(at) from None

    return run_here


Plain = Callable[..., Items]

SAME: Types = ("$input",)
"""As what a function returns: the types of its input."""


def plain(
    function: Plain,
    arguments: int = 0,
    optional: int = 0,
    returns: Types = None,
    *,
    compares: bool = False,
    steps: int = 0,
) -> Function:
    """Return the function that takes its input and arguments as collections; `compares`: it looks into their items.

    `steps` are what it takes besides.
    """
    cost: Callable[[Items], int] = extent if compares else len

    def build(site: Site) -> Code:
        source = site.input.run
        given = [site.argument(index).run for index in range(len(site.call.arguments))]

        def run(this: Items, context: Context) -> Items:
            collections = [source(this, context), *[argument(this, context) for argument in given]]
            context.spend(steps + sum(map(cost, collections)))
            return charged(function(*collections), context)

        return Code(located(run, site.call.at), site.input.types if returns == SAME else returns, site.input.ordered)

    return Function(build, arguments, arguments + optional)


def charged(result: Items, context: Context) -> Items:
    """Return the result, when the steps for the length of its string have been taken."""
    if result and type(result[0].value) is str:
        context.spend(len(result[0].value) >> 6)
    return result


def kind_error(wanted: str, found: str) -> FhirPathError:
    """Return the error of a value of the wrong type."""
    return failed(f"{wanted}が必要ですが、{found}です。", f"{wanted} is needed, but this is {found}.")


def check_kind(site: Site, code: Code, wanted: tuple[str, ...]) -> None:
    """In strict mode, refuse an input or argument that can never be of these System types."""
    if site.strict and code.types and not any(SYSTEM.get(name) in wanted for name in code.types):
        ja = f"{site.call.name}には{'・'.join(wanted)}が必要ですが、{'・'.join(code.types)}です。"
        en = f"{site.call.name} needs {' or '.join(wanted)}, but this is {' or '.join(code.types)}."
        raise unreadable(ja, en).at(site.call.at)
