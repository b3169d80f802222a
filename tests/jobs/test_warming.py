"""After a start our own examples are checked behind the requests, so that nobody waits for what is compiled once."""

from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.folder import own_examples
from fhir_service.fhir.json import decode_resource
from fhir_service.jobs.behind import Behind
from fhir_service.jobs.warming import warm
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation import invariant
from fhir_service.validation.policy import Policy
from fhir_service.validation.profile.element import ElementCompiler
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator


async def test_what_our_profiles_ask_is_compiled_when_the_first_request_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    definitions = Definitions.load()
    validate = Policy(Validator(definitions, LoadedTerminology(definitions), extra=RULES)).validate

    await warm(validate)

    def compiled(*_: Any, **__: Any) -> Any:
        raise AssertionError("compiled while somebody waits")

    monkeypatch.setattr(invariant, "compile_fhirpath", compiled)
    monkeypatch.setattr(ElementCompiler, "child_check", compiled)
    monkeypatch.setattr(definitions, "snapshot", compiled)
    examples = own_examples()
    assert len(examples) > 50
    for file in examples:
        assert not [each for each in validate(decode_resource(file.read_bytes())) if each.severity == "error"]


async def test_a_server_that_stops_at_once_does_not_wait_for_all_examples() -> None:
    checked = []
    warming = Behind(lambda: warm(lambda resource, *_: checked.append(resource) or []))  # type: ignore[misc, func-returns-value]

    warming.start()
    await warming.close()

    assert len(checked) <= 1
