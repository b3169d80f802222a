"""What a resource says to its search parameters: typed values, before any backend makes rows of them.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple


class TokenEntry(NamedTuple):
    """A code, identifier, flag or contact point. `system` None: the value names none (or its kind has none).

    `value` None: a coding without a code, or (then with system None) the text of a CodeableConcept. `kind`: a `code`,
    whose system its binding says, so that it is found as if it had none, too; a Coding; None: any other.
    """

    code: str  # of the search parameter
    system: str | None
    value: str | None
    text: str | None = None  # display, CodeableConcept.text or Identifier.type.text: for :text
    types: tuple[tuple[str | None, str], ...] = ()  # system and code of Identifier.type: for :of-type
    kind: Literal["code", "coding"] | None = None


class ReferenceEntry(NamedTuple):
    """A reference. `target` is `Type/id` for this server, else the absolute URL or the canonical without version."""

    code: str
    target: str | None
    version: str | None = None  # after `|` of a canonical, or of `_history/`
    system: str | None = None  # Reference.identifier
    value: str | None = None
    held: bool = False  # `SearchParameter.holder` has the same
    inner: bool = False  # it stands in an entry of a Bundle, and leads to nothing that is stored
    canonical: bool = False  # it names a definition by its URL
    fragment: str | None = None  # of a canonical, after `#`: a part of what it names
    address: str | None = None  # `Type/id`, of a canonical that is the address of a resource on this server


class StringEntry(NamedTuple):
    """A string as it stands in the resource; `folded` is what is matched (fhir/search/fold.py)."""

    code: str
    text: str
    folded: str


class DateEntry(NamedTuple):
    """A date, instant or period as microseconds since 1970-01-01T00:00Z, both bounds inclusive."""

    code: str
    low: int
    high: int


class NumberEntry(NamedTuple):
    code: str
    low: float
    high: float


class QuantityEntry(NamedTuple):
    code: str
    low: float
    high: float
    system: str | None
    unit_code: str | None
    unit: str | None


class UriEntry(NamedTuple):
    code: str
    uri: str


class CompositeEntry(NamedTuple):
    """One instance of a composite: for each component its entries, in the order of the components."""

    code: str
    parts: tuple[tuple[NamedTuple, ...], ...]


Entry = TokenEntry | ReferenceEntry | StringEntry | DateEntry | NumberEntry | QuantityEntry | UriEntry | CompositeEntry


@dataclass(slots=True)
class IndexEntries:
    """All entries of one resource. `date` is its primary clinical date (microseconds), None if it has none;
    `coded` are the token parameters of the type that have codes, not identifiers and such.

    `references` to this server are also what `_include`, chains and referential integrity read. `address` is `Type/id`
    of a resource whose type has a canonical URL: by its address it is named, too.
    """

    tokens: list[TokenEntry] = field(default_factory=list)
    references: list[ReferenceEntry] = field(default_factory=list)
    strings: list[StringEntry] = field(default_factory=list)
    dates: list[DateEntry] = field(default_factory=list)
    numbers: list[NumberEntry] = field(default_factory=list)
    quantities: list[QuantityEntry] = field(default_factory=list)
    uris: list[UriEntry] = field(default_factory=list)
    composites: list[CompositeEntry] = field(default_factory=list)
    date: int | None = None
    address: str | None = None
    coded: frozenset[str] = frozenset()

    def has_more(self, limit: int) -> bool:
        """Whether there are more than so many of any kind that a resource can have many of."""
        return (
            len(self.tokens) > limit
            or len(self.references) > limit
            or len(self.strings) > limit
            or len(self.dates) > limit
            or len(self.quantities) > limit
            or len(self.composites) > limit
            or len(self.uris) > limit
        )
