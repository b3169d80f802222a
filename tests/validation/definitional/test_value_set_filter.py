"""A value set with many filters of one large code system that is stored here is checked at once."""

import time

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import Know

SYSTEM: Resource = {
    "resourceType": "CodeSystem", "url": "http://example.org/large", "status": "active", "content": "complete",
    "concept": [{"code": f"c{n}", "display": "d" * 300} for n in range(20_000)],
}  # fmt: skip


def test_a_code_system_is_read_once_for_all_filters(definitions: Definitions, know: Know) -> None:
    know(SYSTEM)
    validator = Validator(definitions, LoadedTerminology(definitions), extra=RULES)
    filters = [{"property": "code", "op": "=", "value": f"c{n}"} for n in range(100)]
    compose = {"include": [{"system": SYSTEM["url"], "filter": filters}]}
    value_set = {"resourceType": "ValueSet", "url": "http://example.org/vs", "status": "active", "compose": compose}
    validator.check(value_set)

    started = time.process_time()
    issues = validator.check(value_set)

    assert not [issue for issue in issues if issue.severity == "error"]
    assert time.process_time() - started < 2
