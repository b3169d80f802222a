"""Profiles by their canonical: found, compiled once, kept until the definitions change.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from fhir_service.fhir.definitions import Definitions, Named, Package
from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.fhirpath.model import Model, model_of
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.validation.base import TYPE_BASE, BaseDefinitions
from fhir_service.validation.compiled import Compiled
from fhir_service.validation.definitional.structure_definition import definition_faults
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.profile import outline as outlines
from fhir_service.validation.profile.element import ElementCompiler, ItemCheck
from fhir_service.validation.profile.extension_definition import ExtensionDefinition, extension_definition
from fhir_service.validation.profile.must_support import unsupported
from fhir_service.validation.profile.outline import Outline
from fhir_service.validation.profile.tree import UNSOUND, Node

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


class Profile:
    """A compiled profile. `notes` are what has to be said of every resource that is checked against it."""

    def __init__(self, outline: Outline, check: ItemCheck, model: Model) -> None:
        self.url = outline.url
        self.type = outline.type
        self.notes = _notes(outline)
        self._outline = outline
        self._check = check
        self._model = model

    def check(self, item: Item, run: Run) -> Faults:
        """Check a typed value."""
        if not run.options.must_support:
            return self._check(item, run)
        return [*(self._check(item, run) or ()), *unsupported(self._root, item, self._model, self.url)] or None

    @cached_property
    def _root(self) -> Node:
        return self._outline.root

    def other_type(self, kind: str) -> Fault:
        """Return the fault of a resource that is not of the profile's type."""
        ja = f"プロファイル {self.url} は {self.type} のものです。{kind} には使えません(規則 profile-type)"
        en = f"The profile {self.url} is for {self.type}, not for {kind} (rule profile-type)"
        return Fault("", "structure", ja, en, rule="profile-type", profile=self.url)


class _Known:
    """What was compiled of the definitions as they are at one time; when they change, another takes its place.

    A thread that still compiles what there was puts it where nobody asks any more.
    """

    __slots__ = ("asked", "extensions", "generation", "of_guides", "outlines", "profiles", "types")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.asked: dict[tuple[str, Package | None], Profile | FhirError] = {}
        self.profiles: dict[Named, Profile | FhirError] = {}
        self.outlines: dict[Named, Outline] = {}
        self.types: dict[Named, str] = {}
        self.extensions: dict[str, ExtensionDefinition] = {}
        self.of_guides: dict[str, list[str]] | None = None


class ProfileCompiler:
    """Compiles profiles, each once; `within` is the package whose definition asks for one."""

    def __init__(self, definitions: Definitions, base: BaseDefinitions, compiled: Compiled) -> None:
        self._definitions = definitions
        self._base = base
        self._compiled = compiled
        self._known = _Known(definitions.generation)

    def renew(self) -> None:
        """Forget what was compiled of definitions that are no longer all there is; those of R4 itself stay."""
        before, generation = self._known, self._definitions.generation
        if before.generation != generation:
            known = _Known(generation)
            kept = list(before.extensions.items())  # others may be adding to it
            known.extensions = {url: each for url, each in kept if url.startswith(TYPE_BASE)}
            self._known = known

    def profile(self, canonical: str, within: Package | None = None) -> Profile | None:
        """Return a profile, None if it is not here; FhirError if its definition cannot be used."""
        known = self._known
        found = known.asked.get((canonical, within))
        if found is None:
            named = self._named(canonical, within)
            if named is None:
                return None
            found = known.asked[canonical, within] = self._profile(known, named, canonical, within)
        if isinstance(found, FhirError):
            raise found
        return found

    def of_guides(self, kind: str) -> Sequence[str]:
        """Return the profiles that implementation guides have for all resources of a type.

        https://hl7.org/fhir/R4/implementationguide-definitions.html#ImplementationGuide.global
        """
        known = self._known
        if known.of_guides is None:
            found: dict[str, list[str]] = {}
            for guide in self._definitions.all("ImplementationGuide"):
                for each in guide.get("global", ()):
                    found.setdefault(str(each.get("type")), []).append(str(each.get("profile")))
            known.of_guides = found
        return known.of_guides.get(kind, ())

    def extension(self, url: str) -> ExtensionDefinition | None:
        """Return the definition of an extension, None if it is not here or cannot be used."""
        known = self._known
        found = known.extensions.get(url)
        if found is None:
            named = self._named(url, None)
            if named is None:
                return None
            try:
                outline = self._outline(known, named, url, None)
                if outline.type != "Extension":
                    return None
                found = extension_definition(outline, self._check(outline, named))
            except FhirError:
                return None
            known.extensions[url] = found
        return found

    def tree(self, canonical: str, within: Package | None = None) -> Node | None:
        """Return the elements of a profile, None if it is not here or cannot be used."""
        known = self._known
        named = self._named(canonical, within)
        try:
            return None if named is None else self._outline(known, named, canonical, within).root
        except (FhirError, *UNSOUND, RecursionError):
            return None

    def type_of(self, canonical: str, within: Package | None = None) -> str:
        """Return the type that a profile is of, empty if the profile is not here."""
        known = self._known
        named = self._named(canonical, within)
        if named is None:
            return ""
        if named not in known.types:
            kept = self._kept(known, named)
            definition = self._definitions.find(canonical, within) if kept is None else None
            known.types[named] = kept.type if kept else str((definition or {}).get("type", ""))
        return known.types[named]

    def _named(self, canonical: str, within: Package | None) -> Named | None:
        url = canonical if ":" in canonical else f"{TYPE_BASE}{canonical}"
        named = self._definitions.name(url, within)
        return named if named is not None and named.resource_type == "StructureDefinition" else None

    def _profile(self, known: _Known, named: Named, canonical: str, within: Package | None) -> Profile | FhirError:
        found = known.profiles.get(named)
        if found is None:
            try:
                outline = self._outline(known, named, canonical, within)
                found = Profile(outline, self._check(outline, named), model_of(self._definitions))
            except FhirError as error:
                found = error
            known.profiles[named] = found
        return found

    def _check(self, outline: Outline, named: Named) -> ItemCheck:
        try:
            sources = self._definitions.sources
            package = next((each.package for each in sources if str(each.package) == named.package), None)
            compiler = ElementCompiler(outline.url, package, self._definitions, self._base, self)
            return compiler.root(outline.root, outline.type)
        except (*UNSOUND, RecursionError) as error:
            raise _unreadable(outline.url) from error

    def _outline(self, known: _Known, named: Named, canonical: str, within: Package | None) -> Outline:
        found = self._kept(known, named)
        if found is None:
            snapshot = self._definitions.snapshot(canonical, within)
            if snapshot is None:
                raise _unreadable(named.url)
            try:
                found = known.outlines[named] = outlines.outlined(snapshot)
            except (*UNSOUND, RecursionError) as error:
                raise _unreadable(named.url) from error
            self._compiled.put(str(named), outlines.encode(found), known.generation)
        return found

    def _kept(self, known: _Known, named: Named) -> Outline | None:
        """Return the outline that is in memory or on disk."""
        found = known.outlines.get(named)
        if found is None and (kept := self._compiled.get(str(named))) is not None:
            try:
                found = known.outlines[named] = outlines.decode(kept)
            except msgspec.DecodeError:
                return None
        return found


def _unreadable(url: str) -> FhirError:
    ja = f"構造定義 {url} を読めません。StructureDefinition の形をしていないところがあります。"
    en = f"The StructureDefinition {url} cannot be read: part of it has not the shape of one."
    return fhir_error("invalid", ja, en)


def _notes(outline: Outline) -> tuple[Fault, ...]:
    wrong = definition_faults(outline.issues, outline.url)
    if outline.detached_from is None:
        return tuple(wrong)
    url, base = outline.url, outline.detached_from
    ja = f"プロファイル {url} の元になる {base} がこのサーバーにないため、{outline.type} を元に検証しました。"
    en = f"The profile {url} derives from {base}, which is not here; it was checked as one of {outline.type}."
    return (Fault("", "informational", ja, en, "information", "profile-base", url), *wrong)
