"""The fixtures of profiles made for one test, for all tests of validation, and the check of R4 alone."""

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.validator import Validator
from tests.validation.profile.conftest import ask, definitions, know, loaded, validator

__all__ = ["ask", "definitions", "know", "loaded", "validator"]


@pytest.fixture(scope="module")
def check() -> Validator:
    return Validator(definitions := Definitions.load(), LoadedTerminology(definitions))
