"""The filters of a ValueSet: properties that the code system has, values that fit the operator.

https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fhir_service.fhir.fhirpath.error import FhirPathError
from fhir_service.fhir.fhirpath.regex import pattern
from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.definitional.system_code import of_system
from fhir_service.validation.fault import Fault

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

SHOWN = 80
HIERARCHY = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
TRUTHS = frozenset({"inactive", "notSelectable"})
CODES = frozenset({"concept", "code"})
"""The properties that mean the code itself."""

# https://hl7.org/fhir/R4/snomedct.html#filters and #properties; the attributes of concepts are named by their codes
SNOMED = "http://snomed.info/sct"
SNOMED_PROPERTIES = CODES | {
    "constraint", "expression", "expressions", "inactive", "sufficientlyDefined", "moduleId", "normalForm",
    "normalFormTerse", "parent", "child",
}  # fmt: skip

# https://hl7.org/fhir/R4/codesystem.html#defined-props, and what every concept has
EVERYWHERE = CODES | {
    "display", "definition", "parent", "child", "inactive", "deprecated", "deprecationDate", "notSelectable", "status",
}  # fmt: skip


def filter_faults(filter_: Resource, place: str, include: Resource, run: Run) -> Iterator[Fault]:
    """Give the faults of a filter of codes of the system that `include` names."""
    name, operator, value = filter_.get("property"), filter_.get("op"), filter_.get("value")
    if not isinstance(name, str) or not isinstance(value, str):
        return
    yield from _property(name, place, include, run)
    if operator in HIERARCHY and name in CODES and "version" not in include:
        yield from of_system(include["system"], {"code": value}, f"{place}.value", run, "value-set")
    if operator in ("=", "in", "not-in") and name in CODES and "version" not in include:
        for code in value.split(",") if operator != "=" else [value]:
            yield from of_system(include["system"], {"code": code.strip()}, f"{place}.value", run, "value-set")
    if operator == "=" and name in TRUTHS and value not in ("true", "false"):
        ja = f"{name} の値は true か false です(「{value[:SHOWN]}」)。"
        yield _fault(f"{place}.value", ja, f"The value of {name} is true or false, not '{value[:SHOWN]}'.")
    if operator == "exists" and value not in ("true", "false"):
        ja = f"exists の値は true か false です(「{value[:SHOWN]}」)。"
        yield _fault(f"{place}.value", ja, f"The value of exists is true or false, not '{value[:SHOWN]}'.")
    if operator == "regex":
        try:
            pattern(value)
        except FhirPathError:
            ja = f"「{value[:SHOWN]}」は正規表現として読めません。"
            yield _fault(f"{place}.value", ja, f"'{value[:SHOWN]}' is no regular expression.")


def _property(name: str, place: str, include: Resource, run: Run) -> Iterator[Fault]:
    """Warn of a property that the code system, if it is here, does not declare."""
    if include["system"] == SNOMED and name not in SNOMED_PROPERTIES and not name.isdigit():
        ja = f"SNOMED CT に「{name[:SHOWN]}」というプロパティはありません。"
        yield _fault(f"{place}.property", ja, f"SNOMED CT has no property '{name[:SHOWN]}'.", "warning")
    system = run.definition(include["system"])
    if system is None or system.get("content") in ("not-present", "example", None) or name in EVERYWHERE:
        return
    declared = {each.get("code") for kind in ("property", "filter") for each in system.get(kind, ())}
    if name not in declared:
        ja = f"コード体系 {include['system'][:200]} に「{name[:SHOWN]}」というプロパティはありません。"
        en = f"The code system {include['system'][:200]} has no property '{name[:SHOWN]}'."
        yield _fault(f"{place}.property", ja, en, "warning")


def _fault(place: str, ja: str, en: str, severity: Severity = "error") -> Fault:
    return Fault(place, "business-rule", ja, en, severity, rule="value-set")
