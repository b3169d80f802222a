"""What a reference points to: is that of a type that the element allows.

https://hl7.org/fhir/R4/references.html and https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.type.targetProfile
"""

from collections.abc import Collection
from typing import Any

from fhir_service.fhir.reference import parse_reference
from fhir_service.validation.base import TYPE_BASE
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.run import Check, Run

SHOWN = 80


def target_check(targets: Collection[str], profile: str | None = None) -> Check:
    """Return the check of a Reference whose target must be of one of these types."""
    allowed = frozenset(targets)

    def check(value: Any, run: Run) -> Faults:
        if value.__class__ is not dict:
            return None
        text = value.get("reference")
        if text.__class__ is str:
            head, slash, _ = text.partition("/")
            if slash and head in allowed and "type" not in value:
                return None
        found = target_type(value, run)
        if found is None or found in allowed:
            return None
        return [_wrong_target(found, sorted(allowed), profile)]

    return check


def type_agrees(value: Any, run: Run) -> Faults:
    """Check that the `type` of a Reference is that of what its `reference` names."""
    declared = value.get("type")
    if not isinstance(declared, str) or not isinstance(value.get("reference"), str):
        return None
    found = target_type({"reference": value["reference"]}, run)
    if found is None or found == declared.removeprefix(TYPE_BASE):
        return None
    ja = f"参照先は {found} ですが、type は「{declared[:SHOWN]}」です(規則 target-type)"
    en = f"The reference is to {found}, but its type says '{declared[:SHOWN]}' (rule target-type)"
    return [Fault(".type", "value", ja, en, rule="target-type")]


def target_type(reference: dict[str, Any], run: Run) -> str | None:
    """Return the type of what a Reference points to, as far as that can be told."""
    text = reference.get("reference")
    if isinstance(text, str):
        if (resolved := run.find(text)) is not None:
            kind = resolved[0].get("resourceType")
            return kind if isinstance(kind, str) else None
        parsed = parse_reference(text)
        if parsed.type is not None:
            return parsed.type if parsed.type in run.validator.definitions.resource_types else None
    declared = reference.get("type")
    return declared if isinstance(declared, str) and declared in run.validator.definitions.resource_types else None


def _wrong_target(found: str, allowed: list[str], profile: str | None) -> Fault:
    owner = f"、{profile}" if profile else ""
    owner_en = f", {profile}" if profile else ""
    return Fault(
        "",
        "value",
        f"参照先の型 {found} はここでは使えません。使えるのは {'、'.join(allowed)} です(規則 target{owner})",
        f"A reference to {found} is not allowed here, but to {', '.join(allowed)} (rule target{owner_en})",
        rule="target",
        profile=profile,
    )
