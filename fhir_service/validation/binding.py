"""Bindings: is a code one of its value set, as strictly as the binding says.

Required: an error. Extensible: a warning where none of the codings is of the value set. Preferred and example: nothing.
What nobody here can tell (a code system that is not here) is a warning, never an error.
https://hl7.org/fhir/R4/terminologies.html#strength
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.terminology import Member
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.run import Check, Run

MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
# R5's further bindings, as R4 writes them: https://hl7.org/fhir/elementdefinition-definitions.html#ElementDefinition.binding.additional
ADDITIONAL = frozenset(
    {
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional",
        "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
    }
)
MEMBER_SHOWN = 12
SHOWN = 80

TEXTS = frozenset({"code", "string", "uri", "url", "canonical", "markdown", "id"})
CODED = TEXTS | {"Coding", "CodeableConcept", "Quantity", "Age", "Count", "Distance", "Duration"}
"""The types that a binding can be about: https://hl7.org/fhir/R4/terminologies.html#4.1"""

Strength = Literal["required", "extensible", "maximum"]
"""`maximum`: codes outside it are errors."""


class Binding(NamedTuple):
    """A value set that values must be (`required`) or should be (`extensible`) of; `profile` asks for it.

    `coded` asks for a code where the strength would let words do.
    """

    value_set: str
    strength: Strength
    profile: str | None = None
    coded: bool = False


def bindings(element: Resource, profile: str | None = None) -> list[Binding]:
    """Return what an ElementDefinition binds its values to, as far as that can be broken."""
    binding = element.get("binding")
    if not isinstance(binding, dict):
        return []
    found: list[Binding] = []
    value_set, strength = binding.get("valueSet"), binding.get("strength")
    if isinstance(value_set, str) and strength in ("required", "extensible"):
        found.append(Binding(value_set, strength, profile))
    for extension in binding.get("extension", ()):
        if extension.get("url") == MAX_VALUE_SET:
            largest = extension.get("valueCanonical") or extension.get("valueUri")
            if isinstance(largest, str) and largest != value_set:
                found.append(Binding(largest, "maximum", profile, coded=strength == "extensible"))
        elif extension.get("url") in ADDITIONAL:
            found += _additional(extension, profile)
    return found


def _additional(extension: Resource, profile: str | None) -> Iterator[Binding]:
    """Give the binding that an extension adds, if it is asked everywhere and can be broken."""
    parts = {each.get("url"): each for each in extension.get("extension", ()) if isinstance(each, dict)}
    value_set = parts.get("valueSet", {}).get("valueCanonical")
    purpose = parts.get("purpose", {}).get("valueCode")
    if isinstance(value_set, str) and purpose in ("required", "extensible", "maximum") and "usage" not in parts:
        yield Binding(value_set, purpose, profile)


def binding_check(binding: Binding, type_name: str) -> Check | None:
    """Return the check of values of a type against the binding; None for a type that cannot be bound."""
    if type_name in TEXTS:
        return _text_check(binding) if type_name == "code" or binding.strength != "extensible" else None
    return _concept_check(binding, _CODINGS.get(type_name, _quantity)) if type_name in CODED else None


def _text_check(binding: Binding) -> Check:
    """Check a code that has no system of its own: any of the value set will do."""
    codes: frozenset[str] | None = None
    asked = False
    required = binding.strength != "extensible"

    def check(value: Any, run: Run) -> Faults:
        nonlocal codes, asked
        if not (required or run.options.extensible):
            return None
        if not asked:
            codes, asked = _codes(run.validator.terminology.members(binding.value_set)), True
        if value.__class__ is not str or (codes is not None and value in codes):
            return None
        answer = False if codes else run.validator.terminology.contains(binding.value_set, None, value)
        if answer is False:
            return [_not_member(f"「{value[:SHOWN]}」", f"'{value[:SHOWN]}'", binding, codes)]
        return [_not_known([("", value)], binding)] if answer is None and binding.strength == "required" else None

    return check


def _codes(members: frozenset[Member] | None) -> frozenset[str] | None:
    """Return the codes of a value set whatever their system; None if they are not all known."""
    if members is None or any(code is None for _, code in members):
        return None
    return frozenset(code for _, code in members if code is not None)


Coding = tuple[str, str]
"""System and code; a code without a system ("") means nothing, and is of no value set."""


def _of_concept(value: dict[str, Any]) -> Iterator[Coding]:
    codings = value.get("coding")
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(code := coding.get("code"), str):
            system = coding.get("system")
            yield system if isinstance(system, str) else "", code


def _of_coding(value: dict[str, Any]) -> Iterator[Coding]:
    if isinstance(code := value.get("code"), str):
        system = value.get("system")
        yield system if isinstance(system, str) else "", code


_quantity = _of_coding
_CODINGS: dict[str, Callable[[dict[str, Any]], Iterator[Coding]]] = {"CodeableConcept": _of_concept}


def _concept_check(binding: Binding, codings_of: Callable[[dict[str, Any]], Iterator[Coding]]) -> Check:
    required = binding.strength != "extensible"
    by_words = binding.strength != "required" and not binding.coded

    def check(value: Any, run: Run) -> Faults:
        if value.__class__ is not dict or not (required or run.options.extensible):
            return None
        contains = run.validator.contains
        unknown = False
        codings = list(codings_of(value))
        for system, code in codings:
            answer = contains(binding.value_set, system, code)
            if answer:
                return None
            unknown = unknown or answer is None
        if not codings:
            return None if by_words or "extension" in value else [_no_code(binding, _few(binding, run))]
        if unknown:
            return [_not_known(codings, binding)] if required else None
        shown = ", ".join(f"{system or '-'}#{code}" for system, code in codings)[: SHOWN * 2]
        return [_not_member(f"「{shown}」", f"'{shown}'", binding, _few(binding, run))]

    return check


def _few(binding: Binding, run: Run) -> frozenset[str] | None:
    """Return the codes of a value set that are few enough to be told; None if there are more, or nobody knows."""
    members = run.validator.terminology.members(binding.value_set)
    return _codes(members) if members is not None and len(members) <= MEMBER_SHOWN else None


def _not_member(ja: str, en: str, binding: Binding, codes: frozenset[str] | None) -> Fault:
    severity: Severity = "warning" if binding.strength == "extensible" else "error"
    few = _listed(codes)
    owner = f"、{binding.profile}" if binding.profile else ""
    owner_en = f", {binding.profile}" if binding.profile else ""
    strength_ja = (
        "次の値セットのコードでなければなりません" if severity == "error" else "次の値セットのコードが望まれます"
    )
    strength_en = "must be" if severity == "error" else "should be"
    return Fault(
        "",
        "code-invalid",
        f"コード{ja}は使えません。{strength_ja}: {binding.value_set}{few}(規則 binding-{binding.strength}{owner})",
        f"The code {en} {strength_en} one of the value set {binding.value_set}{few} "
        f"(rule binding-{binding.strength}{owner_en})",
        severity,
        f"binding-{binding.strength}",
        binding.profile,
    )


def _listed(codes: frozenset[str] | None) -> str:
    return f": {', '.join(sorted(codes))}" if codes and len(codes) <= MEMBER_SHOWN else ""


def _no_code(binding: Binding, codes: frozenset[str] | None) -> Fault:
    few = _listed(codes)
    owner = f"、{binding.profile}" if binding.profile else ""
    owner_en = f", {binding.profile}" if binding.profile else ""
    rule = f"(規則 binding-{binding.strength}{owner})"
    return Fault(
        "",
        "code-invalid",
        f"コードがありません。次の値セットのコードが必要です: {binding.value_set}{few}{rule}",
        f"A code of the value set {binding.value_set} is needed{few} (rule binding-{binding.strength}{owner_en})",
        "error",
        f"binding-{binding.strength}",
        binding.profile,
    )


def _not_known(codings: list[Coding], binding: Binding) -> Fault:
    shown = ", ".join(f"{system or '-'}#{code}" for system, code in codings)[: SHOWN * 2]
    return Fault(
        "",
        "code-invalid",
        f"コード「{shown}」が値セット {binding.value_set} にあるか、このサーバーでは確かめられません。",
        f"Whether '{shown}' is of the value set {binding.value_set} cannot be told here.",
        "warning",
        f"binding-{binding.strength}",
        binding.profile,
    )
