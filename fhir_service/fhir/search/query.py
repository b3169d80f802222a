"""A search as a value: what the query string means, before any backend plans it.

Everything here is already checked against the search parameters: a backend never sees an unknown parameter, modifier
or prefix. Clauses are joined by AND; the values within one clause by OR.
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fhir_service.fhir.search.parameter import SearchParameter
from fhir_service.fhir.search.words import Phrase, Where

HIERARCHIC = frozenset({"above", "below"})
"""The modifiers by which a reference means what its target is part of, or what is part of it."""

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]


@dataclass(frozen=True, slots=True)
class TokenValue:
    """`code`: any system (system None). `|code`: system "". `system|`: value None. `system|code`: both.

    With `:text` there is a StringValue instead, with `:of-type` a TypedValue. `:in`, `:not-in`, `:above` and `:below`
    have become the codes that they stand for, without a modifier or with `not`.
    """

    system: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class TypedValue:
    """`identifier:of-type=type_system|type_code|value`."""

    type_system: str
    type_code: str
    value: str


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """`targets`: every `Type/id`, URL or canonical that the value may mean. With `:identifier`, system and value.

    `subject:Patient=1` has become the target `Patient/1`; its match has no modifier. `below`: any version that begins
    with the parts of `version` (`questionnaire:below=url|1`). `fragment`: of a canonical, after `#`.
    """

    targets: tuple[str, ...]
    version: str | None = None
    identifier: TokenValue | None = None
    below: bool = False
    fragment: str | None = None


@dataclass(frozen=True, slots=True)
class HierarchyValue:
    """`location:below=42`: the targets and all that is part of them, or, `above`, all that they are part of.

    `part_of` are the parameters that say what one is part of, each of a type and leading to others of it.
    """

    targets: tuple[str, ...]
    above: bool
    part_of: tuple[SearchParameter, ...]


@dataclass(frozen=True, slots=True)
class StringValue:
    text: str
    folded: str


@dataclass(frozen=True, slots=True)
class DateValue:
    """The bounds of the value's implicit range, microseconds, inclusive; for `ap` they are already widened."""

    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class NumberValue:
    """`low` and `high` bound the implicit precision (`high` exclusive); `value` is the exact number."""

    prefix: Prefix
    value: Decimal
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """`system` None and `unit` None: any unit. `system` None and `unit` set: that code or unit text (`5.4||mg`)."""

    number: NumberValue
    system: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class UriValue:
    uri: str


@dataclass(frozen=True, slots=True)
class NearValue:
    """`near=latitude|longitude|distance|units`, in degrees and metres."""

    latitude: float
    longitude: float
    metres: float


@dataclass(frozen=True, slots=True)
class CompositeValue:
    """One value for each component, in order."""

    parts: tuple["Value", ...]


Value = (
    TokenValue
    | TypedValue
    | ReferenceValue
    | HierarchyValue
    | StringValue
    | DateValue
    | NumberValue
    | QuantityValue
    | UriValue
    | CompositeValue
    | NearValue
)


@dataclass(frozen=True, slots=True)
class Match:
    """`code:modifier=v1,v2`. With modifier `missing`, `values` is empty and `missing` says which is asked for."""

    parameter: SearchParameter
    values: tuple[Value, ...]
    modifier: str | None = None
    missing: bool | None = None


@dataclass(frozen=True, slots=True)
class IdMatch:
    """`_id=a,b`."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LastUpdatedMatch:
    """`_lastUpdated=…`."""

    values: tuple[DateValue, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """`subject:Patient.name=x`: some target of these types, reached by the reference, fulfils `clause`.

    `clauses` has one entry for each target type on which the rest of the chain has a meaning. `literal`: it
    refers by type and id; `canonical`: all the types of which it may name one by its canonical URL. With neither the
    target stands in the resource itself, and nothing that is stored is one.
    """

    parameter: SearchParameter
    clauses: tuple[tuple[str, "Clause"], ...]
    literal: bool = True
    canonical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Has:
    """`_has:Observation:patient:code=x`: some `resource_type` whose `parameter` points here fulfils `clause`.

    `literal` and `canonical` as of a Chain.
    """

    resource_type: str
    parameter: SearchParameter
    clause: "Clause"
    literal: bool = True
    canonical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these is fulfilled: what a compartment asks of a type (its parameters are joined by OR)."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of these are fulfilled: what `and` joins within a `_filter`."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """None of these is fulfilled: `not(…)` of a `_filter`."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True, slots=True)
class WordsMatch:
    """`_text=…` or `_content=…`: a phrase that stands in the narrative, or anywhere in the resource."""

    where: Where
    phrase: Phrase


Clause = Match | IdMatch | LastUpdatedMatch | Chain | Has | AnyOf | AllOf | NoneOf | WordsMatch


def words_of(clauses: Iterable[Clause]) -> Iterator[WordsMatch]:
    """Give the phrases that are asked for, those that must not be there left out."""
    for clause in clauses:
        if isinstance(clause, WordsMatch):
            yield clause
        elif isinstance(clause, AnyOf | AllOf):
            yield from words_of(clause.clauses)


def asks_for_words(clauses: Iterable[Clause]) -> bool:
    """Whether any phrase is asked for, be it that it must not be there."""
    return any(
        isinstance(clause, WordsMatch)
        or (isinstance(clause, AnyOf | AllOf | NoneOf) and asks_for_words(clause.clauses))
        for clause in clauses
    )


@dataclass(frozen=True, slots=True)
class Hop:
    """A step of a chain in `_sort`: from a resource to those of type `target` that it refers to by the parameter.

    `literal` and `canonical` as of a Chain.
    """

    parameter: SearchParameter
    target: str
    literal: bool = True
    canonical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key; `parameter` is `_id`, `_lastUpdated`, `_score` (of the words that are asked for), or a search
    parameter. Missing values sort as the least.

    `through` leads to the resources whose values are meant; without it they are those of the match itself. `centres`
    are the places from which the distance is meant, those that the search asks for by the parameter (`near`).
    """

    parameter: SearchParameter | Literal["_id", "_lastUpdated", "_score"]
    descending: bool
    through: tuple[Hop, ...] = ()
    centres: tuple[NearValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Include:
    """`_include=source:parameter:target`; `reverse` for `_revinclude`. `target` None: every type.

    `canonical`: all the types of which the parameter may name one by its canonical URL, whatever `target` is.
    """

    source: str
    parameter: SearchParameter
    target: str | None = None
    reverse: bool = False
    iterate: bool = False
    canonical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A type-level search. Its order is total and stable (`storage/store.py` says which).

    `among`: its matches stand in one order with those of searches on other types.
    """

    resource_type: str
    clauses: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    includes: tuple[Include, ...] = ()
    among: bool = False
