"""Invariants: the constraints of a definition, in FHIRPath; those that nearly every resource meets in Python.

A constraint holds if it is true. An empty result breaks it (que-13, `repeats=true or …`, where nothing says that it
repeats), unless it is only a warning (que-0, of a name, where there is none) or asks what may not be known: what a
reference points to, which of two dates that are there, of different precision, is earlier, or something of one type of
a choice (vs-1, of an `effective[x]` that may be a Period). A constraint that cannot be read or evaluated is told of,
naming the definition that has it and the place in the expression: as an error, as the reference validator has it, since
nothing was checked by it; a write is only warned of it (`policy.py`). R4's own can all be read; what FHIRPath does not
let them be asked of (tim-9, of several `when`) breaks nothing.
https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

import re
from dataclasses import replace
from functools import cached_property
from typing import Any

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath import Expression, FhirPathError, Item
from fhir_service.fhir.fhirpath import compile as compile_fhirpath
from fhir_service.fhir.fhirpath.item import truth
from fhir_service.fhir.outcome import Severity
from fhir_service.fhir.resource import Resource
from fhir_service.validation.fault import Fault, Faults
from fhir_service.validation.invariants_ja import HL7, JAPANESE
from fhir_service.validation.native import NATIVE
from fhir_service.validation.run import Check, Run

BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
SHOWN = 400
UNREADABLE = 400  # the status of an expression that is wrong whatever it is asked of
UNASKED = "invariant-unasked"
"""The rule of what is told of a constraint that could not be asked."""

# What is checked with the shape of a value (`shape.py`, `contained.py`, `reference.py`, `extension.py`).
ELSEWHERE = frozenset({"ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "ref-1", "txt-1", "txt-2"})

# What gives an empty result of good resources, too: asking others, and what is of another type of a choice.
_OPEN = re.compile(r"\b(?:resolve|memberOf|conformsTo)\(|\bis\b|\bas\s").search
_ORDERS = re.compile(r"[<>]=?(?!=?\s*\d)").search  # which cannot always be told

ItemCheck = Any


class Invariant:
    """One constraint of a definition, ready to be asked of values of one type."""

    def __init__(
        self, constraint: Resource, definitions: Definitions, type_name: str | None, profile: str | None = None
    ) -> None:
        self.key = str(constraint.get("key", "?"))
        self.severity: Severity = "warning" if constraint.get("severity") == "warning" else "error"
        self.best_practice = _is_best_practice(constraint)
        self._profile = profile
        self._human = str(constraint.get("human", ""))
        self._fault = self._broken()
        expression = constraint.get("expression")
        self._text = expression if isinstance(expression, str) else ""
        self._native = NATIVE.get(self._text)
        self._open = self.severity == "warning" or _OPEN(self._text) is not None
        self._orders = _ORDERS(self._text) is not None
        self._definitions = definitions
        self._type = type_name
        self._unless = _guard(self._text, type_name, definitions)

    @cached_property
    def _expression(self) -> Expression | list[Fault] | None:
        """The expression, compiled when there is first something to ask it of; or what is wrong with it."""
        if not self._text:
            return None
        context = _context(self._type, self._definitions)
        try:
            return compile_fhirpath(self._text, self._definitions, context_type=context)
        except FhirPathError as error:
            return [self._unasked(error, "error")]

    @property
    def check(self) -> Check:
        """The check of a JSON value of the type; one in Python is asked without any ado."""
        holds, fault = self._native, self._fault
        if holds is None or self.best_practice:
            return self._check
        return lambda value, run: None if holds(value) else [fault]

    def _check(self, value: Any, run: Run) -> Faults:
        if self._unless is not None and self._unless.isdisjoint(value):
            return None
        return self.on(Item(value, self._type or "Element"), run)

    def on(self, item: Item, run: Run) -> Faults:
        """Check a typed value."""
        if self.best_practice and not run.options.best_practice:
            return None
        if self._native is not None and item.value.__class__ is dict:
            return None if self._native(item.value) else [self._fault]
        expression = self._expression
        if not isinstance(expression, Expression):
            return expression
        environment = run.environment if self._profile is None else run.allowed()
        try:
            result = truth(expression.evaluate(item, environment))
            if result is None and self._orders and not self._open:
                undecided = truth(expression.evaluate(item, replace(environment, undecided_holds=True)))
                return [self._fault] if undecided is None else None  # nothing to compare, or nobody can tell
        except FhirPathError as error:
            return [self._unasked(error, self.severity if self._profile else "warning")]
        return None if result or (result is None and self._open) else [self._fault]

    def _broken(self) -> Fault:
        owner = f"、{self._profile}" if self._profile else ""
        ja = JAPANESE.get(self.key) if (self._profile or HL7).startswith(HL7) else None
        # Our own profiles say it in both languages, Japanese first.
        own_ja, _, own_en = self._human.partition(" · ")
        said_ja, said_en = ja or own_ja, own_en or self._human
        owner_en = f", {self._profile}" if self._profile else ""
        return Fault(
            "",
            "invariant",
            f"{said_ja[:SHOWN]}(規則 {self.key}{owner})",
            f"{said_en[:SHOWN]} (rule {self.key}{owner_en})",
            self.severity,
            self.key,
            self._profile,
        )

    def _unasked(self, error: FhirPathError, severity: Severity) -> Fault:
        """Return that the constraint cannot be read (400), or not be evaluated here (422)."""
        ja, en = error.said(self._text)
        owner = self._profile or "R4"
        done_ja, done_en = ("読めません", "read") if error.status == UNREADABLE else ("評価できません", "evaluated")
        return Fault(
            "",
            "processing",
            f"規則 {self.key}({owner})の式を{done_ja}: {ja}",
            f"The expression of the rule {self.key} ({owner}) cannot be {done_en}: {en}",
            "warning" if error.issues[0].code == "too-costly" else severity,
            UNASKED,
            self._profile,
        )


def invariants(element: Resource, definitions: Definitions, type_name: str | None) -> tuple[Check, ...]:
    """Return the constraints of an element of R4's own definitions that are not checked elsewhere."""
    found = (each for each in element.get("constraint", ()) if each["key"] not in ELSEWHERE)
    return tuple(Invariant(each, definitions, type_name).check for each in found)


# `detail.empty() or …` and `detail.exists() implies …`: true of all that has no detail.
_GUARDED = re.compile(r"(\w+)\.(?:empty\(\) or (?!.*(?:\bimplies\b|\bxor\b))|exists\(\) implies (?!.*\bimplies\b))")


def _guard(expression: str, type_name: str | None, definitions: Definitions) -> frozenset[str] | None:
    """Return the JSON names of which one has to be there for the constraint to be broken; None if that is not known."""
    match = _GUARDED.match(expression)
    if match is None or type_name is None or not definitions.has_type(type_name):
        return None
    named = definitions.type(type_name).by_json.items()
    names = [name for name, (element, _) in named if element.name == match[1]]
    return frozenset(names) | {f"_{name}" for name in names} if names else None


def _context(type_name: str | None, definitions: Definitions) -> str | None:
    return type_name if type_name is not None and definitions.has_type(type_name) else None


def _is_best_practice(constraint: Resource) -> bool:
    extensions = constraint.get("extension")
    return isinstance(extensions, list) and any(
        isinstance(each, dict) and each.get("url") == BEST_PRACTICE and each.get("valueBoolean") is True
        for each in extensions
    )
