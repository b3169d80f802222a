"""$graphql: answer a query in GraphQL, over the whole server or about one resource.

The answer is GraphQL's own JSON (`data`, `errors`), not a resource; each error carries an OperationOutcome in its
`extensions`. A text that is no query of this schema is 400, a limit that is passed is an OperationOutcome.
https://hl7.org/fhir/R4/graphql.html and https://hl7.org/fhir/R4/resource-operation-graphql.html
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLSchema,
    VariablesInAllowedPositionRule,
    execute,
    recommended_rules,
    specified_rules,
    validate,
)

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error, operation_outcome
from fhir_service.fhir.resource import Key
from fhir_service.interactions.answers.versions import standing
from fhir_service.interactions.exchange import FhirRequest, FhirResponse, TextBody
from fhir_service.interactions.services import Services
from fhir_service.operations.graphql import resolvers
from fhir_service.operations.graphql.document import GraphQLSyntaxError, Query, read_query
from fhir_service.operations.graphql.introspection import told
from fhir_service.operations.graphql.schema import schema_of
from fhir_service.operations.graphql.session import Session
from fhir_service.operations.graphql.shape import shaped
from fhir_service.operations.graphql.variables import VariablesFit

MEDIA_TYPE = "application/json"
MOST_ERRORS = 100
RULES = (
    *(VariablesFit if rule is VariablesInAllowedPositionRule else rule for rule in specified_rules),
    *recommended_rules,
)
_PARAMETERS = frozenset({"query", "variables", "operationName", "extensions"})
_IGNORED = frozenset({"_format", "_pretty"})
_log = logging.getLogger("fhir_service")


class Asked(NamedTuple):
    """A request as https://graphql.org/learn/serving-over-http/ has it."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


async def graphql(request: FhirRequest, services: Services) -> FhirResponse:
    """Return what the query asks for."""
    asked = _asked(request)
    of = Key(*request.path[:2]) if len(request.path) > 1 else None
    if of is not None:
        standing(of, await services.store.read(of))
    schema = await asyncio.to_thread(schema_of, services.indexer.registry)
    try:
        query = read_query(asked.query, asked.operation_name, of, services.definitions.resource_types)
    except GraphQLSyntaxError as error:
        return _answer(400, None, [error])
    if errors := validate(schema, query.document, RULES, max_errors=MOST_ERRORS):
        return _answer(400, None, errors)
    if query.introspection:
        return _json(200, await asyncio.to_thread(_introspected, schema, _Hashable(query, asked)))
    return await _executed(schema, query, asked, of, request, services)


async def _executed(
    schema: GraphQLSchema, query: Query, asked: Asked, of: Key | None, request: FhirRequest, services: Services
) -> FhirResponse:
    session = Session(services, request.base, services.now())
    result = execute(
        schema,
        query.document,
        context_value=session,
        variable_values=dict(asked.variables),
        operation_name=asked.operation_name,
        field_resolver=resolvers.element,
        executor_class=_Counting,
    )
    if not isinstance(result, ExecutionResult):
        result = await result
    if session.stopped is not None:
        raise session.stopped
    errors = list(result.errors or ())
    data = result.data
    try:
        data = data and shaped(data, session.shapes)
    except GraphQLError as error:
        data, errors = None, [*errors, error]
    if of is not None and data is not None:
        data = data.get(of.type)
    return _answer(200, data, errors)


class _Counting(Executor[None]):
    """Executes as the library does, until the session has no values left."""

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: None
    ) -> Any:
        session: Session = self.context_value
        if not session.values(len(grouped_field_set)):
            return {}
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)


def _asked(request: FhirRequest) -> Asked:
    given: dict[str, Any] = dict(request.query)
    match request.body:
        case None:
            pass
        case TextBody() as text:
            given["query"] = str(text)
        case {"resourceType": "Parameters", "parameter": [*parameters]}:
            given |= {str(each.get("name")): each.get("valueString") for each in parameters if isinstance(each, dict)}
        case dict(members) if "resourceType" not in members:
            given |= members
        case _:
            said = '本文は{"query": …}の形のJSONか、application/graphqlで送ってください。'
            raise fhir_error("structure", said, 'The body has to be JSON like {"query": …}, or application/graphql.')
    if unknown := [name for name in given if name not in _PARAMETERS | _IGNORED]:
        ja = f"「{unknown[0][:40]}」は$graphqlのパラメーターではありません。"
        raise fhir_error("value", ja, f'"{unknown[0][:40]}" is no parameter of $graphql.')
    return _checked(given)


def _checked(given: Mapping[str, Any]) -> Asked:
    query, name, variables = given.get("query"), given.get("operationName"), given.get("variables")
    if not isinstance(query, str) or not query.strip():
        said = "パラメーター「query」が必要です。", "The parameter query is needed."
        raise FhirError(Issue("required", *said), status=400)
    if isinstance(variables, str):
        variables = json.decode(variables.encode()) if variables.strip() else None
    if not isinstance(variables, dict | None) or not isinstance(name, str | None):
        ja = "variablesはオブジェクト、operationNameは文字列です。"
        raise fhir_error("value", ja, "variables has to be an object, operationName a string.")
    return Asked(query, variables or {}, name or None)


class _Hashable(NamedTuple):
    """A query about the schema, to remember its answer by: its text, and the values of its variables."""

    query: Query
    asked: Asked

    def __hash__(self) -> int:
        return hash((self.asked.query, self.asked.operation_name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashable) and self.asked == other.asked


@lru_cache(maxsize=2)
def _introspected(schema: GraphQLSchema, query: _Hashable) -> bytes:
    """Return what is asked about the schema itself; it is much, and stays the same."""
    result = told(schema, query.query.document, query.asked.variables, query.asked.operation_name)
    return _body(result.data, result.errors or ())


def _answer(status: int, data: dict[str, Any] | None, errors: Sequence[GraphQLError]) -> FhirResponse:
    if status == 400:
        return _json(400, json.encode({"errors": [_error(each) for each in errors]}))
    return _json(status, _body(data, errors))


def _body(data: dict[str, Any] | None, errors: Sequence[GraphQLError]) -> bytes:
    found: dict[str, Any] = {"errors": [_error(each) for each in errors[:MOST_ERRORS]]} if errors else {}
    return json.encode(found | {"data": data})


def _json(status: int, body: bytes) -> FhirResponse:
    return FhirResponse(status, body, media_type=MEDIA_TYPE)


def _error(error: GraphQLError) -> dict[str, Any]:
    """Return an error as GraphQL has it, with the OperationOutcome of what went wrong."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, FhirError):
        issues: Sequence[Issue] = cause.issues
    elif cause is None or isinstance(cause, GraphQLError):
        issues = [Issue("invalid", f"GraphQLの問い合わせが正しくありません: {error.message}", error.message)]
    else:
        _log.error("$graphql failed", exc_info=cause)
        issues = [Issue("exception", "サーバー内部でエラーが起きました。", "Something went wrong inside the server.")]
    told: dict[str, Any] = {"message": issues[0].en, **error.formatted}
    return told | {"message": issues[0].en, "extensions": {"resource": operation_outcome(issues)}}
