"""Profiles by their canonical: found, compiled once, kept.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Resource
from fhir_service.validation.base import BaseDefinitions
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.profile.element import ElementCompiler, ItemCheck
from fhir_service.validation.profile.extension_definition import ExtensionDefinition, extension_definition
from fhir_service.validation.profile.tree import Node, grow

if TYPE_CHECKING:
    from fhir_service.validation.run import Run


class Profile:
    """A compiled profile. `notes` are what has to be said of every check against it."""

    def __init__(self, definition: Resource, root: Node, check: ItemCheck, notes: tuple[Fault, ...]) -> None:
        self.url: str = definition["url"]
        self.type: str = str(definition.get("type", ""))
        self.definition: Resource = {
            name: definition[name] for name in ("url", "context", "type") if name in definition
        }
        self.root = root
        self.notes = notes
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
    """Compiles profiles; each once."""

    def __init__(self, definitions: Definitions, base: BaseDefinitions) -> None:
        self._definitions = definitions
        self._base = base
        self._profiles: dict[str, Profile | FhirError] = {}
        self._trees = lru_cache(maxsize=64)(self._tree)

    def profile(self, canonical: str) -> Profile | None:
        """Return a profile, None if it is not here; FhirError if its definition cannot be used."""
        found = self._profiles.get(canonical)
        if found is None:
            definition = self._definitions.find(canonical)
            if definition is None or definition.get("resourceType") != "StructureDefinition":
                return None
            try:
                found = self._compiled(definition)
            except FhirError as error:
                found = error
            self._profiles[canonical] = found
        if isinstance(found, FhirError):
            raise found
        return found

    def extension(self, url: str) -> ExtensionDefinition | None:
        """Return the definition of an extension, None if it is not here or cannot be used."""
        try:
            profile = self.profile(url)
        except FhirError:
            return None
        if profile is None or profile.type != "Extension":
            return None
        return extension_definition(profile.definition, profile.root.element, profile.check)

    def tree(self, canonical: str) -> Node | None:
        """Return the elements of a profile, None if it is not here or has no snapshot."""
        return self._trees(canonical)

    def _tree(self, canonical: str) -> Node | None:
        definition = self._definitions.find(canonical) or {}
        elements = (definition.get("snapshot") or {}).get("element")
        return grow(elements) if elements else None

    def _compiled(self, definition: Resource) -> Profile:
        url = str(definition.get("url"))
        elements = (definition.get("snapshot") or {}).get("element")
        if not isinstance(elements, list) or not elements:
            raise FhirError(
                Issue(
                    "not-supported",
                    f"構造定義 {url} に snapshot がありません。",
                    f"The StructureDefinition {url} has no snapshot.",
                )
            )
        try:
            root = grow(elements)
            check = ElementCompiler(url, self._definitions, self._base, self).root(root, str(definition["type"]))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise FhirError(
                Issue(
                    "invalid",
                    f"構造定義 {url} が壊れています({error!r})。",
                    f"The StructureDefinition {url} is not sound ({error!r}).",
                )
            ) from error
        return Profile(definition, root, check, ())
