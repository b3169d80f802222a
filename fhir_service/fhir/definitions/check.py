"""What is wrong with a set of definitions, and what they need that is not here.

https://hl7.org/fhir/R4/profiling.html
"""

from collections.abc import Iterable, Iterator

from fhir_service.fhir.definitions import Definitions, Package
from fhir_service.fhir.definitions.sources import Source, fits
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Resource

# Bindings of these strengths are checked: https://hl7.org/fhir/R4/valueset-binding-strength.html
CHECKED = {"required", "extensible"}


def findings(source: Source, definitions: Definitions) -> Iterator[Issue]:
    """Give what is wrong with the StructureDefinitions of a source: errors, then what they name that is not here."""
    absent: dict[str, str] = {}
    for definition in source.all("StructureDefinition"):
        url = str(definition.get("url", ""))
        version = definition.get("version")
        try:
            snapshot = definitions.snapshot(f"{url}|{version}" if version else url, source.package)
        except FhirError as error:
            yield from error.issues
            continue
        if snapshot is None:
            continue
        yield from snapshot.issues
        if snapshot.detached_from:
            absent.setdefault(snapshot.detached_from, url)
        for named in _named(snapshot.elements):
            if named not in absent and definitions.find(named, source.package) is None:
                absent[named] = url
    for named, url in sorted(absent.items()):
        ja, en = f"{url} が使う {named} がここにありません。", f"{url} uses {named}, which is not here."
        yield Issue("not-found", ja, en, severity="warning")


def missing(package: Package, sources: Iterable[Source]) -> list[tuple[str, str]]:
    """Return the packages that one depends on and that are not here."""
    here = [source.package for source in sources]
    return [needed for needed in package.dependencies if not any(fits(each, *needed) for each in here)]


def _named(elements: Iterable[Resource]) -> Iterator[str]:
    """Give the canonicals that elements name: profiles, targets, value sets that are checked."""
    for element in elements:
        for each in element.get("type", ()):
            yield from each.get("profile", ())
            yield from each.get("targetProfile", ())
        binding = element.get("binding", {})
        if binding.get("strength") in CHECKED and "valueSet" in binding:
            yield binding["valueSet"]
