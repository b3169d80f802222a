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
# https://hl7.org/fhir/R4/valueset-resource-types.html has them, too.
ABSTRACT = frozenset({"Resource", "DomainResource"})


def target_check(targets: Collection[str]) -> Check:
    """Return the check of a Reference whose target must be of one of these types."""
    allowed = frozenset(targets)

    def check(value: Any, run: Run) -> Faults:
        if value.__class__ is not dict:
            return None
        text = value.get("reference")
        if "type" not in value:
            if text is None:
                return None
            if text.__class__ is str and "/" in text and text.partition("/")[0] in allowed:
                return None
        found = target_type(value, run)
        if found is None or found in allowed:
            return None
        return [_wrong_target(found, sorted(allowed))]

    return check


def type_agrees(value: Any, run: Run) -> Faults:
    """Check that the `type` of a Reference names a type of resource: that of what its `reference` names.

    "Absolute URLs are only allowed for logical models": https://hl7.org/fhir/R4/references.html#Reference. Those of
    others than HL7 may name one.
    """
    declared = value.get("type")
    if not isinstance(declared, str):
        return None
    shown, text = declared[:SHOWN], value.get("reference")
    found = target_type({"reference": text}, run) if isinstance(text, str) else None
    if found is not None and found != declared:
        ja = f"参照先は {found} ですが、type は「{shown}」です(規則 target-type)"
        en = f"The reference is to {found}, but its type says '{shown}' (rule target-type)"
    elif declared.startswith(TYPE_BASE) or not (_is_url(declared) or _is_type(declared, run)):
        ja = f"type は「Patient」のようなリソースの型の名前です。「{shown}」は違います(規則 target-type)"
        en = f"The type must be the name of a type of resource, such as 'Patient', not '{shown}' (rule target-type)"
    else:
        return None
    return [Fault(".type", "value", ja, en, rule="target-type")]


def _is_url(declared: str) -> bool:
    return ":" in declared


def _is_type(declared: str, run: Run) -> bool:
    return declared in run.validator.definitions.resource_types or declared in ABSTRACT


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


def _wrong_target(found: str, allowed: list[str]) -> Fault:
    return Fault(
        "",
        "value",
        f"参照先の型 {found} はここでは使えません。使えるのは {'、'.join(allowed)} です(規則 target)",
        f"A reference to {found} is not allowed here, but to {', '.join(allowed)} (rule target)",
        rule="target",
    )
