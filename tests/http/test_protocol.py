"""How answers are handed to the network."""

import asyncio
from typing import cast

from fhir_service.http.protocol import Together

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Written:
    """A transport that keeps what each call handed to it."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.calls.append(b"".join(parts))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def together() -> tuple[Together, Written]:
    written = Written()
    return Together(cast(asyncio.Transport, written)), written


def test_head_and_body_go_out_in_one_call() -> None:
    transport, written = together()
    transport.write(HEAD)
    assert written.calls == []
    transport.write(b"{}")
    transport.write(b"more")
    assert written.calls == [HEAD + b"{}", b"more"]


def test_a_head_without_body_goes_out_when_the_answer_is_complete_or_the_connection_closed() -> None:
    for end in (Together.flush, Together.close):
        transport, written = together()
        transport.write(HEAD)
        end(transport)
        assert written.calls == [HEAD]
        transport.flush()
        assert written.calls == [HEAD]


def test_the_go_ahead_for_a_body_does_not_wait() -> None:
    transport, written = together()
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert written.calls == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    assert not transport.is_closing()
