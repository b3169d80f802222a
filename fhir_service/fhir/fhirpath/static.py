"""What an expression selects, told from the types of its elements without evaluating it.

https://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation
"""

from collections.abc import Iterator

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath.code import Types, joined
from fhir_service.fhir.fhirpath.compiler import Compiler
from fhir_service.fhir.fhirpath.error import too_costly, unreadable
from fhir_service.fhir.fhirpath.item import STRING
from fhir_service.fhir.fhirpath.model import Model, model_of
from fhir_service.fhir.fhirpath.parser import parse
from fhir_service.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    External,
    Indexer,
    Member,
    Node,
    Polarity,
    TypeTest,
    Union,
    calls,
    nodes,
)
from fhir_service.fhir.fhirpath.variables import is_own

Selected = dict[str | None, Types]
"""By the type that a branch of the expression is about (None: whatever it is asked of), the types that it selects."""


def selected(expression: str, definitions: Definitions, context: str | None) -> Selected:
    """Return what an expression selects in a value of the type `context`, None where that is not known.

    A union has branches that are about other types, each of which is read as what it says. Raises FhirPathError for
    what cannot be read: an element that a type has not, a function or variable that there is not.
    """
    model = model_of(definitions)
    found: Selected = {}
    try:
        tree = parse(expression)
        _check_variables(tree)
        compiler = Compiler(model, strict=True, scoped=calls(tree, "defineVariable"))
        for branch in _branches(tree):
            about = _about(branch, model) or context
            closed = about is not None and not model.is_open(about)
            types = compiler.expression(branch, (about,) if closed and about else None).types
            found[about] = joined(found[about], types) if about in found else types
    except RecursionError:
        raise too_costly().within(expression) from None
    return found


def _check_variables(tree: Node) -> None:
    defined = {argument.item.value for argument in _defined(tree) if argument.item and argument.item.type == STRING}
    for node in nodes(tree):
        if isinstance(node, External) and not (is_own(node.name) or node.name in defined):
            ja = f"変数「%{node.name}」は定義されていません。"
            raise unreadable(ja, f"The variable %{node.name} is not defined.").at(node.at)


def _defined(tree: Node) -> Iterator[Constant]:
    for node in nodes(tree):
        if isinstance(node, Call) and node.name == "defineVariable":
            yield from (each for each in node.arguments[:1] if isinstance(each, Constant))


def _branches(tree: Node) -> Iterator[Node]:
    if isinstance(tree, Union):
        for branch in tree.branches:
            yield from _branches(branch)
    else:
        yield tree


def _about(branch: Node, model: Model) -> str | None:
    """Return the type that a branch begins with (`Patient.name`), None if it begins with an element."""
    node: Node | None = branch
    while node is not None:
        match node:
            case Member(None, name) if name[0].isupper() and model.is_type(name):
                return name
            case Member() | Call() | Indexer():
                node = node.target
            case TypeTest() | Polarity():
                node = node.operand
            case Binary():
                node = node.left
            case _:
                return None
    return None
