"""The validator: does a resource conform to R4 itself, to the profiles that it claims, and to those that are asked for.

Everything is compiled when it is first needed and kept by the definition it was made of; nothing is kept of resources.
https://hl7.org/fhir/R4/validation.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from fhir_service.fhir.definitions import Definitions, Package
from fhir_service.fhir.fhirpath import FhirPathError, Item, Items
from fhir_service.fhir.fhirpath import compile as compile_fhirpath
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Resource
from fhir_service.terminology import Terminology
from fhir_service.validation.base import TYPE_BASE, BaseDefinitions
from fhir_service.validation.compiled import Compiled
from fhir_service.validation.fault import UNCHECKED, Fault, Faults, gravest, has_error
from fhir_service.validation.profile.children import UNUSABLE
from fhir_service.validation.profile.compiler import ProfileCompiler
from fhir_service.validation.profile.extension_definition import ExtensionDefinition
from fhir_service.validation.profile.tree import UNSOUND
from fhir_service.validation.run import Check, Options, Outside, Run, claimed
from fhir_service.validation.types import TypeChecks

MAX_ISSUES = 100
DEFAULT = Options()
JAPAN = ZoneInfo("Asia/Tokyo")


def _now() -> datetime:
    return datetime.now(JAPAN)


class Validator:
    """Checks resources.

    `resolve` finds what a reference names outside the resource. `extra` are more rules by type (of resources and data
    types), asked of values that have the shape of their type. `now` is what rules with `today()` and `now()` go by.
    """

    def __init__(
        self,
        definitions: Definitions,
        terminology: Terminology,
        *,
        resolve: Callable[[str], Resource | None] | None = None,
        extra: Mapping[str, Sequence[Check]] | None = None,
        compiled: Compiled | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self.definitions = definitions
        self.terminology = terminology
        self.now = now
        self.resolve = resolve
        kept = compiled or Compiled(None, definitions)
        base = BaseDefinitions(definitions, kept)
        self._types = TypeChecks(definitions, base, extra or {})
        self._compiler = ProfileCompiler(definitions, base, kept)
        self._expression = lru_cache(maxsize=256)(lambda expression: compile_fhirpath(expression, definitions))

    def __call__(self, resource: Resource) -> list[Issue]:
        """Return what is wrong with a resource by R4 itself and the profiles that it claims; nothing is changed."""
        return self.check(resource)

    def check(
        self,
        resource: Resource,
        profiles: Sequence[str] = (),
        *,
        options: Options = DEFAULT,
        asked: Callable[[Run], Sequence[str]] | None = None,
        outside: Outside | None = None,
    ) -> list[Issue]:
        """Return what is wrong by R4, by these profiles, and by those that the resource claims.

        `asked` returns the profiles that are asked of a resource besides, also of one inside a Bundle or Parameters.
        """
        self._compiler.renew()
        run = Run(resource if isinstance(resource, dict) else {}, self, options, asked=asked, outside=outside)
        try:
            faults = self._types.resource(resource, run)
            if isinstance(resource, dict) and (profiles or asked or options.guides or "meta" in resource):
                faults = [*(faults or ()), *self._by_profiles(resource, run, (*profiles, *run.profiles))]
        except RecursionError:
            faults = [TOO_DEEP]
        if not faults:
            return []
        root = run.resource.get("resourceType")
        return [fault.issue(root if isinstance(root, str) else "Resource") for fault in _distinct(faults)]

    def held(self, resource: Resource, run: Run) -> Faults:
        """Check a resource inside another, in its own run: by R4, the profiles that it claims and those asked of it."""
        faults = self._types.resource(resource, run)
        if "meta" not in resource and run.asked is None and not run.options.guides:
            return faults
        return [*(faults or ()), *self._by_profiles(resource, run, run.profiles)] or None

    def _by_profiles(self, resource: Resource, run: Run, asked: Sequence[str]) -> list[Fault]:
        said = claimed(resource) if run.options.claimed else ()
        guided = run.options.guides and run.container is None
        of_all = self._compiler.of_guides(str(resource.get("resourceType"))) if guided else ()
        canonicals = dict.fromkeys([*asked, *said, *of_all])
        return [fault for each in canonicals for fault in self._by_profile(resource, each, run, asked=each in asked)]

    def _by_profile(self, resource: Resource, canonical: str, run: Run, *, asked: bool) -> list[Fault]:
        if canonical.partition("|")[0] == f"{TYPE_BASE}{resource.get('resourceType')}":
            return []
        try:
            profile = self._compiler.profile(canonical)
        except FhirError as error:
            return [_unusable(canonical, error, asked)]
        if profile is None:
            return [_unknown(canonical, self.definitions.versions(canonical.partition("|")[0]), asked)]
        kind = resource.get("resourceType")
        if not isinstance(kind, str) or not self.definitions.has_type(kind):
            return []
        if not self.definitions.is_a(kind, profile.type):
            return [profile.other_type(kind)]
        item = Item(resource, kind)
        try:
            found = [*profile.notes, *(self.check_item(item, canonical, run) or ())]
            return [_graver(fault, profile.url) for fault in found] if asked else found
        except UNSOUND:
            return [_not_checked(canonical)]

    # --- what checks ask of it; `within` is the package whose definition asks

    def is_known(self, canonical: str, within: Package | None = None) -> bool:
        """Whether a profile is here and can be used."""
        try:
            return self._compiler.profile(canonical, within) is not None
        except FhirError:
            return False

    def is_of(self, item: Item, canonical: str, within: Package | None = None) -> bool:
        """Whether a profile is here, can be used, and is for the type of this value."""
        if not self.is_known(canonical, within):
            return False
        profile = self._compiler.profile(canonical, within)
        return profile is not None and self.definitions.is_a(item.type, profile.type)

    def check_element(self, value: Any, type_name: str, canonical: str, run: Run) -> Faults:
        """Check a value of a data type against a profile of it; None if the profile is not here."""
        return self.check_item(Item(value, type_name), canonical, run)

    def check_item(self, item: Item, canonical: str, run: Run, within: Package | None = None) -> Faults:
        """Check a typed value against a profile, once in a run; what is asked again inside itself holds."""
        try:
            profile = self._compiler.profile(canonical, within)
        except FhirError as error:
            return [_unusable(canonical, error)]
        if profile is None:
            return None
        if item.value.__class__ is not dict:
            return profile.check(item, run)
        answers, asked = run.answers, (id(item.value), profile, run.container is not None)
        if asked in answers.known:
            return answers.known[asked]
        if asked in answers.open:
            answers.circles += 1
            return None
        circles = answers.circles
        answers.open.add(asked)
        try:
            found = profile.check(item, run)
        finally:
            answers.open.discard(asked)
        if answers.circles == circles:  # else it rests upon an answer that is not known yet
            answers.known[asked] = found
        return found

    def conforms_to(self, value: Resource, canonical: str, run: Run) -> bool | None:
        """Whether a resource conforms to a profile; None if the profile is not here or cannot be used."""
        kind = value.get("resourceType")
        if not isinstance(kind, str):
            return None
        url = canonical.partition("|")[0]
        try:
            known = url.startswith(TYPE_BASE) and url.removeprefix(TYPE_BASE) in self.definitions.resource_types
            profile = None if known else self._compiler.profile(canonical)
        except FhirError:
            return None
        inner = run if value is run.resource else run.inside(value)
        found = list(self._types.resource(value, inner) or ())
        if known:
            return url.removeprefix(TYPE_BASE) == kind and not has_error(found)
        if profile is None:
            return None
        found += self.check_item(Item(value, kind), canonical, inner) or ()
        return not has_error(found)

    def member_of(self, code: str, system: str | None, value_set: str) -> bool | None:
        """Whether a code is of a value set; None if nobody knows."""
        return self.contains(value_set, system, code)

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Whether a code is of a value set; None if nobody knows."""
        return self.terminology.contains(value_set, system, code)

    def evaluate(self, expression: str, focus: Item, run: Run, **variables: Any) -> Items | None:
        """Return the result of an expression of a definition, None if it cannot be evaluated."""
        environment = replace(run.environment, variables=variables) if variables else run.environment
        try:
            return self._expression(expression).evaluate(focus, environment)
        except FhirPathError:
            return None

    def extension(self, url: str) -> ExtensionDefinition | None:
        """Return the definition of an extension, None if it is not here."""
        return self._compiler.extension(url)


TOO_DEEP = Fault(
    "", "too-costly", "入れ子が深すぎて検証できません。", "It is nested too deeply to be validated.", "error"
)


def _distinct(faults: list[Fault]) -> list[Fault]:
    """Return the faults, those that R4 and profiles tell of a place once, and no more than a person reads.

    What is told of a profile itself is told of each.
    """
    found: dict[tuple[str, str, str], Fault] = {}
    for fault in faults:
        owner = None if fault.rule in UNCHECKED else fault.profile
        said = fault.en.replace(f", {owner}", "").replace(owner, "") if owner else fault.en
        found.setdefault((fault.path, fault.severity, said), fault)
    told = list(found.values())
    return told if len(told) <= MAX_ISSUES else gravest(told, MAX_ISSUES)


def _unknown(canonical: str, versions: tuple[str, ...], asked: bool) -> Fault:
    """Return that a profile is not here, and which other versions of it are."""
    shown = canonical[:200]
    here = ", ".join(versions)[:120]
    ja = f"プロファイル「{shown}」はこのサーバーにありません{f'(ある版: {here})' if here else ''}。"
    en = f"The profile {shown} is not known here{f' (but in the versions {here})' if here else ''}"
    path = "" if asked else ".meta.profile"
    return Fault(
        path,
        "not-found",
        f"{ja}検証していません(規則 profile-unknown)。",
        f"{en}; it was not checked (rule profile-unknown).",
        "error" if asked else "warning",
        "profile-unknown",
        shown,
    )


def _not_checked(canonical: str) -> Fault:
    """Return that a resource, mostly one that has not the shape of its type, could not be checked to the end."""
    ja = f"プロファイル「{canonical}」による検証を終えられませんでした。ほかの誤りを直してお試しください。"
    en = f"The check against the profile {canonical} could not be finished. Mend the other errors and try again."
    return Fault("", "processing", ja, en, "error", "profile-unfinished", canonical)


def _graver(fault: Fault, profile: str) -> Fault:
    """Return a fault of the definition as an error: who asks for a profile has to know that it was not checked."""
    return fault._replace(severity="error") if fault.rule == UNUSABLE and fault.profile == profile else fault


def _unusable(canonical: str, error: FhirError, asked: bool = False) -> Fault:
    said = error.issues[0]
    shown = canonical[:200]
    ja = f"プロファイル「{shown}」の定義が使えないため、検証していません: {said.ja}"
    en = f"The definition of the profile {shown} cannot be used; it was not checked: {said.en}"
    return Fault("", "processing", ja, en, "error" if asked else "warning", UNUSABLE, shown)
