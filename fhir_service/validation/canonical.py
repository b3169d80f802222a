"""Where a definition that a resource names by its canonical URL is found: contained, beside it in a Bundle, or known.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_service.fhir.resource import Resource

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


def found_canonical(url: str, resource_type: str, run: Run) -> Resource | None:
    """Return the definition of this type, None if it is not at hand."""
    if url.startswith("#"):
        return _typed(run.resolve(url), resource_type)
    bare, _, version = url.partition("|")
    around = run.container or run
    while around is not None:
        for entry in _entries(around.resource):
            if entry.get("url") == bare and (not version or entry.get("version") == version):
                return _typed(entry, resource_type)
        if around.holder is None:
            break
        around = around.holder
    found = _typed(run.validator.definitions.find(url), resource_type)
    if found is None and run.validator.resolve is not None:
        found = _typed(run.validator.resolve(url), resource_type)
    return found


def _entries(bundle: Resource) -> list[Resource]:
    if bundle.get("resourceType") != "Bundle":
        return []
    entries = bundle.get("entry")
    held = [each.get("resource") for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    return [each for each in held if isinstance(each, dict)]


def _typed(found: Resource | None, resource_type: str) -> Resource | None:
    return found if found is not None and found.get("resourceType") == resource_type else None
