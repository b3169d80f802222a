"""The invariants of a package that cannot be read: told when it is added, not first when somebody is checked by them.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint.expression
"""

from collections.abc import Iterator

from fhir_service.fhir.definitions import Definitions, Package
from fhir_service.fhir.definitions.snapshot.faults import fault
from fhir_service.fhir.fhirpath import compile as compile_fhirpath
from fhir_service.fhir.fhirpath.error import FhirPathError
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource


def unreadable(package: Package, definitions: Definitions) -> Iterator[Issue]:
    """Give what is wrong with the expressions of a package's profiles, by profile, element and key."""
    told: set[tuple[str, str]] = set()
    for source in definitions.sources:
        if (source.package.name, source.package.version) != (package.name, package.version):
            continue
        for definition in source.all("StructureDefinition"):
            for element in _elements(definition):
                for constraint in element.get("constraint", ()):
                    expression = constraint.get("expression")
                    why = _why_not(expression, definitions) if isinstance(expression, str) else None
                    key = str(constraint.get("key", ""))
                    if why is not None and (definition.get("url", ""), key) not in told:
                        told.add((definition.get("url", ""), key))
                        ja = f"規則 {key} の式を読めません: {why[0]}"
                        en = f"the expression of the rule {key} cannot be read: {why[1]}"
                        yield fault(definition.get("url", ""), ja, en, at=str(element.get("id", "")), rule="expression")


def _elements(definition: Resource) -> list[Resource]:
    """Return the elements of the differential, or of the snapshot where there is none."""
    found = (definition.get("differential") or definition.get("snapshot") or {}).get("element", [])
    return [each for each in found if isinstance(each, dict)]


def _why_not(expression: str, definitions: Definitions) -> tuple[str, str] | None:
    try:
        compile_fhirpath(expression, definitions)
    except FhirPathError as error:
        return error.said(expression)
    return None
