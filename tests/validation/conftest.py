"""The fixtures of profiles made for one test, for all tests of validation."""

from tests.validation.profile.conftest import ask, definitions, know, loaded, validator

__all__ = ["ask", "definitions", "know", "loaded", "validator"]
