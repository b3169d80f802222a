"""uvicorn's HTTP protocol with limits of our own, and an OperationOutcome for what is not even HTTP.

The parser below uvicorn takes URLs and headers of any length (and counts in 16 bits within a URL).
"""

import asyncio
from typing import Any, NoReturn, cast
from urllib.parse import quote_from_bytes

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from fhir_service.fhir import json
from fhir_service.fhir.outcome import Issue, operation_outcome

MAX_URL = 32_768  # bytes
MAX_HEADERS = 65_536  # bytes, names and values together
LINGER = 1.0  # seconds that a refused client has to read the answer

_BAD_REQUEST = Issue("structure", "HTTPとして読めない要求です。", "The request is not valid HTTP.")
_LONG_URL = Issue(
    "too-long",
    f"URLが上限({MAX_URL:,}バイト)を超えています。長い検索にはPOST _searchを使ってください。",
    f"The URL is longer than {MAX_URL:,} bytes; use POST _search for a long search.",
)
_LONG_HEADERS = Issue(
    "too-long",
    f"ヘッダーが上限({MAX_HEADERS:,}バイト)を超えています。",
    f"The headers are longer than {MAX_HEADERS:,} bytes.",
)


def _encoded_target(data: bytes) -> bytes:
    """Return the start of a request with its URL percent-encoded: `curl '…/Patient?name=山田'` sends it as typed."""
    line, end, rest = data.partition(b"\r\n")
    return quote_from_bytes(line, safe=_ASCII).encode() + end + rest


_ASCII = bytes(range(128))


class Refused(Exception):
    """Ends the parsing of a request that goes beyond a limit."""


class Together:
    """A transport that sends the head of an answer with the first of its body: one system call, here and at the client.

    What is not about writing goes to the transport within.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send the data; the head of a final answer waits for what comes next."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        elif data.startswith(b"HTTP/1.1 ") and data.endswith(b"\r\n\r\n") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send a head that waits: nothing comes after it."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class LimitedProtocol(HttpToolsProtocol):
    """Answers 414 and 431 before the application hears of the request, then closes the connection."""

    _refusal = (400, _BAD_REQUEST)
    _refused = False
    _within_message = False
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._together = Together(transport)
        self.transport = cast(asyncio.Transport, self._together)

    def on_response_complete(self) -> None:
        self._together.flush()  # an answer to HEAD has no body
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if not self._within_message and not data.isascii():
            data = _encoded_target(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._within_message = True
        self._header_bytes = 0

    def on_message_complete(self) -> None:
        self._within_message = False
        super().on_message_complete()

    def on_url(self, url: bytes) -> None:
        if len(self.url) + len(url) > MAX_URL:
            self._refuse(414, _LONG_URL)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADERS:
            self._refuse(431, _LONG_HEADERS)
        super().on_header(name, value)

    def send_400_response(self, msg: str) -> None:
        status, issue = self._refusal
        body = json.encode(operation_outcome([issue]))
        self.transport.write(
            b"%bcontent-type: application/fhir+json; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[status], len(body), body)
        )
        # Closing at once would reset the connection while the client still sends, and it would not see the answer.
        self._refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)

    def _refuse(self, status: int, issue: Issue) -> NoReturn:
        self._refusal = (status, issue)
        raise Refused
