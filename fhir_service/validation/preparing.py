"""What first validations need of all definitions that are here, made before any of them is asked for.

It takes 2 s for R4, JP Core and JP-CLINS: a command does it when packages are added, or a process behind a server.
"""

from collections.abc import Iterator
from contextlib import suppress

from fhir_service.fhir.definitions import Definitions, Package
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.base import BaseDefinitions
from fhir_service.validation.binding import bindings
from fhir_service.validation.compiled import Compiled
from fhir_service.validation.profile.compiler import ProfileCompiler
from fhir_service.validation.profile.tree import UNSOUND

_DONE = "prepared"


def is_prepared(compiled: Compiled) -> bool:
    """Whether all is made of the definitions that are here now."""
    return compiled.get(_DONE) is not None


def prepare(definitions: Definitions, compiled: Compiled) -> None:
    """Make and keep outlines of all profiles, what R4's types ask, the value sets of bindings, and all names of codes.

    Definitions that cannot be used are passed over; whoever asks for one is told.
    """
    if is_prepared(compiled):
        return
    generation = definitions.generation
    base = BaseDefinitions(definitions, compiled)
    profiles = ProfileCompiler(definitions, base, compiled)
    terminology = LoadedTerminology(definitions, compiled)
    value_sets: dict[str, None] = {}
    for source in definitions.sources:
        for each in source.all("StructureDefinition"):
            with suppress(FhirError, *UNSOUND, RecursionError):
                if each.get("derivation") == "constraint":
                    profiles.tree(_canonical(each), source.package)
                else:
                    base.root(each["type"])
                value_sets |= dict.fromkeys(_bound(_canonical(each), source.package, definitions))
    for value_set in value_sets:
        terminology.selection(value_set)
    for source in definitions.sources:
        for each in source.all("CodeSystem"):
            if isinstance(url := each.get("url"), str):
                terminology.is_supplement(url)
    compiled.put(_DONE, b"", generation)


def _canonical(definition: Resource) -> str:
    version = definition.get("version")
    return f"{definition['url']}|{version}" if version else str(definition["url"])


def _bound(canonical: str, within: Package, definitions: Definitions) -> Iterator[str]:
    """Give the value sets that codes have to be of, or should be."""
    snapshot = definitions.snapshot(canonical, within)
    for element in snapshot.elements if snapshot else ():
        yield from (binding.value_set for binding in bindings(element))
