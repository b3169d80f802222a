"""From one search criterion, `subject:Patient.name:contains=山田,田中`, to its clause.

https://hl7.org/fhir/R4/search.html#modifiers, #chaining and #has
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.reference import local_key
from fhir_service.fhir.search.first_entry import leads_inside, within
from fhir_service.fhir.search.incomplete import BeingIndexed
from fhir_service.fhir.search.parameter import SearchParameter, SearchType
from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.parsing.problems import UnknownParameter
from fhir_service.fhir.search.parsing.values import Reading, read, reference, split, token, unescape
from fhir_service.fhir.search.query import (
    HIERARCHIC,
    AllOf,
    AnyOf,
    Chain,
    Clause,
    DateValue,
    Has,
    HierarchyValue,
    IdMatch,
    LastUpdatedMatch,
    Match,
    NoneOf,
    ReferenceValue,
    StringValue,
    TokenValue,
    TypedValue,
    Value,
)
from fhir_service.fhir.search.terminology import Member, Terminology, codes_above, codes_below, codes_in

# How many values one parameter can have. A token is looked up as it is; a bare id may mean a reference to any type;
# each range or text is a look-up of its own.
MAX_VALUES: dict[SearchType, int] = {"token": 10_000, "uri": 10_000, "reference": 1_000}
MAX_LOOKED_UP = 200
MAX_DEPTH = 8
MAX_BRANCHES = 1000
"""How many types a chain may be tried on: enough for two steps over references to anything."""

# https://hl7.org/fhir/R4/search.html#modifiers; a reference also takes the name of a type that it can point to.
MODIFIERS: dict[SearchType, tuple[str, ...]] = {
    "string": ("exact", "contains", "missing"),
    "token": ("not", "text", "code-text", "in", "not-in", "above", "below", "of-type", "missing"),
    "reference": ("identifier", "missing"),
    "date": ("missing",),
    "number": ("missing",),
    "quantity": ("missing",),
    "uri": ("above", "below", "missing"),
    "composite": ("missing",),
    "special": ("missing",),
}


def _in(terminology: Terminology, parameter: SearchParameter, text: str) -> Iterable[Member]:
    return codes_in(terminology, unescape(text, parameter.code))


def _system_and_code(parameter: SearchParameter, text: str) -> tuple[str, str]:
    value = token(parameter, text)
    if not value.system or value.value is None:
        raise problems.malformed(f"{parameter.code}={text[:80]}", "system|code")
    return value.system, value.value


BY_TERMINOLOGY: dict[str, Callable[[Terminology, SearchParameter, str], Iterable[Member]]] = {
    "in": _in,
    "not-in": _in,
    "above": lambda terminology, parameter, text: codes_above(terminology, *_system_and_code(parameter, text)),
    "below": lambda terminology, parameter, text: codes_below(terminology, *_system_and_code(parameter, text)),
}

UNDEFINED = frozenset({"_type", "_list"})
"""Criteria of every type that no SearchParameter defines."""

ON_A_LIST = "current-item"
"""The parameter of List by which `_list` finds."""

NEGATIVE = frozenset({"not", "not-in"})

LOOKED_UP = frozenset({"text", "code-text", "above", "below"})
"""The modifiers by which each value may stand for many texts."""


@dataclass(slots=True)
class Criterion:
    """One parameter of a search while it is read: `key` is all that stands before `=`, `text` what is after it."""

    key: str
    text: str
    reading: Reading
    left: int = field(default=MAX_BRANCHES)

    def clause(self, resource_type: str) -> Clause:
        """Return what the criterion asks of a resource type; 400 if it asks nothing that can be answered."""
        return self._clause(resource_type, self.key, 1)

    def _clause(self, resource_type: str, key: str, depth: int) -> Clause:
        self.left -= 1
        self.reading.left.tries -= 1
        if self.left < 0 or self.reading.left.tries < 0:
            raise problems.too_broad(self.key)
        if depth > MAX_DEPTH:
            raise problems.too_deep(self.key, MAX_DEPTH)
        if key.startswith("_has:"):
            return self._has(resource_type, key, depth)
        head, dot, rest = key.partition(".")
        code, colon, modifier = head.partition(":")
        if code in UNDEFINED and not dot and (depth > 1 or code != "_type"):  # which type is asked, the path says
            return self._undefined(resource_type, code, modifier)
        parameter = self._parameter(resource_type, code)
        if dot:
            return self._chain(parameter, modifier, rest, depth)
        return self._any_member(parameter, modifier if colon else None)

    def _undefined(self, resource_type: str, code: str, modifier: str) -> Clause:
        """`subject._type=Patient`, and `_list=42`: what the List/42 has as an item that is not marked as deleted.

        https://hl7.org/fhir/R4/search.html#list
        """
        texts = self._texts("token")
        if code == "_list":
            lists = [local_key(each if "/" in each else f"List/{each}", self.reading.base or "") for each in texts]
            ids = tuple(key.id for key in lists if key is not None and key.type == "List")
            if modifier or len(ids) < len(texts):
                raise problems.no_list(self.key, self.text)
            return Has("List", self._parameter("List", ON_A_LIST), IdMatch(ids))
        for each in texts:
            if each not in self.reading.registry.definitions.resource_types:
                raise problems.unknown_type(each, self.key)
        if modifier not in ("", "not"):
            raise problems.malformed(self.key, "_type=Patient, _type:not=Patient")
        return NoneOf(()) if (resource_type in texts) is (modifier == "") else AnyOf(())

    def _parameter(self, resource_type: str, code: str) -> SearchParameter:
        known = self.reading.registry.parameters(resource_type)
        if code not in known:
            raise problems.unknown_parameter(resource_type, code, known)
        return known[code]

    def _has(self, resource_type: str, key: str, depth: int) -> Has:
        """`_has:Observation:patient:code`: some Observation whose `patient` is this resource fulfils the rest."""
        _, source, code, rest = [*key.split(":", 3), "", "", ""][:4]
        if not rest:
            raise problems.malformed(key, "_has:Observation:patient:code")
        if source not in self.reading.registry.definitions.resource_types:
            raise problems.unknown_type(source, key)
        parameter = self._parameter(source, code)
        if parameter.type != "reference":
            raise problems.not_a_reference(parameter, key)
        if leads_inside(parameter):
            raise problems.not_within(key)
        if parameter.targets and resource_type not in parameter.targets:
            raise problems.not_a_target(parameter, resource_type)
        literal = not self.reading.registry.only_canonical(parameter)
        canonical = self.reading.registry.named_by_canonical(parameter)
        if not literal and resource_type not in canonical:
            raise problems.without_url(parameter, resource_type, key)
        return Has(source, parameter, self._clause(source, rest, depth + 1), literal, canonical)

    def _chain(self, parameter: SearchParameter, target: str, rest: str, depth: int) -> Chain:
        """`subject:Patient.name`: the types that are tried are those on which the rest has a meaning."""
        if parameter.limits:
            parameter.limits.check_chain(parameter.code, rest)
        if parameter.type != "reference":
            raise problems.not_a_reference(parameter, self.key)
        types = self._targets(parameter, target)
        clauses: list[tuple[str, Clause]] = []
        refusals: list[FhirError] = []
        for each in types:
            try:
                clauses.append((each, self._clause(each, rest, depth + 1)))
            except FhirError as refusal:
                if isinstance(refusal, BeingIndexed) or refusal.issues[0].code == "too-costly":
                    raise
                refusals.append(refusal)
        if not clauses:
            told = [each for each in refusals if not isinstance(each, UnknownParameter)]
            raise told[0] if told else problems.unknown_in_chain(parameter, types, rest)
        canonical = self.reading.registry.named_by_canonical(parameter)
        literal = not self.reading.registry.only_canonical(parameter)
        if not literal and not any(each in canonical for each, _ in clauses):
            raise problems.without_url(parameter, target or clauses[0][0], self.key)
        chain = Chain(parameter, tuple(clauses), literal, canonical)
        return within(chain, self.key) if leads_inside(parameter) else chain

    def _targets(self, parameter: SearchParameter, target: str) -> tuple[str, ...]:
        known = self.reading.registry.definitions.resource_types
        if not target:
            return parameter.targets or tuple(sorted(known))
        if target not in known:
            raise problems.unknown_modifier(parameter, target, (*MODIFIERS["reference"], *parameter.targets))
        if parameter.targets and target not in parameter.targets:
            raise problems.not_a_target(parameter, target)
        return (target,)

    def _any_member(self, parameter: SearchParameter, modifier: str | None) -> Clause:
        """Return what is asked of a parameter: of its members, if those stand in the index in its place."""
        if parameter.limits:
            parameter.limits.check_modifier(parameter.code, modifier)
            ranged = modifier is None and parameter.type in ("date", "number", "quantity")
            parameter.limits.check_values(parameter.code, split(self.text, ","), ranged=ranged)
        if not parameter.members:
            return self._match(parameter, modifier)
        known = self.reading.registry.parameters(parameter.resource_type)
        clauses = tuple(self._match(known[code], modifier) for code in parameter.members)
        if len(clauses) == 1:
            return clauses[0]
        negative = modifier in NEGATIVE or (modifier == "missing" and self._missing())
        return AllOf(clauses) if negative else AnyOf(clauses)

    def _match(self, parameter: SearchParameter, modifier: str | None) -> Clause:
        match parameter.code, parameter.type:
            case "_id" | "_lastUpdated", _ if modifier == "missing":  # every resource that is stored has both
                return AnyOf(()) if self._missing() else NoneOf(())
            case "_id", _ if modifier in (None, "not"):
                # "|[code]": no system; an id has none.
                ids = IdMatch(tuple(unescape(text.removeprefix("|"), self.key) for text in self._texts("token")))
                return NoneOf((ids,)) if modifier else ids
            case "_id", _:
                raise problems.unknown_modifier(parameter, modifier or "", ("not", "missing"))
            case "_lastUpdated", _ if modifier is None:
                dates = (read(parameter, text, self.reading) for text in self._texts("date"))
                return LastUpdatedMatch(tuple(date for date in dates if isinstance(date, DateValue)))
            case "_lastUpdated", _:
                raise problems.unknown_modifier(parameter, modifier or "", ("missing",))
            case _, "reference" if modifier in HIERARCHIC:
                return self._hierarchy(parameter, modifier or "")
            case _, "reference" if modifier not in (None, *MODIFIERS["reference"]):
                narrowed = replace(parameter, targets=self._targets(parameter, modifier or ""))
                return Match(parameter, tuple(self._of_type(narrowed, text) for text in self._texts("reference")))
        if modifier == "missing":
            return Match(parameter, (), modifier, self._missing())
        if modifier is not None and modifier not in MODIFIERS[parameter.type]:
            raise problems.unknown_modifier(parameter, modifier, MODIFIERS[parameter.type])
        if modifier == "code-text" and not self.reading.registry.is_coded(parameter):
            others = (each for each in MODIFIERS["token"] if each != modifier)
            raise problems.unknown_modifier(parameter, modifier, others)
        if modifier == "below" and self.reading.registry.is_mime(parameter):
            return self._mime_types(parameter)
        if parameter.type == "token" and modifier in BY_TERMINOLOGY:
            return self._by_terminology(parameter, modifier)
        texts = self._texts(parameter.type, modifier in LOOKED_UP)
        return Match(parameter, tuple(self._value(parameter, modifier, text) for text in texts), modifier)

    def _hierarchy(self, parameter: SearchParameter, modifier: str) -> Match:
        """`location:below=42`: what refers to 42 or to what is part of it; of a canonical, its version and those below.

        https://hl7.org/fhir/R4/search.html#recursive and #versions
        """
        registry = self.reading.registry
        texts = self._texts("reference")
        values = tuple(reference(parameter, text, self.reading) for text in texts)
        if registry.only_canonical(parameter) and modifier == "below":
            if any(each.fragment for each in values):
                raise problems.malformed(self.key, f"{parameter.code}:below=url|1")
            return Match(parameter, tuple(replace(each, below=True) for each in values))
        part_of = tuple(filter(None, map(registry.part_of, parameter.targets)))
        if not part_of:
            raise problems.unknown_modifier(parameter, modifier, (*MODIFIERS["reference"], *parameter.targets))
        named = dict.fromkeys(each for value in values for each in value.targets)
        return Match(parameter, (HierarchyValue(tuple(named), modifier == "above", part_of),), modifier)

    def _by_terminology(self, parameter: SearchParameter, modifier: str) -> Match:
        """`code:in=[value set]`, `code:below=system|code`: any of the codes that are meant."""
        members: set[Member] = set()
        for each in self._texts(parameter.type, True):
            text = self._canonical(each) if modifier in ("in", "not-in") else each
            members.update(BY_TERMINOLOGY[modifier](self.reading.terminology, parameter, text))
        values = tuple(TokenValue(*member) for member in sorted(members, key=str))
        return Match(parameter, values, "not" if modifier == "not-in" else None)

    def _mime_types(self, parameter: SearchParameter) -> AnyOf:
        """`contenttype:below=text/xml`: also with parameters, `text/xml; charset=UTF-8`; `text`: all of its subtypes.

        https://hl7.org/fhir/R4/search.html#mimetype
        """
        plain = [unescape(text, parameter.code) for text in self._texts("token", True)]
        begun = [f"{text}{end}" for text in plain for end in ((";", " ;") if "/" in text else ("/",))]
        return AnyOf(
            (
                Match(parameter, tuple(TokenValue(None, text) for text in plain)),
                Match(parameter, tuple(StringValue(text, text.casefold()) for text in begun), "code-text"),
            )
        )

    def _canonical(self, text: str) -> str:
        """Return the canonical URL of a value set, where it is named by the address that it has on this server.

        "a URI (relative or absolute) that identifies a value set"
        """
        key = local_key(text, self.reading.base or "")
        known = self.reading.registry.definitions.canonical(key) if key and key.type == "ValueSet" else None
        return known.replace("|", "\\|") if known else text

    def _value(self, parameter: SearchParameter, modifier: str | None, text: str) -> Value:
        if modifier == "identifier":
            return ReferenceValue((), identifier=token(parameter, text))
        if modifier == "text":
            plain = unescape(text, parameter.code)
            return StringValue(plain, self.reading.folded(plain))
        if modifier == "code-text":  # https://hl7.org/fhir/R5/search.html#modifiercodetext: "starts with or is"
            plain = unescape(text, parameter.code)
            return StringValue(plain, plain.casefold())
        if modifier == "of-type":
            return self._typed(parameter, text)
        if parameter.type == "uri" and modifier is not None and "://" not in text:
            raise problems.not_a_url(f"{parameter.code}:{modifier}", text)
        return read(parameter, text, self.reading)

    def _typed(self, parameter: SearchParameter, text: str) -> TypedValue:
        parts = [unescape(part, parameter.code) for part in split(text, "|")]
        if len(parts) != 3 or not all(parts):
            raise problems.malformed(f"{parameter.code}:of-type", f"{parameter.code}:of-type=system|code|value")
        return TypedValue(*parts)

    def _of_type(self, narrowed: SearchParameter, text: str) -> Value:
        """Return the value of `subject:Patient=…`, where a literal of another type is a contradiction."""
        value = read(narrowed, text, self.reading)
        if isinstance(value, ReferenceValue) and value.targets[0].partition("/")[0] not in narrowed.targets:
            raise problems.bad_value(narrowed, text)
        return value

    def _missing(self) -> bool:
        if self.text not in ("true", "false"):
            raise problems.bad_result_parameter(self.key, self.text, "true, false")
        return self.text == "true"

    def _texts(self, search_type: SearchType, modified: bool = False) -> list[str]:
        """Return the values, still escaped, that are joined by OR."""
        texts = split(self.text, ",")
        most = MAX_LOOKED_UP if modified else MAX_VALUES.get(search_type, MAX_LOOKED_UP)
        if len(texts) > most:
            raise problems.too_many_values(self.key, len(texts), most)
        if not all(text.strip() for text in texts):
            raise problems.empty_value(self.key)
        return texts
