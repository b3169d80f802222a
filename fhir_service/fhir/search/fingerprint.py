"""What the index of a type holds, as text that can be kept and compared: one fingerprint for each search parameter.

Where one is another than it was when the resources were indexed, they have to be indexed again.
"""

from collections.abc import Mapping
from hashlib import blake2b

from fhir_service.fhir.search.first_entry import leads_inside
from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.registry import SearchRegistry

INDEX = 4
"""Counts up when a release makes other entries of the same definition."""

INSIDE = 2
"""Counts up when the first entry of a Bundle says more to its parameter, or less."""

CANONICAL = 1
"""Counts up when canonicals, or the URLs of definitions, have other entries."""


def fingerprints(registry: SearchRegistry, resource_type: str) -> dict[str, str]:
    """Return the fingerprint of each parameter of a type, by code."""
    declared = registry.declared(resource_type)
    return {
        code: _fingerprint(
            each, declared, (code, each.type) == ("url", "uri") or bool(registry.declared_by_canonical(each))
        )
        for code, each in declared.items()
    }


def whole(registry: SearchRegistry) -> str:
    """Return one fingerprint of all definitions of search parameters, and of how they are indexed."""
    return _hash((INSIDE, CANONICAL, sorted(repr(sorted(each.items())) for each in registry.all_definitions())))


def _fingerprint(parameter: SearchParameter, declared: Mapping[str, SearchParameter], canonical: bool) -> str:
    inside = (INSIDE,) if leads_inside(parameter) else ()
    types = [declared[code].type if code in declared else "" for code, _ in parameter.components]
    made = (
        parameter.type,
        parameter.expression,
        parameter.components,
        types,
        parameter.members,
        parameter.holder,
        *inside,
    )
    return _hash((CANONICAL, made) if canonical else made)


def _hash(value: object) -> str:
    return blake2b(repr((INDEX, value)).encode(), digest_size=12).hexdigest()
