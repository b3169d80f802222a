"""How many values an element must and may have.

https://hl7.org/fhir/R4/conformance-rules.html#cardinality
"""

from collections.abc import Callable

from fhir_service.fhir.outcome import IssueType
from fhir_service.validation.definition import ElementDefinition
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.profile.tree import Node

UNBOUNDED = "*"


def cardinality(node: Node, base: ElementDefinition, name: str, profile: str) -> Callable[[int], Faults] | None:
    """Return the check of how many values there are, None if the profile asks no more than R4."""
    if node.element.get("min") == base.get("min") and node.element.get("max") == base.get("max"):
        return None
    low, high = least(node.element), most(node.element)
    base_low, base_high = least(base), most(base)
    if low <= base_low and (high is None or (base_high is not None and base_high <= high)):
        return None
    return count_check(low, high, f".{name}", node.id, profile)


def count_check(low: int, high: int | None, path: str, said: str, profile: str) -> Callable[[int], Faults]:
    """Return the check that a count lies between these; `said` is what messages call the element or slice."""

    def check(count: int) -> Faults:
        if count < low:
            return [_too_few(count, low, path, said, profile)]
        return [_too_many(count, high, path, said, profile)] if high is not None and count > high else None

    return check


def least(element: ElementDefinition) -> int:
    """Return the `min` of an element."""
    found = element.get("min", 0)
    return found if isinstance(found, int) else 0


def most(element: ElementDefinition) -> int | None:
    """Return the `max` of an element, None if it has no end."""
    found = str(element.get("max", UNBOUNDED))
    return int(found) if found.isdecimal() and len(found) < 19 else None


def _too_few(count: int, low: int, path: str, said: str, profile: str) -> Fault:
    if count == 0:
        ja, en = f"必須の要素「{said}」がありません", f"The required element '{said}' is missing"
    else:
        ja = f"「{said}」は {low} 個以上必要ですが、{count} 個しかありません"
        en = f"At least {low} of '{said}' are needed, but there are {count}"
    return _miscounted(path, "required", ja, en, "min", profile)


def _too_many(count: int, high: int, path: str, said: str, profile: str) -> Fault:
    if high == 0:
        ja, en = f"「{said}」は使えません", f"'{said}' must not be used"
    else:
        ja = f"「{said}」は {high} 個までですが、{count} 個あります"
        en = f"At most {high} of '{said}' are allowed, but there are {count}"
    return _miscounted(path, "structure", ja, en, "max", profile)


def _miscounted(path: str, code: IssueType, ja: str, en: str, rule: str, profile: str) -> Fault:
    ja, en = f"{ja}(規則 {rule}、{profile})", f"{en} (rule {rule}, {profile})"
    return Fault(path, code, ja, en, rule=rule, profile=profile)
