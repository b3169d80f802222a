"""Our engine as the runner of HL7's validator suite wants it: the issues of a text, with the definitions it comes with.

validator_suite.py --engine py:tests.conformance.validator_engine:validate
"""

from functools import cache
from typing import Any

from fhir_service.fhir import json, xml
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Key, Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.run import Options
from fhir_service.validation.validator import Validator

# As the suite runs the reference: extensions that nothing here defines are refused, but for those of example.org.
OPTIONS = Options(foreign_extensions="error")
CANONICAL = {"StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire", "Measure", "Library"}


@cache
def definitions() -> Definitions:
    """Return the definitions of R4, loaded once."""
    return Definitions.load()


def validate(data: bytes, format_: str, supporting: list[dict[str, Any]], profile: str | None) -> list[dict[str, str]]:
    """Return the issues of a resource; what cannot be read is an error."""
    known = definitions()
    keys = [_known(known, each, number) for number, each in enumerate(supporting)]
    try:
        resource = json.decode_resource(data) if format_ == "json" else xml.decode(data, known)
        terminology = LoadedTerminology(known)
        validator = Validator(known, terminology, resolve=_among(supporting), extra=RULES)
        issues = validator.check(resource, [profile] if profile else [], options=OPTIONS)
    except FhirError as error:
        issues = list(error.issues)
    finally:
        for key in keys:
            known.forget(key)
    return [_plain(issue) for issue in issues]


def _known(known: Definitions, definition: Resource, number: int) -> Key:
    key = Key(definition["resourceType"], f"supporting-{number}")
    known.put(key, json.encode(definition | {"id": key.id}))
    return key


def _among(supporting: list[Resource]) -> Any:
    by_name = {f"{each['resourceType']}/{each.get('id')}": each for each in supporting}
    by_name |= {each["url"]: each for each in supporting if isinstance(each.get("url"), str)}
    return lambda reference: by_name.get(reference)


def _plain(issue: Issue) -> dict[str, str]:
    place = issue.expression[0] if issue.expression else ""
    return {"severity": issue.severity, "text": f"{place}: {issue.en}"}
