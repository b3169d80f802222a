"""What stands around an answer where the client asks for it: CORS for pages of other origins, gzip for long bodies.

https://hl7.org/fhir/R4/http.html#general and https://hl7.org/fhir/R4/security.html#cors
"""

import re
from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from fhir_service.http.asgi import Asgi, Receive, Scope, Send

ONE_PACKET = 1_400  # bytes; a body that fits into one network packet gains nothing by gzip
LOOPBACK_ORIGIN = r"https?://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_EXPOSED = ("Content-Location", "ETag", "Last-Modified", "Location", "Retry-After", "X-Progress")
_RULED_OUT = re.compile(rb"gzip\s*;\s*q\s*=\s*0(?:\.0*)?\s*(?:,|$)").search
_GZIP_LEVEL = 5  # nearly as small as 9, in half the time


class Envelope:
    """Wraps an application; a request that asks for neither CORS nor gzip passes untouched.

    `origins` are those whose pages may call this server (`*`: all). Without any, pages that come from this machine
    itself may (a client that is being written); others could read everything in the browser's name.
    """

    def __init__(self, inner: Asgi, origins: Sequence[str]) -> None:
        self._plain = inner
        self._gzip: Asgi = GZipMiddleware(inner, minimum_size=ONE_PACKET, compresslevel=_GZIP_LEVEL)
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = dict(scope["headers"])
        inner = self._gzip if _unpacks_gzip(names.get(b"accept-encoding", b"")) else self._plain
        if b"origin" in names:
            inner = self._shared(inner)
        await inner(scope, receive, send)

    def _shared(self, inner: Asgi) -> Asgi:
        return CORSMiddleware(
            inner,
            allow_origins=self._origins,
            allow_origin_regex=None if self._origins else LOOPBACK_ORIGIN,
            allow_methods=_METHODS,
            allow_headers=("*",),
            expose_headers=_EXPOSED,
        )


def _unpacks_gzip(accept_encoding: bytes) -> bool:
    """Whether the client names gzip and does not rule it out: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3"""
    return b"gzip" in accept_encoding and _RULED_OUT(accept_encoding) is None
