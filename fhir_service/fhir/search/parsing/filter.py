"""`_filter`: an expression over search parameters, with `and`, `or`, `not(…)` and operators of its own.

`and` and `or` have no precedence: `a or b and c` is `(a or b) and c`. A filter in brackets is asked of what the path
has led to: `patient[birthdate ge 1990].name eq "peter"`. `ne` finds what has some other value, `not(…)` what has not.
https://hl7.org/fhir/R4/search_filter.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fhir_service.fhir import json
from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.reference import local_key
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.parsing.clauses import Criterion
from fhir_service.fhir.search.parsing.problems import too_many
from fhir_service.fhir.search.parsing.values import Reading, read
from fhir_service.fhir.search.query import (
    AllOf,
    AnyOf,
    Clause,
    DateValue,
    Match,
    NoneOf,
    ReferenceValue,
    StringValue,
    TokenValue,
    Value,
)

MOST_COMPARISONS = 64
MOST_NESTED = 20
MOST_PIECES = 2_000  # words, texts and brackets

_PIECE = re.compile(r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<parenthesis>[()\[\]])|(?P<word>[^\s()"\[\]]+))""")
_NOT = "not"
_JOINS = ("and", "or")
_ORDERED = ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb")

# How an operator is said by the modifiers and prefixes of search: https://hl7.org/fhir/R4/search_filter.html#ops
_STRINGS: Mapping[str, str | None] = {"eq": "equals", "co": "contains", "sw": None, "ew": "ends"}
_DIFFERS = ("string", "token", "reference", "uri")
_SAID: dict[SearchType, Mapping[str, str]] = {
    "token": {"eq": "{code}", "in": "{code}:in", "ss": "{code}:below", "sb": "{code}:above"},
    "reference": {"eq": "{code}", "re": "{code}"},
    "uri": {"eq": "{code}", "sw": "{code}:below"},
    "composite": {"eq": "{code}"},
}


def filter_clause(text: str, resource_type: str, reading: Reading) -> Clause:
    """Return what a filter asks of a resource type; 400 if it is malformed or asks what cannot be answered."""
    return _Parser(_pieces(text), resource_type, reading).whole()


@dataclass(slots=True)
class Comparison(Criterion):
    """`birthdate ge 2014-10-10`: `key` is the path, `text` the value."""

    operator: str = "eq"

    def _undefined(self, resource_type: str, code: str, modifier: str) -> Clause:
        if modifier or self.operator != "eq":
            raise _malformed(f"{code} {self.operator}")
        return Criterion._undefined(self, resource_type, code, modifier)

    def _any_member(self, parameter: SearchParameter, modifier: str | None) -> Clause:
        if parameter.type == "string":
            return Criterion._any_member(self, parameter, modifier)
        return self._match(parameter, modifier)  # which asks again, and of each member then

    def _match(self, parameter: SearchParameter, modifier: str | None) -> Clause:
        code, operator = parameter.code, self.operator
        if modifier is not None:
            raise _malformed(f"{code}:{modifier}")
        if operator == "pr":
            wanted = {"true": "false", "false": "true"}.get(self.text, self.text)
            return self._asked(f"{code}:missing", wanted, parameter.resource_type)
        if operator == "ne" and parameter.type in _DIFFERS:
            return _differs(parameter, read(parameter, self.text.replace(",", "\\,"), self.reading), self.reading)
        if parameter.type == "string" and operator in _STRINGS:
            return Match(parameter, (StringValue(self.text, self.reading.folded(self.text)),), _STRINGS[operator])
        if parameter.type in ("date", "number", "quantity") and operator in _ORDERED:
            return self._asked(code, operator + self.text, parameter.resource_type)
        if parameter.type == "date" and operator == "po":
            value = read(parameter, self.text, self.reading)
            assert isinstance(value, DateValue)
            return Match(
                parameter, (replace(value, prefix="ap"),)
            )  # `ap` overlaps with a range that is widened already
        said = _SAID.get(parameter.type, {})
        if operator not in said:
            raise _no_operator(parameter, operator)
        return self._asked(said[operator].format(code=code), self.text, parameter.resource_type)

    def _asked(self, key: str, text: str, resource_type: str) -> Clause:
        return Criterion(key, text.replace(",", "\\,"), self.reading).clause(resource_type)


@dataclass(slots=True)
class Bracketed(Criterion):
    """`patient[…].name eq "x"`: `key` is the path to the bracket and `[]`, `text` what is asked behind it.

    What stands within is read for each type that the path leads to.
    """

    within: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    nested: int = 0

    def _clause(self, resource_type: str, key: str, depth: int) -> Clause:
        if key != "[]":
            return Criterion._clause(self, resource_type, key, depth)
        parts = (_Parser(each, resource_type, self.reading, self.nested) for each in (self.within, self.behind))
        return AllOf(tuple(part.whole() for part in parts))


class _Parser:
    """Reads a filter from left to right; `nested` is how many brackets it stands in."""

    def __init__(self, pieces: list[str], resource_type: str, reading: Reading, nested: int = 0) -> None:
        self._pieces = pieces
        self._nested = nested
        self._at = 0
        self._resource_type = resource_type
        self._reading = reading
        self._comparisons = 0

    def whole(self) -> Clause:
        clause = self._filter(self._nested)
        if self._at < len(self._pieces):
            raise _malformed(self._pieces[self._at])
        return clause

    def _filter(self, depth: int) -> Clause:
        clause = self._term(depth)
        while (join := self._peek()) in _JOINS:
            self._at += 1
            other = self._term(depth)
            clause = _all(clause, other) if join == "and" else _any(clause, other)
        return clause

    def _term(self, depth: int) -> Clause:
        if depth > MOST_NESTED:
            raise _malformed("(" * depth)
        negated = self._peek() == _NOT and self._peek(1) == "("
        self._at += negated
        if self._peek() != "(":
            return self._comparison()
        self._at += 1
        clause = self._filter(depth + 1)
        if self._next() != ")":
            raise _malformed(")")
        return NoneOf((clause,)) if negated else clause

    def _comparison(self) -> Clause:
        path = self._next()
        if self._peek() == "[":
            return self._bracketed(path)
        operator, value = self._next(), self._next()
        self._comparisons += 1
        text = _plain(value)
        if self._comparisons > MOST_COMPARISONS or value in ("(", ")") or not text.strip():
            raise _malformed(f"{path} {operator} {value}")
        path = re.sub(r"(^|\.)id$", r"\1_id", path)
        comparison = Comparison(path, text, self._reading, operator=operator)
        return comparison.clause(self._resource_type)

    def _bracketed(self, path: str) -> Clause:
        """Read what stands in brackets and behind them, up to the value of the comparison."""
        within = self._bracket()[1:-1]
        behind = [self._next().removeprefix(".")]
        while self._peek() == "[":
            behind += [*self._bracket(), self._next()]
        behind += [self._next(), self._next()]
        if not within or not behind[0] or self._nested >= MOST_NESTED:
            raise _malformed(f"{path}[…]")
        found = Bracketed(f"{path}.[]", "", self._reading, within=within, behind=behind, nested=self._nested + 1)
        return found.clause(self._resource_type)

    def _bracket(self) -> list[str]:
        """Return the pieces from a bracket to the one that closes it."""
        begun, depth = self._at, 0
        while True:
            piece = self._next()
            depth += (piece == "[") - (piece == "]")
            if depth <= 0:
                return self._pieces[begun : self._at]

    def _peek(self, ahead: int = 0) -> str:
        return self._pieces[self._at + ahead] if self._at + ahead < len(self._pieces) else ""

    def _next(self) -> str:
        piece = self._peek()
        if not piece:
            raise _malformed("…")
        self._at += 1
        return piece


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _PIECE.match(text, position)
        if found is None:
            raise _malformed(text[position : position + 40])
        pieces.append(found[0].strip())
        if len(pieces) > MOST_PIECES:
            raise too_many("_filter words", MOST_PIECES)
        position = found.end()
    return pieces


def _differs(parameter: SearchParameter, value: Value, reading: Reading) -> Clause:
    """Return the clause that some value of a parameter is another one: "an item in the set has an unequal value"."""
    match value:  # the index cannot tell of each value what other version or system it has
        case TokenValue(_, None):
            raise _no_operator(parameter, "ne")
        case ReferenceValue(targets, version) if version is not None or (len(targets) > 1 and not _local(targets)):
            raise _no_operator(parameter, "ne")
    known = reading.registry.parameters(parameter.resource_type)
    clauses = tuple(Match(known[code], (value,), "differs") for code in parameter.stored)
    return clauses[0] if len(clauses) == 1 else AnyOf(clauses)


def _local(targets: Iterable[str]) -> bool:
    return all(local_key(each, "") for each in targets)


def _plain(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.decode(value.encode()))
    except FhirError:
        raise _malformed(value) from None


def _all(one: Clause, other: Clause) -> Clause:
    return AllOf((*(one.clauses if isinstance(one, AllOf) else (one,)), other))


def _any(one: Clause, other: Clause) -> Clause:
    return AnyOf((*(one.clauses if isinstance(one, AnyOf) else (one,)), other))


def _malformed(piece: str) -> FhirError:
    shown = piece[:80]
    example = 'given eq "peter" and birthdate ge 2014-10-10'
    return fhir_error(
        "invalid",
        f"_filterの「{shown}」のところを読めません。例: {example}",
        f"_filter cannot be read at '{shown}'. Example: {example}",
        ("http._filter",),
    )


def _no_operator(parameter: SearchParameter, operator: str) -> FhirError:
    known = _STRINGS if parameter.type == "string" else _SAID.get(parameter.type, dict.fromkeys(_ORDERED))
    listed = ", ".join((*known, "pr"))
    return fhir_error(
        "not-supported",
        f"_filterで{parameter.type}の「{parameter.code}」に「{operator[:20]}」は使えません。使えるもの: {listed}",
        f"In _filter, '{operator[:20]}' is not possible on the {parameter.type} '{parameter.code}', but: {listed}",
        ("http._filter",),
    )
