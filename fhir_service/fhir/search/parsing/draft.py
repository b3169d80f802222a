"""A search while its parameters are read one by one.

https://hl7.org/fhir/R4/search.html
"""

from dataclasses import dataclass, field
from typing import Literal

from fhir_service.fhir.search.parsing import problems
from fhir_service.fhir.search.parsing.values import Reading
from fhir_service.fhir.search.query import Clause, Include, Query, Sort
from fhir_service.fhir.search.registry import SearchRegistry

Total = Literal["none", "estimate", "accurate"]
Summary = Literal["true", "text", "data", "count", "false"]
Contained = Literal["true", "false", "both"]
ContainedType = Literal["container", "contained"]


@dataclass(frozen=True, slots=True)
class ParsedSearch:
    """A search request taken apart.

    `understood` are the parameters that the answer's self link names, in their order; `ignored` the names of those
    that were left out, unknown or empty. `most` is how many matches all pages together may have.
    """

    query: Query
    count: int | None = None
    total: Total | None = None
    summary: Summary | None = None
    elements: tuple[str, ...] = ()
    understood: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    most: int | None = None
    explain: bool = False
    contained: Contained = "false"
    contained_type: ContainedType = "container"


@dataclass(slots=True)
class Draft:
    """What has been read so far; `single` holds what may be given only once, `cost` is that of all clauses."""

    resource_type: str
    reading: Reading
    clauses: list[Clause] = field(default_factory=list)
    sort: list[Sort] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    single: dict[str, str] = field(default_factory=dict)
    cost: int = 0

    @property
    def registry(self) -> SearchRegistry:
        return self.reading.registry

    def once(self, name: str, text: str) -> None:
        if name in self.single:
            raise problems.repeated(name)
        self.single[name] = text
