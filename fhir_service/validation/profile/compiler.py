"""Profiles by their canonical: found, compiled once, kept until the definitions change.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_service.fhir.definitions import Definitions, Package
from fhir_service.fhir.definitions.snapshot import Snapshot
from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.validation.base import TYPE_BASE, BaseDefinitions
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.profile.element import ElementCompiler, ItemCheck
from fhir_service.validation.profile.extension_definition import ExtensionDefinition, extension_definition
from fhir_service.validation.profile.tree import UNSOUND, Node, grow
from fhir_service.validation.structure_definition import definition_faults

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


class Profile:
    """A compiled profile. `notes` are what has to be said of every resource that is checked against it."""

    def __init__(self, snapshot: Snapshot, check: ItemCheck) -> None:
        self.url = snapshot.url
        self.type = snapshot.type
        self.notes = _notes(snapshot)
        self._check = check

    def check(self, item: Item, run: Run) -> Faults:
        """Check a typed value."""
        return self._check(item, run)

    def other_type(self, kind: str) -> Fault:
        """Return the fault of a resource that is not of the profile's type."""
        ja = f"プロファイル {self.url} は {self.type} のものです。{kind} には使えません(規則 profile-type)"
        en = f"The profile {self.url} is for {self.type}, not for {kind} (rule profile-type)"
        return Fault("", "structure", ja, en, rule="profile-type", profile=self.url)


class ProfileCompiler:
    """Compiles profiles, each once; `within` is the package whose definition asks for one."""

    def __init__(self, definitions: Definitions, base: BaseDefinitions) -> None:
        self._definitions = definitions
        self._base = base
        self._profiles: dict[tuple[str, Package | None], Profile | FhirError] = {}
        self._extensions: dict[str, ExtensionDefinition] = {}
        self._trees = lru_cache(maxsize=64)(self._tree)
        self._generation = definitions.generation

    def renew(self) -> None:
        """Forget what was compiled of definitions that are no longer all there is; those of R4 itself stay."""
        if self._generation != self._definitions.generation:
            self._generation = self._definitions.generation
            self._profiles.clear()
            self._trees.cache_clear()
            self._extensions = {url: each for url, each in self._extensions.items() if url.startswith(TYPE_BASE)}

    def profile(self, canonical: str, within: Package | None = None) -> Profile | None:
        """Return a profile, None if it is not here; FhirError if its definition cannot be used."""
        found = self._profiles.get((canonical, within))
        if found is None:
            try:
                snapshot = self._definitions.snapshot(canonical, within)
                if snapshot is None:
                    return None
                found = self._compiled(snapshot)
            except FhirError as error:
                found = error
            self._profiles[canonical, within] = found
        if isinstance(found, FhirError):
            raise found
        return found

    def extension(self, url: str) -> ExtensionDefinition | None:
        """Return the definition of an extension, None if it is not here or cannot be used."""
        found = self._extensions.get(url)
        if found is None:
            try:
                snapshot = self._definitions.snapshot(url)
                if snapshot is None or snapshot.type != "Extension":
                    return None
                found = extension_definition(snapshot, self._compiled(snapshot).check)
            except FhirError:
                return None
            self._extensions[url] = found
        return found

    def tree(self, canonical: str, within: Package | None = None) -> Node | None:
        """Return the elements of a profile, None if it is not here or cannot be used."""
        return self._trees(canonical, within)

    def _tree(self, canonical: str, within: Package | None) -> Node | None:
        try:
            snapshot = self._definitions.snapshot(canonical, within)
            return None if snapshot is None else grow(snapshot.elements)
        except (FhirError, *UNSOUND, RecursionError):
            return None

    def _compiled(self, snapshot: Snapshot) -> Profile:
        try:
            compiler = ElementCompiler(snapshot.url, snapshot.package, self._definitions, self._base, self)
            return Profile(snapshot, compiler.root(grow(snapshot.elements), snapshot.type))
        except (*UNSOUND, RecursionError) as error:
            ja = f"構造定義 {snapshot.url} を読めません。StructureDefinition の形をしていないところがあります。"
            en = f"The StructureDefinition {snapshot.url} cannot be read: part of it has not the shape of one."
            raise FhirError(Issue("invalid", ja, en)) from error


def _notes(snapshot: Snapshot) -> tuple[Fault, ...]:
    wrong = definition_faults(snapshot.issues, snapshot.url)
    if snapshot.detached_from is None:
        return tuple(wrong)
    url, base = snapshot.url, snapshot.detached_from
    ja = f"プロファイル {url} の元になる {base} がこのサーバーにないため、{snapshot.type} を元に検証しました。"
    en = f"The profile {url} derives from {base}, which is not here; it was checked as one of {snapshot.type}."
    return (Fault("", "informational", ja, en, "information", "profile-base", url), *wrong)
