"""Where a variable may stand: as GraphQL says, and wherever a text of it is what the argument reads anyway.

The values of search parameters are texts (`token`, `reference`, `date`), and a parameter can be repeated; a client
that declares `$name: String` or `$id: String!` means no other thing.
https://spec.graphql.org/draft/#sec-All-Variable-Usages-Are-Allowed
"""

from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLType,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariablesInAllowedPositionRule,
    get_named_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.validation.rules.variables_in_allowed_position import allowed_variable_usage

_NO_TEXTS = (GraphQLBoolean, GraphQLInt)


class VariablesFit(VariablesInAllowedPositionRule):
    """Instead of GraphQL's own rule."""

    def leave_operation_definition(self, operation: OperationDefinitionNode, *_: Any) -> None:
        declared = {each.variable.name.value: each for each in operation.variable_definitions or ()}
        for usage in self.context.get_recursive_variable_usages(operation):
            definition = declared.get(usage.node.name.value)
            if definition is None or usage.type is None:
                continue  # other rules say so
            of = type_from_ast(self.context.schema, definition.type)
            strictly = of is None or allowed_variable_usage(
                self.context.schema, of, definition.default_value, usage.type, usage.default_value
            )
            if not strictly and not _reads_the_same(of, definition, usage.type):
                said = (
                    f"Variable '${usage.node.name.value}' of type '{of}' cannot stand where '{usage.type}' is needed."
                )
                self.report_error(GraphQLError(said, [definition, usage.node]))


def _reads_the_same(of: GraphQLType | None, definition: VariableDefinitionNode, needed: GraphQLType) -> bool:
    given, wanted = get_named_type(of), get_named_type(needed)
    if not isinstance(given, GraphQLScalarType) or not isinstance(wanted, GraphQLScalarType):
        return False
    if wanted in _NO_TEXTS or given is GraphQLBoolean:
        return False
    if is_non_null_type(needed) and not is_non_null_type(of) and definition.default_value is None:
        return False
    return _is_list(needed) or not _is_list(of)


def _is_list(type_: GraphQLType | None) -> bool:
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)
