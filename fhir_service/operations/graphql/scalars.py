"""FHIR's primitive types and the values of arguments as GraphQL scalars, and FHIR's names as GraphQL's.

What is stored is already checked, so that a scalar hands it out as it is: a decimal keeps its digits. As the examples
of the specification do, an argument may be written with or without quotation marks (`use: official`).
https://hl7.org/fhir/R4/graphql.html and https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from functools import cache
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
    IntValueNode,
    StringValueNode,
    ValueNode,
)

_BUILT_IN = {
    "boolean": GraphQLBoolean,
    "id": GraphQLID,
    "integer": GraphQLInt,
    "positiveInt": GraphQLInt,
    "unsignedInt": GraphQLInt,
    "string": GraphQLString,
}


@cache
def scalar(name: str) -> GraphQLScalarType:
    """Return the scalar of a primitive type of FHIR."""
    return _BUILT_IN.get(name) or _lenient(name)


@cache
def argument(name: str) -> GraphQLScalarType:
    """Return the scalar of an argument that is given by the name of a primitive type or of a type of search."""
    return GraphQLBoolean if name == "boolean" else _lenient("text" if name in _BUILT_IN else name)


def graphql_name(path: str) -> str:
    """Return the name of a type in GraphQL: `PatientContact` of `Patient.contact`."""
    return "".join(part[:1].upper() + part[1:] if n else part for n, part in enumerate(path.split(".")))


def argument_name(code: str) -> str:
    """Return the code of a search parameter as the name of an argument: `clinical_status`."""
    return code.replace("-", "_")


@cache
def _lenient(name: str) -> GraphQLScalarType:
    return GraphQLScalarType(
        name, coerce_output_value=_as_it_is, coerce_input_value=_text, coerce_input_literal=_literal
    )


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list) or value is None:
        raise GraphQLError("A single value is needed.")
    return str(value)


def _literal(node: ValueNode) -> str:
    match node:
        case StringValueNode() | IntValueNode() | FloatValueNode() | EnumValueNode():
            return str(node.value)
        case BooleanValueNode():
            return _text(node.value)
        case _:
            raise GraphQLError("A single value is needed.", node)
