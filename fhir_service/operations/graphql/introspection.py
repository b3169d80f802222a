"""What is asked about the schema itself (`__schema`, `__type`): each part answered once, however often it is told.

The tools that people write queries with begin by asking for all of it. That is two million values, and nearly all are
the same: every type has the searches for what refers to it, with all their arguments.
https://spec.graphql.org/draft/#sec-Introspection
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, ExecutionResult, Executor, GraphQLObjectType, GraphQLSchema, execute_sync

from fhir_service.fhir.outcome import fhir_error

MOST_OF_SCHEMA = 2_500_000  # values of an answer; the whole schema has two million,
MOST_MADE = 120_000  # of which a hundred thousand have to be made

_Part = tuple[int, str | None, int]
"""A place in the query and a part of the schema, by their identities, and the name under which the part stands."""


def told(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], operation_name: str | None
) -> ExecutionResult:
    """Return what is asked about the schema; FhirError if that is more than MOST_OF_SCHEMA values."""
    told = _Told()
    result = execute_sync(
        schema,
        document,
        context_value=told,
        variable_values=dict(variables),
        operation_name=operation_name,
        executor_class=_Teller,
    )
    if told.is_too_much():
        most = f"値が全部で{MOST_OF_SCHEMA:,}個、異なるもので{MOST_MADE:,}個まで"
        ja = f"スキーマについての問い合わせが大きすぎます({most})。"
        en = f"Too much of the schema is asked for: {MOST_OF_SCHEMA:,} values at most, {MOST_MADE:,} different ones."
        raise fhir_error("too-costly", ja, en)
    return result


@dataclass(slots=True)
class _Told:
    """How many values the answer has so far, how many were made, and of each part the answer and its values."""

    values: int = 0
    made: int = 0
    parts: dict[_Part, tuple[dict[str, Any], int]] = field(default_factory=dict)

    def is_too_much(self) -> bool:
        return self.values > MOST_OF_SCHEMA or self.made > MOST_MADE


class _Teller(Executor[None]):
    """Executes as the library does, but makes no part twice."""

    def collect_and_execute_subfields(
        self, return_type: GraphQLObjectType, field_details_list: Any, path: Any, result: Any, position_context: None
    ) -> Any:
        told: _Told = self.context_value
        if told.is_too_much():
            return {}
        name, part = (
            result if isinstance(result, tuple) else (None, result)
        )  # a field or argument has its name beside it
        key = id(field_details_list), name, id(part)
        if (known := told.parts.get(key)) is not None:
            answer, values = known
            told.values += values
            return answer
        before = told.values
        made: Any = super().collect_and_execute_subfields(
            return_type, field_details_list, path, result, position_context
        )
        told.made += len(made)
        told.values += len(made)
        told.parts[key] = made, told.values - before
        return made


__all__ = ["told"]
