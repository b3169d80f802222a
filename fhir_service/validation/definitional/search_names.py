"""The search parameters of a type by their names, as definitions name them.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.registry import SearchRegistry

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


def search_parameters(resource_type: str, run: Run) -> Mapping[str, SearchParameter]:
    """Return the parameters of a type that are known, by name."""
    definitions = run.validator.definitions
    return _registry(definitions, definitions.generation).parameters(resource_type)


@lru_cache(maxsize=2)
def _registry(definitions: Definitions, _generation: int) -> SearchRegistry:
    return SearchRegistry(definitions)
