"""Where a request was sent: the base URL that its answer speaks of, and whether this server answers to that name.

https://hl7.org/fhir/R4/http.html#general
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address

from fhir_service.fhir.outcome import fhir_error

BASE_PATH = "/fhir"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.\-_]{0,251})|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?").fullmatch
_REMEMBERED = 256  # Host headers; more come only from someone who makes them up


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether this host name or address cannot be reached from another machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class BaseUrl:
    """The base URL of each request: the one that is set, or made of the Host header.

    With `loopback_only` a Host header with any other name is refused, so that a page on the web cannot reach this
    server by pointing its own name here (DNS rebinding). `trust_proxy` lets `X-Forwarded-Host` and
    `X-Forwarded-Proto` say what the proxy in front was asked for.
    """

    def __init__(self, fixed: str | None, *, loopback_only: bool, trust_proxy: bool) -> None:
        self._fixed = fixed.rstrip("/") if fixed else None
        self._loopback_only = loopback_only
        self._trust_proxy = trust_proxy
        self._known: dict[tuple[str, bytes], str] = {}

    def of(self, scheme: str, headers: Mapping[bytes, bytes]) -> str:
        """Return the base URL without slash at its end; 400 for a malformed Host, 403 for one that is refused."""
        host = headers.get(b"host", b"")
        if self._trust_proxy:
            scheme, host = _forwarded(scheme, host, headers)
        if (known := self._known.get((scheme, host))) is not None:
            return known

        base = self._make(scheme, host.decode("latin-1"))
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[scheme, host] = base
        return base

    def _make(self, scheme: str, host: str) -> str:
        if not (match := _HOST(host)) or scheme not in ("http", "https"):
            raise fhir_error(
                "value", "Hostヘッダーが正しくありません。", "The Host header is missing or malformed.", status=400
            )
        if self._loopback_only and not is_loopback(match[1]):
            raise fhir_error(
                "forbidden",
                "このサーバーは認証なしで動いているため、この機械自身(localhost)宛ての要求にだけ答えます。",
                "This server runs without sign-in and answers only requests sent to localhost.",
            )
        return self._fixed or f"{scheme}://{host}{BASE_PATH}"


def _forwarded(scheme: str, host: bytes, headers: Mapping[bytes, bytes]) -> tuple[str, bytes]:
    said_scheme, said_host = headers.get(b"x-forwarded-proto"), headers.get(b"x-forwarded-host")
    return (
        said_scheme.partition(b",")[0].strip().decode("latin-1") if said_scheme else scheme,
        said_host.partition(b",")[0].strip() if said_host else host,
    )
