"""One write of a transaction: what its entry asks for, and what becomes of it in an attempt.

https://hl7.org/fhir/R4/http.html#trules
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fhir_service.fhir.bundle import Entry, located
from fhir_service.fhir.bundle_links import Links
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.query import Query
from fhir_service.interactions.exchange import FhirRequest
from fhir_service.interactions.services import Services
from fhir_service.interactions.writes.proposal import checked, is_id, proposed, same_id
from fhir_service.storage.store import Delete, Method, Version
from fhir_service.validation.run import Outside, Wanted

_ENTRY_LINK = re.compile(r"""(\bhref\s*=\s*)(["'])urn:[^"']*\2""")
_METHOD: dict[str, Method] = {"POST": "POST", "PUT": "PUT", "PATCH": "PATCH", "DELETE": "DELETE"}


@dataclass(slots=True)
class Write:
    """`proposal` is the resource of a POST or PUT, checked but for what it refers to (`wanted`).

    The rest is decided anew in each attempt: `aims` are the resources that its URL or its criteria (`asked`) name,
    `found` the version of the one; `key` is what the entry is about (None: a conditional delete that found nothing or
    several), `put` what shall stand, `deletes` what shall not, `match` the version that a conditional create found,
    `before` the version that was patched or judged by rules, `expected` what must stand at the commit; `judged` says
    that it is not the client who expects it, so that another version is no error but a reason to try again.
    """

    entry: Entry
    request: FhirRequest
    type: str
    proposal: Resource | None = None
    warnings: Sequence[Issue] = ()
    wanted: list[Wanted] = field(default_factory=list)
    aims: Sequence[Key] = ()
    asked: Query | None = None
    found: Version | None = None
    key: Key | None = None
    put: Resource | None = None
    deletes: tuple[Delete, ...] = ()
    match: Version | None = None
    before: Version | None = None
    expected: int | None = None
    judged: bool = False
    links: Links = field(default_factory=Links)

    @property
    def written(self) -> tuple[Key, ...]:
        """The resources that it changes: none, where a conditional create found its match."""
        if self.put is not None and self.key is not None:
            return (self.key,)
        return tuple(each.key for each in self.deletes)

    @property
    def conditional(self) -> bool:
        """Whether criteria decide what is written: such a create comes after those that create in any case."""
        return "if-none-exist" in self.request.headers or bool(self.entry.query)

    @property
    def method(self) -> Method:
        return _METHOD[self.entry.method]

    @property
    def full_url(self) -> str | None:
        """What other entries call the resource: its full URL, or `Patient/x` if it has none but brings an id."""
        if self.entry.full_url is not None or self.entry.method != "POST":
            return self.entry.full_url
        match self.request.body:
            case {"id": str(id)}:
                return f"{self.type}/{id}"
            case _:
                return None

    def forget(self) -> None:
        """Forget the last attempt."""
        self.links.undo()
        self.links = Links()
        self.aims, self.asked, self.found = (), None, None
        self.key = self.put = self.match = self.before = self.expected = None
        self.judged = False
        self.deletes = ()

    def refused(self, error: FhirError) -> FhirError:
        """Return an error of this entry as one of the Bundle."""
        return located(error, self.entry.index)


def write_of(entry: Entry, request: FhirRequest, services: Services) -> Write:
    """Return the write that an entry asks for, its resource checked; FhirError, located, if it cannot be one."""
    try:
        write = Write(entry, request, _target(entry, services))
        if entry.method in ("POST", "PUT"):
            _propose(write, services)
        return write
    except FhirError as error:
        raise located(error, entry.index) from None


def _target(entry: Entry, services: Services) -> str:
    """Return the resource type that the entry writes to."""
    match entry.method, entry.path:
        case (_, (*_, name)) if name.startswith("$"):
            raise _wrong_url(
                entry,
                "操作は書き込みの順に並べられません。batchで送ってください",
                "an operation has no place; send a batch",
            )
        case (_, (resource_type,)) | ("PUT" | "PATCH" | "DELETE", (resource_type, _)):
            if resource_type not in services.definitions.resource_types:
                raise _wrong_url(
                    entry, f"「{resource_type[:80]}」という型はありません", f'there is no type "{resource_type[:80]}"'
                )
            if not is_id(entry.path[-1]):
                raise _wrong_url(entry, "idの形が正しくありません", "the id is malformed")
            return resource_type
        case _:
            raise _wrong_url(
                entry, f"{entry.method}では使えないURLです", f"a transaction cannot {entry.method} to such a URL"
            )


def _propose(write: Write, services: Services) -> None:
    """Read and check the resource that the entry brings; that of a POST gets its id."""
    body = write.request.body
    if isinstance(body, dict) and "resourceType" not in body:
        # Clients (fhirpy's own tests among them) leave out in an entry what its URL says already.
        write.request = replace(write.request, body={"resourceType": write.type, **body})
    proposal = proposed(write.request, write.type)
    if write.entry.method == "POST":
        proposal["id"] = services.new_id()
    elif len(write.entry.path) == 2:
        same_id(proposal, write.entry.path[1])
    write.warnings = checked(_linked(proposal), services, Outside(wanted=write.wanted))
    write.proposal = proposal


def _linked(proposal: Resource) -> Resource:
    """Return the resource as it will be read: a link of the narrative to another entry (`urn:`) leads there then."""
    match proposal.get("text"):
        case {"div": str(div), **others} if "urn:" in div:
            return proposal | {"text": {**others, "div": _ENTRY_LINK.sub(r"\1\2#\2", div)}}
        case _:
            return proposal


def _wrong_url(entry: Entry, ja: str, en: str) -> FhirError:
    where = f"{entry.expression}.request.url"
    return fhir_error("not-supported", f"{ja}。", f"The entry cannot be processed: {en}.", (where,), status=400)
