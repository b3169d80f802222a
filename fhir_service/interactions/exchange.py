"""A request and its answer as values; HTTP, batch entries, pages and tests all make and read these.

https://hl7.org/fhir/R4/http.html
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fhir_service.fhir.resource import Resource
from fhir_service.storage.store import Version


class RawBody(bytes):
    """A body that is neither resource nor text, such as a package."""


class TextBody(str):
    """A body that is a text, such as a query in GraphQL."""

    __slots__ = ()


@dataclass(slots=True)
class Spent:
    """The seconds that what a client wrote as an expression or query took; the entries of a batch share them."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FhirRequest:
    """One RESTful request.

    `base` has no slash at its end; `path` are the segments under it (`("Patient", "1", "_history")`), `query` the
    decoded parameters in their order (those of a POST `_search` body included), `headers` have lower-case names.
    `body` is what the body decodes to (a Resource, or the array of a JSON Patch), `raw` and `media_type` what was sent.
    """

    method: str
    base: str
    path: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    raw: bytes = b""
    media_type: str = ""
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True)
class FhirResponse:
    """The answer. `body` is a Resource, or the canonical JSON bytes of one as stored; None: no body.

    Where the answer is no resource, `media_type` says what its bytes are. `version` is the
    stored version that it shows.
    """

    status: int
    body: Resource | bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str | None = None
    version: Version | None = None

    def as_resource(self) -> "FhirResponse":
        """Return the answer where only a resource can stand: what is none comes as a Binary."""
        if self.media_type is None or not isinstance(self.body, bytes):
            return self
        data = b64encode(self.body).decode("ascii")
        binary = {"resourceType": "Binary", "contentType": self.media_type, "data": data}
        return FhirResponse(self.status, binary, self.headers)
