"""https://spec.graphql.org/draft/#sec-Introspection: what the schema tells of itself."""

import time

import pytest
from graphql import execute_sync, get_introspection_query, parse

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.operations.graphql.introspection import told
from fhir_service.operations.graphql.schema import schema_of

from .conftest import Ward

ABOUT_A_TYPE = """
query About($name: String!) {
  __type(name: $name) { ...All }
  patient: __type(name: "Patient") { kind fields { title: name type { ofType { name } } } }
  __schema { directives { name args { name type { ...All } } } }
}
fragment All on __Type { kind name interfaces { name } possibleTypes { name }
  fields {
    name isDeprecated args { name defaultValue type { kind name ofType { name } } } type { name ofType { name } }
  } }
"""


@pytest.mark.parametrize("name", ["Patient", "Query", "Resource", "HumanName", "ObservationConnection", "Nothing"])
def test_a_part_that_is_made_once_is_told_as_the_library_would(name: str) -> None:
    schema = schema_of(SearchRegistry(Definitions.load()))
    document = parse(ABOUT_A_TYPE)

    here = told(schema, document, {"name": name}, None)

    assert here == execute_sync(schema, document, variable_values={"name": name})
    assert here.data and not here.errors


def test_the_whole_schema_is_told_soon(ward: Ward) -> None:
    started = time.process_time()
    answer = ward.asked(get_introspection_query())

    assert {"Patient", "Query"} <= {each["name"] for each in answer.json()["data"]["__schema"]["types"]}
    assert time.process_time() - started < 5
