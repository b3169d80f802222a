"""Snapshots: all elements of a StructureDefinition with all that its ancestors say of them.

A definition that brings its snapshot is taken at its word; that of one with a differential only is generated.
https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from dataclasses import dataclass

from fhir_service.fhir.definitions.archive import Package
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource

__all__ = ["Snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The snapshot of one StructureDefinition.

    `elements` are ElementDefinitions as JSON, in the order of a snapshot, each with `id` and `path`; they are the
    reader's to read, not to change. `contexts` are where an extension may stand. `package` is where the definition is
    from: give it as `within` to resolve what the elements refer to. `detached_from` names the ancestor that is not
    here, if the snapshot stands on the type of the definition for want of it. `issues` say what is wrong with the
    definition; `places` are the ids of the elements that a generated snapshot was made with, in the order of the
    differential, None for what it has no place for.
    """

    url: str
    version: str
    name: str
    title: str
    type: str
    kind: str
    abstract: bool
    base: str | None
    elements: list[Resource]
    contexts: tuple[tuple[str, str], ...] = ()
    context_invariants: tuple[str, ...] = ()
    package: Package | None = None
    generated: bool = False
    detached_from: str | None = None
    issues: tuple[Issue, ...] = ()
    places: tuple[str | None, ...] = ()
