"""What every interaction and operation is given; wired once in `app.py`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.extract import Indexer
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.storage.store import Store
from fhir_service.validation.policy import OnDemand
from fhir_service.validation.run import Outside

Level = Literal["system", "type", "instance"]
Rule = Callable[[Resource | None, Resource], list[Issue]]
"""What a change of one resource must keep: (what stands, what shall stand) to the issues; None if nothing stands."""
Interaction = Callable[[FhirRequest, "Services"], Awaitable[FhirResponse]]


class Check(Protocol):
    """Returns the issues of a resource that is to be stored."""

    def __call__(self, resource: Resource, outside: Outside | None = None) -> list[Issue]: ...


class Validate(Protocol):
    """Returns the issues of a resource that somebody asks about, against these profiles, too."""

    def __call__(
        self,
        resource: Resource,
        profiles: Sequence[str] = (),
        outside: Outside | None = None,
        on_demand: OnDemand = ...,
    ) -> list[Issue]: ...


@dataclass(frozen=True, slots=True)
class Operation:
    """An extended operation, `$name`. `types` are the resource types it stands on (empty: every type).

    https://hl7.org/fhir/R4/operations.html
    """

    name: str
    definition: str
    levels: frozenset[Level]
    methods: frozenset[str]
    run: Interaction
    types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running server.

    `check` returns the issues of a resource that is to be stored, `validate` those of one that somebody asks about,
    against these profiles, too; both by the policy of the server. `member_of` tells whether a code (with its system) is
    of a value set, None if nobody knows. `rules` are, by resource type, what a create, update or patch must keep
    besides (`writes/rules.py`); `now` and `new_id` are the only clock and source of ids; `secret` signs page links;
    `dispatch` runs any request (for batch entries), chosen from the ROUTES table; `operations` are by name,
    several where the operation is another on other types.
    """

    store: Store
    definitions: Definitions
    indexer: Indexer
    check: Check
    validate: Validate
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    secret: bytes
    dispatch: Interaction
    operations: Mapping[str, tuple[Operation, ...]]
    referential_integrity: bool = True
    default_count: int = 20
    max_count: int = 1000
    conditional_delete: Literal["single", "multiple"] = "single"
    max_delete: int = 1000
    max_entries: int = 20_000
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    member_of: Callable[[str, str | None, str], bool | None] | None = None
