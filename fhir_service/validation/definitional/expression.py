"""Expressions in definitions: they are FHIRPath, and name elements, functions and variables that there are.

https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_service.fhir.fhirpath.error import FhirPathError
from fhir_service.fhir.fhirpath.parser import parse
from fhir_service.fhir.fhirpath.static import Selected, selected
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault

if TYPE_CHECKING:
    from fhir_service.validation.run import Run

FHIRPATH = "text/fhirpath"
UNKNOWN = "expression-element"
"""The rule that an expression breaks which can be read, but names what there is not."""


class Reading(NamedTuple):
    """What an expression selects, as far as it could be read, and what is wrong with it."""

    selects: Selected
    faults: list[Fault]


def read_expression(text: Any, place: str, run: Run, context: str | None = None) -> Reading:
    """Read an expression that is asked of values of the type `context`, None where that is not known."""
    if not isinstance(text, str):
        return Reading({}, [])
    try:
        parse(text)
    except FhirPathError as error:
        ja, en = error.said(text)
        ja, en = f"FHIRPath の式として読めません: {ja}", f"It cannot be read as FHIRPath: {en}"
        return Reading({}, [Fault(place, "invalid", ja, en, rule="expression")])
    except RecursionError:
        ja, en = "式の入れ子が深すぎます。", "The expression is nested too deeply."
        return Reading({}, [Fault(place, "too-costly", ja, en, rule="expression")])
    try:
        return Reading(selected(text, run.validator.definitions, context), [])
    except FhirPathError as error:
        ja, en = error.said(text)
        ja, en = f"式は成り立ちません: {ja}", f"The expression means nothing here: {en}"
        return Reading({}, [Fault(place, "invalid", ja, en, rule=UNKNOWN)])


def expression_faults(text: Any, place: str, run: Run, context: str | None = None) -> list[Fault]:
    """Return what is wrong with an expression."""
    return read_expression(text, place, run, context).faults


def fhirpath_faults(expression: Resource, run: Run) -> list[Fault]:
    """Return what is wrong with a value of the type Expression that is FHIRPath; what it is asked of is not known."""
    if expression.get("language") != FHIRPATH:
        return []
    found = expression_faults(expression.get("expression"), ".expression", run)
    return [each._replace(rule="expression-text") for each in found if each.rule != UNKNOWN]
