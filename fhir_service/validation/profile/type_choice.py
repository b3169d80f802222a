"""The types of an element that a profile narrows: type codes, profiles of a type, targets of references.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.type
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fhir_service.fhir.definitions import Package
from fhir_service.fhir.fhirpath import Item
from fhir_service.fhir.resource import Resource
from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.definition import ElementDefinition
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.profile.tree import Node
from fhir_service.validation.run import Run, claimed
from fhir_service.validation.target import target_type

if TYPE_CHECKING:
    from fhir_service.validation.profile.element import ElementCompiler, ItemCheck


def type_checks(node: Node, base: ElementDefinition, compiler: ElementCompiler) -> Iterator[ItemCheck]:
    """Give the checks that a value has a type of the profile, conforms to its profile, refers to what it may."""
    if node.types == base.get("type") and not any("aggregation" in each or "versioning" in each for each in node.types):
        return  # as most are: profiles narrow the types of few elements
    codes = node.codes()
    if not codes or any("System." in code for code in codes):
        return
    base_types = [each for each in base.get("type", ()) if isinstance(each, dict)]
    if set(codes) < {each["code"] for each in base_types} or (
        base_types and base_types[0]["code"] == "Resource" and "Resource" not in codes
    ):
        yield _type_check(codes, node, compiler)
    for code in dict.fromkeys(codes):
        mine = [each for each in node.types if each.get("code") == code]
        known = [each for each in base_types if each.get("code") == code]
        profiles = _canonicals(mine, "profile")
        if profiles and set(profiles) - set(_canonicals(known, "profile")):
            yield _profile_check(code, profiles, compiler)
        targets = _canonicals(mine, "targetProfile")
        if code == "Reference" and targets and set(targets) != set(_canonicals(known, "targetProfile")):
            yield _target_check(targets, compiler)
        if aggregation := {mode for each in mine for mode in each.get("aggregation", ())}:
            yield _aggregation_check(aggregation, compiler.profile)
        if (
            len(versioning := {str(each.get("versioning", "either")) for each in mine}) == 1
            and "either" not in versioning
        ):
            yield _versioning_check(versioning.pop() == "specific", compiler.profile)


def _canonicals(types: Sequence[Resource], name: str) -> list[str]:
    found = [each.get(name, ()) for each in types]
    return list(dict.fromkeys(each for listed in found if isinstance(listed, list) for each in listed if each))


def _type_check(codes: list[str], node: Node, compiler: ElementCompiler) -> ItemCheck:
    is_a, allowed, profile = compiler.model.is_a, frozenset(codes), compiler.profile
    shown = ", ".join(codes)

    def check(item: Item, run: Run) -> Faults:
        if item.type in allowed or any(is_a(item.type, code) for code in allowed if code in RESOURCES):
            return None
        ja = f"「{node.id}」の型は {shown} でなければなりませんが、{item.type} です(規則 type、{profile})"
        en = f"'{node.id}' must be {shown}, but is {item.type} (rule type, {profile})"
        return [Fault("", "structure", ja, en, rule="type", profile=profile)]

    return check


RESOURCES = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})


def _profile_check(code: str, profiles: list[str], compiler: ElementCompiler) -> ItemCheck:
    """Check a value against a profile of its type, or several of which one will do."""
    is_resource = compiler.definitions.has_type(code) and compiler.definitions.kind(code) == "resource"
    is_a = compiler.model.is_a

    def check(item: Item, run: Run) -> Faults:
        if not is_a(item.type, code) or item.value.__class__ is not dict:
            return None
        if code == "Extension" and item.value.get("url") in profiles and run.validator.extension(profiles[0]):
            return None  # every extension is checked against its own definition where it stands
        inner = run.inside(item.value) if is_resource else run
        first: list[Fault] = []
        for canonical in profiles:
            if canonical == TYPE_BASE + item.type:
                return None
            faults = _conformance(item, canonical, inner, compiler.package)
            if not any(fault.severity == "error" for fault in faults):
                return faults or None
            first = first or faults
        return first if len(profiles) == 1 else [_none_fits(profiles, compiler.profile), *first]

    return check


def _conformance(item: Item, canonical: str, run: Run, within: Package | None) -> list[Fault]:
    """Return what is wrong with a value by a profile; that the profile is not here is a warning."""
    validator = run.validator
    if validator.is_known(canonical, within):
        return list(validator.check_item(item, canonical, run, within) or ())
    ja = f"プロファイル {canonical} がこのサーバーにないため、検証していません(規則 profile-unknown)"
    en = f"The profile {canonical} is not known here; it was not checked (rule profile-unknown)"
    return [Fault("", "not-found", ja, en, "warning", "profile-unknown", canonical)]


def _none_fits(profiles: list[str], profile: str) -> Fault:
    shown = ", ".join(profiles)
    ja = f"次のどのプロファイルにも合いません: {shown}(規則 type-profile、{profile})"
    en = f"It conforms to none of {shown} (rule type-profile, {profile})"
    return Fault("", "structure", ja, en, rule="type-profile", profile=profile)


def _target_check(targets: list[str], compiler: ElementCompiler) -> ItemCheck:
    """Check what a Reference points to: its type, and where it is at hand that it conforms to a profile."""
    types: dict[str, list[str]] = {}
    profile = compiler.profile
    known = False

    def check(item: Item, run: Run) -> Faults:
        nonlocal known
        if not known:
            for canonical in targets:
                types.setdefault(profile_type(canonical, compiler), []).append(canonical)
            known = True
        if item.type != "Reference" or item.value.__class__ is not dict or ANY in types:
            return None
        found = target_type(item.value, run)
        if found is None:
            _want(item.value, targets, run, compiler)
            return None
        fitting = [each for kind, each_of in types.items() for each in each_of if kind in (found, UNKNOWN)]
        if not fitting:
            return [_wrong_target(found, [*types], profile)]
        return _wrong_profile(item.value, fitting, run, compiler)

    return check


ANY = "Resource"
UNKNOWN = ""


def profile_type(canonical: str, compiler: ElementCompiler) -> str:
    """Return the type that a profile is of, empty if the profile is not here."""
    name = canonical.partition("|")[0].removeprefix(TYPE_BASE)
    if compiler.definitions.has_type(name):
        return name
    return compiler.profiles.type_of(canonical, compiler.package)


def _wrong_profile(reference: dict[str, Any], profiles: list[str], run: Run, compiler: ElementCompiler) -> Faults:
    """Return that what is referred to, where it is at hand, conforms to none of the profiles."""
    text = reference.get("reference")
    if not isinstance(text, str) or any(each.startswith(TYPE_BASE) for each in profiles):
        return None
    found = run.find(text)
    if found is None:
        _want(reference, profiles, run, compiler)
        return None
    if not all(run.validator.is_known(each, compiler.package) for each in profiles):
        return None
    resource, inner = found
    first: list[Fault] = []
    if inner.is_of_its_own and any(_claims(resource, each, inner, compiler.package) for each in profiles):
        return None  # it is checked by itself there, and what is wrong is told once, at its own place
    for canonical in profiles:
        item = Item(resource, str(resource.get("resourceType")))
        faults = run.validator.check_item(item, canonical, inner, compiler.package)
        errors = [each for each in faults or () if each.severity == "error"]
        if not errors:
            return None
        first = first or errors
    shown, why, profile = ", ".join(profiles), first[0], compiler.profile
    ja = f"参照先がプロファイル {shown} に合いません: {why.path} {why.ja}(規則 target-profile、{profile})"
    en = f"What it refers to does not conform to {shown}: {why.path} {why.en} (rule target-profile, {profile})"
    return [Fault("", "structure", ja, en, rule="target-profile", profile=profile)]


def _claims(resource: Resource, profile: str, run: Run, within: Package | None) -> bool:
    """Whether what is claimed is checked here, and a resource claims this very profile."""
    if not run.options.claimed:
        return False
    name = run.validator.definitions.name
    meant = name(profile, within)
    return meant is not None and any(name(each) == meant for each in claimed(resource))


def _want(reference: dict[str, Any], profiles: list[str], run: Run, compiler: ElementCompiler) -> None:
    """Say that a reference is to be looked up, if then something can be said of what it names."""
    text = reference.get("reference")
    known = run.validator.is_known
    if (
        isinstance(text, str)
        and run.outside
        and all(each.startswith(TYPE_BASE) or known(each, compiler.package) for each in profiles)
    ):
        run.want(text, profiles)


def _wrong_target(found: str, allowed: list[str], profile: str) -> Fault:
    shown = ", ".join(allowed)
    ja = f"参照先の型 {found} はここでは使えません。使えるのは {shown} です(規則 target、{profile})"
    en = f"A reference to {found} is not allowed here, but to {shown} (rule target, {profile})"
    return Fault("", "structure", ja, en, rule="target", profile=profile)


def _aggregation_check(modes: set[str], profile: str) -> ItemCheck:
    """Check how a reference is carried: contained, referenced (elsewhere) or bundled."""

    def check(item: Item, run: Run) -> Faults:
        text = item.value.get("reference") if isinstance(item.value, dict) else None
        if not isinstance(text, str):
            return None
        mode = {"contained"} if text.startswith("#") else {"referenced", "bundled"}
        if modes & mode and (modes & mode != {"bundled"} or run.find(text) is not None):
            return None
        shown = ", ".join(sorted(modes))
        ja = f"この参照は {shown} の形でなければなりません(規則 aggregation、{profile})"
        en = f"This reference must be {shown} (rule aggregation, {profile})"
        return [Fault("", "structure", ja, en, rule="aggregation", profile=profile)]

    return check


def _versioning_check(specific: bool, profile: str) -> ItemCheck:
    """Check that a reference names a version, or none."""
    wanted_ja, wanted_en = (
        ("版(/_history/ か |版)を指定してください", "must name a version (by /_history/ or |)")
        if specific
        else ("版を指定しないでください", "must not name a version")
    )
    ja, en = f"参照に{wanted_ja}(規則 versioning、{profile})", f"The reference {wanted_en} (rule versioning, {profile})"
    faults = [Fault("", "structure", ja, en, rule="versioning", profile=profile)]

    def check(item: Item, run: Run) -> Faults:
        text = item.value.get("reference") if isinstance(item.value, dict) else item.value
        if not isinstance(text, str) or text.startswith("#"):
            return None
        return None if specific is ("/_history/" in text or "|" in text) else faults

    return check
