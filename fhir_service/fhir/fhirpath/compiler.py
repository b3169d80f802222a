"""From the syntax tree to closures, with the types that are known beforehand.

https://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from fhir_service.fhir.fhirpath import operators, paths
from fhir_service.fhir.fhirpath.code import Code, Site, Types, charged, located, named
from fhir_service.fhir.fhirpath.equality import distinct, extent
from fhir_service.fhir.fhirpath.error import FhirPathError, unreadable
from fhir_service.fhir.fhirpath.functions import FUNCTIONS
from fhir_service.fhir.fhirpath.functions.types import as_type, check_cast, is_type
from fhir_service.fhir.fhirpath.item import BOOLEAN, INTEGER, NOTHING, TRUE, Context, Evaluate, Items, one
from fhir_service.fhir.fhirpath.model import Model, Property
from fhir_service.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    External,
    Indexer,
    Member,
    Node,
    Polarity,
    Special,
    TypeTest,
    Union,
    calls,
)
from fhir_service.fhir.fhirpath.variables import external

ONE_OF = frozenset({"first", "last", "single"})
LONG = 64  # characters of a string that takes longer to compare than others


class Compiler(NamedTuple):
    """Compiles nodes. `scoped`: the expression defines variables, whose reach has to be ended."""

    model: Model
    strict: bool
    scoped: bool = False

    def expression(self, node: Node, this: Types) -> Code:
        """Return the code of a node; `this` are the types of `$this`."""
        code: Code = _NODES[type(node)](self, node, this)
        return code._replace(run=_once(code.run)) if _is_settled(node) else code

    def separate(self, node: Node, this: Types) -> Code:
        """Return the code of an operand or argument, out of which no defined variable is seen."""
        code = self.expression(node, this)
        return code._replace(run=_scope(code.run)) if self.scoped and calls(node, "defineVariable") else code

    def site(self, call: Call, source: Code, this: Types) -> Site:
        """Return what a function needs to compile its call."""
        return Site(self.model, call, source, this, self.strict, self.separate)


def _is_settled(node: Node) -> bool:
    """Whether a node is the same wherever an evaluation comes to it: a path from the resource, as
    `%resource.snapshot.element.first().path`, which rules of R4 (sdf-8) ask of each of a thousand elements."""
    steps = 0
    while isinstance(node, Member) or (isinstance(node, Call) and node.name in ONE_OF and not node.arguments):
        if node.target is None:
            return False
        node, steps = node.target, steps + 1
    return steps > 0 and isinstance(node, External) and node.name in ("resource", "rootResource")


def _once(run: Evaluate) -> Evaluate:
    def run_once(this: Items, context: Context) -> Items:
        found = context.settled.get(run_once)
        if found is None:
            found = context.settled[run_once] = run(this, context)
        else:
            context.spend(len(found))
        return found

    return run_once


def _scope(run: Evaluate) -> Evaluate:
    def run_apart(this: Items, context: Context) -> Items:
        before = context.variables
        try:
            return run(this, context)
        finally:
            context.variables = before

    return run_apart


def _constant(compiler: Compiler, node: Constant, this: Types) -> Code:
    if node.item is None:
        return Code(paths.nothing, ())
    items = [node.item]
    return Code(lambda this, context: items, (node.item.type,))


def _special(compiler: Compiler, node: Special, this: Types) -> Code:
    if node.name == "this":
        return Code(paths.this_items, this)
    if node.name == "index":
        return Code(lambda this, context: context.index, (INTEGER,))
    return Code(lambda this, context: context.total, None)


def _external(compiler: Compiler, node: External, this: Types) -> Code:
    return Code(located(external(node.name), node.at), None)


# --- paths


def _member(compiler: Compiler, node: Member, this: Types) -> Code:
    """Compile a chain of elements at once: the part whose types are known becomes one loop."""
    chain: list[Member] = [node]
    base: Node | None = node.target
    while isinstance(base, Member):
        chain.append(base)
        base = base.target
    chain.reverse()

    if base is not None:
        return _walk(compiler, compiler.expression(base, this), chain)
    source = _opened(compiler, Code(paths.this_items, this), chain[0])
    return _walk(compiler, source, chain if source is None else chain[1:], this)


def _opened(compiler: Compiler, source: Code, first: Member) -> Code | None:
    """Return the code of a path's first name if that is a type (`Patient.name`), else None."""
    model, name, types = compiler.model, first.name, source.types
    if not name[0].isupper() or not model.is_type(name):
        return None
    if types is None:
        return Code(paths.root_step(model, name), _open(model, (name,)))
    if all(model.is_a(each, name) for each in types):
        return source
    if any(name in model.properties(each) or model.is_a(each, name) for each in types):
        return Code(paths.root_step(model, name), None)
    if compiler.strict:
        ja = f"「{name}」は{'・'.join(types)}の式では使えません。"
        raise unreadable(ja, f"'{name}' is not what this expression is about ({', '.join(types)}).").at(first.at)
    return Code(paths.nothing, ())


def _walk(compiler: Compiler, source: Code | None, chain: list[Member], this: Types = None) -> Code:
    code = Code(paths.this_items, this) if source is None else source
    keys: list[str] = []
    for member in chain:
        found = _properties(compiler, code.types, member)
        if found is not None and not found:
            return Code(paths.nothing, ())
        types = None if found is None else _types_of(compiler.model, found)
        if found is None or code.types is None or len(code.types) > 1:
            code = _append(code, paths.open_step(compiler.model, member.name), types)
        elif member is not chain[-1] and types is not None and paths.is_plain(found[0]):
            keys.append(found[0].variants[0].key)
            code = code._replace(types=types)
        else:
            read = found[0].read
            code = _append(code, paths.known_path(tuple(keys), read) if keys else paths.known_step(read), types)
            keys.clear()
    return code


def _append(code: Code, step: Evaluate, types: Types) -> Code:
    run = step if code.run is paths.this_items else paths.then(code.run, step)
    return Code(run, types, code.ordered)


def _properties(compiler: Compiler, types: Types, member: Member) -> list[Property] | None:
    """Return what a name means on these types (empty: no type has it), None if the types are not known."""
    if types is None:
        return None
    properties = [compiler.model.properties(name).get(member.name) for name in types]
    found = [each for each in properties if each is not None]
    if not found and types and compiler.strict:
        ja = f"{'・'.join(types)}に要素「{member.name}」はありません。"
        raise unreadable(ja, f"{' and '.join(types)} has no element '{member.name}'.").at(member.at)
    return found


def _types_of(model: Model, properties: list[Property]) -> Types:
    return _open(model, tuple(dict.fromkeys(variant.type for each in properties for variant in each.variants)))


def _open(model: Model, types: tuple[str, ...]) -> Types:
    """Return the types, or None if values of one of them say only themselves what they are."""
    return None if any(model.is_open(name) for name in types) else types


def _indexer(compiler: Compiler, node: Indexer, this: Types) -> Code:
    source = compiler.expression(node.target, this)
    index = compiler.separate(node.index, this)
    if compiler.strict and not source.ordered:
        raise unreadable("順序のないコレクションです。", "The collection has no order.").at(node.at)

    def run(this: Items, context: Context) -> Items:
        items, found = source.run(this, context), one(index.run(this, context))
        position = None if found is None else found.value
        if type(position) is not int:
            return NOTHING
        return items[position : position + 1] if position >= 0 else NOTHING

    return Code(located(run, node.at), source.types)


# --- functions and operators


def _call(compiler: Compiler, node: Call, this: Types) -> Code:
    function = FUNCTIONS.get(node.name)
    if function is None:
        ja = f"「{node.name}」という関数はありません。"
        raise unreadable(ja, f"There is no function '{node.name}'.").at(node.at)
    if not function.low <= len(node.arguments) <= function.high:
        raise _arity(node, function.low, function.high)
    source = Code(paths.this_items, this) if node.target is None else compiler.expression(node.target, this)
    return function.build(compiler.site(node, source, this))


def _arity(node: Call, low: int, high: int) -> FhirPathError:
    count = str(low) if low == high else f"{low}–{high}"
    ja = f"関数{node.name}の引数は{count}個ですが、{len(node.arguments)}個あります。"
    return unreadable(ja, f"The function {node.name} takes {count} arguments, not {len(node.arguments)}.").at(node.at)


def _binary(compiler: Compiler, node: Binary, this: Types) -> Code:
    left, right = compiler.separate(node.left, this), compiler.separate(node.right, this)
    logic = operators.LOGIC.get(node.operator)
    if logic is not None:
        return Code(located(logic(left.run, right.run), node.at), (BOOLEAN,))
    operator, returns = operators.OPERATORS[node.operator]
    run = (_compared if node.operator in operators.COMPARING else _joined)(operator, left.run, right.run, node.at)
    if node.operator in operators.ORDERING:
        run = _ordered(operator, left.run, right.run, node.at)
    if node.operator in operators.GROWING:
        return Code(lambda this, context: charged(run(this, context), context), (returns,) if returns else None)
    return Code(run, (returns,) if returns else None)


def _joined(operator: operators.Operator, left: Evaluate, right: Evaluate, at: int) -> Evaluate:
    def run(this: Items, context: Context) -> Items:
        try:
            a, b = left(this, context), right(this, context)
            size = len(a) + len(b)
            if size > 2:
                context.spend(size)
            return operator(a, b)
        except FhirPathError as error:
            raise error.at(at) from None

    return run


def _compared(operator: operators.Operator, left: Evaluate, right: Evaluate, at: int) -> Evaluate:
    """Return the same of an operator that looks into what it is given."""

    def run(this: Items, context: Context) -> Items:
        a, b = left(this, context), right(this, context)
        if len(a) > 1 or len(b) > 1 or (a and b and (_is_long(a[0][0]) or _is_long(b[0][0]))):
            context.spend(extent(a) + extent(b))
        return operator(a, b)

    return located(run, at)


def _ordered(operator: operators.Operator, left: Evaluate, right: Evaluate, at: int) -> Evaluate:
    """Return the same of an operator that cannot always tell, and may have to say that it holds then."""

    def run(this: Items, context: Context) -> Items:
        a, b = left(this, context), right(this, context)
        if len(a) + len(b) > 2:
            context.spend(len(a) + len(b))
        found = operator(a, b)
        return TRUE if not found and a and b and context.environment.undecided_holds else found

    return located(run, at)


def _is_long(value: Any) -> bool:
    return value.__class__ is dict or (value.__class__ is str and len(value) > LONG)


def _polarity(compiler: Compiler, node: Polarity, this: Types) -> Code:
    operand = compiler.separate(node.operand, this)

    def run(this: Items, context: Context) -> Items:
        negative = operators.negate(operand.run(this, context))
        return negative if node.sign == "-" else operators.negate(negative)

    return Code(located(run, node.at), operand.types)


def _union(compiler: Compiler, node: Union, this: Types) -> Code:
    branches = [compiler.separate(branch, this) for branch in node.branches]
    branches = [branch for branch in branches if branch.types != ()]
    types: Types = ()
    for branch in branches:
        types = None if types is None or branch.types is None else tuple(dict.fromkeys(types + branch.types))
    if len(branches) == 1:
        only = branches[0].run
        return Code(lambda this, context: _distinct(only(this, context), context), types)

    def run(this: Items, context: Context) -> Items:
        joined: Items = []
        for branch in branches:
            joined += branch.run(this, context)
        return _distinct(joined, context)

    return Code(run, types)


def _distinct(items: Items, context: Context) -> Items:
    if len(items) < 2:
        return items
    context.spend(extent(items))
    return distinct(items)


def _type_test(compiler: Compiler, node: TypeTest, this: Types) -> Code:
    operand = compiler.separate(node.operand, this)
    wanted = named(compiler.model, node.type, node.at)
    if node.operator == "is":
        return Code(located(is_type(compiler.model, operand.run, wanted, node.type), node.at), (BOOLEAN,))
    if compiler.strict:
        check_cast(compiler.model, operand.types, wanted, node.at)
    return Code(as_type(compiler.model, operand.run, wanted), _open(compiler.model, (wanted,)))


_NODES: dict[type[Node], Callable[[Compiler, Any, Types], Code]] = {
    Constant: _constant,
    Special: _special,
    External: _external,
    Member: _member,
    Call: _call,
    Indexer: _indexer,
    Polarity: _polarity,
    Binary: _binary,
    Union: _union,
    TypeTest: _type_test,
}
