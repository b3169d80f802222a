"""The text of a query: read, bounded before anything costly is done with it, and brought into the form that is run.

The specification writes `resource(type: Patient) { birthDate }`, which GraphQL's own rules know as
`resource(type: Patient) { ... on Patient { birthDate } }`; and at `[type]/[id]/$graphql` the resource is the root. Both
are written out here.
https://hl7.org/fhir/R4/graphql.html and https://spec.graphql.org/draft/#sec-Validation
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    parse,
    visit,
)

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.resource import Key

MOST_CHARACTERS = 100_000
MOST_TOKENS = 5_000
MOST_DEPTH = 20  # of fields; what asks for the schema itself goes 15 deep
MOST_FIELDS = 2_000  # with what fragments stand for
MOST_PAIRS = 50_000  # of fields that share a name in one place: each is compared with each


_Node = TypeVar("_Node", bound=Node)


@dataclass(frozen=True, slots=True)
class Query:
    """What is run; `introspection` if it asks for the schema alone."""

    document: DocumentNode
    introspection: bool


def read_query(text: str, operation_name: str | None, of: Key | None, resource_types: Collection[str]) -> Query:
    """Return the query; GraphQLSyntaxError if it cannot be read, FhirError if it asks for too much.

    `of` is the resource that is the root of it, None for the whole server.
    """
    if len(text) > MOST_CHARACTERS:
        raise _too_much(f"{MOST_CHARACTERS:,}文字", f"{MOST_CHARACTERS:,} characters")
    try:
        document = parse(text, max_lexical_tokens=MOST_TOKENS)
    except RecursionError:
        raise _too_much(f"深さ{MOST_DEPTH}", f"a depth of {MOST_DEPTH}") from None
    operation = _operation(document, operation_name)
    _Measured(_fragments(document)).measure([operation.selection_set])
    asked = _names(operation.selection_set, _fragments(document))
    document = visit(document, _TypedReferences(resource_types))
    meta = {name for name in asked if name.startswith("__") and name != "__typename"}
    if meta and asked - meta - {"__typename"}:
        ja = "スキーマ(__schema、__type)とデータは、別々に問い合わせてください。"
        raise fhir_error("not-supported", ja, "Ask for the schema (__schema, __type) and for data separately.")
    if of is not None and not meta:
        document = _rooted(document, of)
    return Query(document, bool(meta))


@dataclass(slots=True)
class _Measured:
    """What a query asks for, with fragments written out; FhirError as soon as it is too much."""

    fragments: dict[str, SelectionSetNode]
    fields: int = 0
    pairs: int = 0

    def measure(self, sets: Iterable[SelectionSetNode], depth: int = 1) -> None:
        if depth > MOST_DEPTH:
            raise _too_much(f"深さ{MOST_DEPTH}", f"a depth of {MOST_DEPTH}")
        by_name: dict[str, list[FieldNode]] = defaultdict(list)
        for each in sets:
            self._collect(each, by_name, frozenset())
        for nodes in by_name.values():
            self.pairs += len(nodes) ** 2
            if self.pairs > MOST_PAIRS:
                raise _too_much(f"フィールド{MOST_FIELDS:,}個", f"{MOST_FIELDS:,} fields")
            if below := [node.selection_set for node in nodes if node.selection_set]:
                self.measure(below, depth + 1)

    def _collect(self, each: SelectionSetNode, by_name: dict[str, list[FieldNode]], within: frozenset[str]) -> None:
        for node in each.selections:
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise _too_much(f"フィールド{MOST_FIELDS:,}個", f"{MOST_FIELDS:,} fields")
            match node:
                case FieldNode():
                    by_name[(node.alias or node.name).value].append(node)
                case InlineFragmentNode():
                    self._collect(node.selection_set, by_name, within)
                case FragmentSpreadNode() if node.name.value in self.fragments and node.name.value not in within:
                    name = node.name.value
                    self._collect(self.fragments[name], by_name, within | {name})


@dataclass(slots=True)
class _Names:
    fragments: dict[str, SelectionSetNode]
    found: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def collect(self, each: SelectionSetNode) -> None:
        for node in each.selections:
            match node:
                case FieldNode():
                    self.found.add(node.name.value)
                case InlineFragmentNode():
                    self.collect(node.selection_set)
                case FragmentSpreadNode() if node.name.value in self.fragments and node.name.value not in self.seen:
                    self.seen.add(node.name.value)
                    self.collect(self.fragments[node.name.value])


def _names(selections: SelectionSetNode, fragments: dict[str, SelectionSetNode]) -> set[str]:
    """Return the fields that are asked for at the root."""
    names = _Names(fragments)
    names.collect(selections)
    return names.found


def _fragments(document: DocumentNode) -> dict[str, SelectionSetNode]:
    definitions = document.definitions
    return {each.name.value: each.selection_set for each in definitions if isinstance(each, FragmentDefinitionNode)}


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    named = [each for each in operations if not name or (each.name and each.name.value == name)]
    if len(named) != 1:
        ja = "実行する問い合わせが1つに決まりません。operationNameで指定してください。"
        raise fhir_error("value", ja, "Which query to run is not clear; name it by operationName.")
    if named[0].operation is not OperationType.QUERY:
        ja = "GraphQLでは読み取り(query)だけができます。書き込みにはRESTを使ってください。"
        raise fhir_error("not-supported", ja, "GraphQL is for queries only here; write by REST.")
    return named[0]


class _TypedReferences(Visitor):
    """Writes `resource(type: T) { … }` as `resource(type: T) { ... on T { … } }`."""

    def __init__(self, resource_types: Collection[str]) -> None:
        super().__init__()
        self._types = resource_types

    def leave_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        if node.name.value != "resource" or node.selection_set is None:
            return None
        said = [each.value for each in node.arguments or () if each.name.value == "type"]
        match said:
            case [EnumValueNode(value=name) | StringValueNode(value=name)] if name in self._types:
                on = InlineFragmentNode(type_condition=_named(name), directives=(), selection_set=node.selection_set)
                return _with(node, selection_set=SelectionSetNode(selections=(on,)))
            case _:
                return None


def _rooted(document: DocumentNode, of: Key) -> DocumentNode:
    """Return the document with the resource around what its operations select."""
    id_ = ArgumentNode(name=NameNode(value="id"), value=StringValueNode(value=of.id))

    def around(selections: SelectionSetNode) -> SelectionSetNode:
        root = FieldNode(name=NameNode(value=of.type), arguments=(id_,), directives=(), selection_set=selections)
        return SelectionSetNode(selections=(root,))

    definitions = tuple(
        _with(each, selection_set=around(each.selection_set)) if isinstance(each, OperationDefinitionNode) else each
        for each in document.definitions
    )
    return _with(document, definitions=definitions)


def _named(name: str) -> NamedTypeNode:
    return NamedTypeNode(name=NameNode(value=name))


def _with(node: _Node, **changes: Any) -> _Node:
    made = copy(node)
    for name, value in changes.items():
        object.__setattr__(made, name, value)
    return made


def _too_much(ja: str, en: str) -> FhirError:
    ja = f"問い合わせが大きすぎます({ja}を超えています)。"
    return fhir_error("too-costly", ja, f"The query asks for too much: more than {en}.")


__all__ = ["MOST_DEPTH", "MOST_FIELDS", "MOST_TOKENS", "GraphQLSyntaxError", "Query", "read_query"]
