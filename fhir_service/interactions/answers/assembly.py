"""Bundles of stored resources, joined from their bytes: nothing is parsed to be shown.

https://hl7.org/fhir/R4/bundle.html
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

import msgspec

from fhir_service.storage.store import Version

Link = tuple[str, str]
"""The relation and its URL."""

_encode = msgspec.json.encode
_SAFE = ":/,$*"  # what may stand in a query string as it is and reads better so
_PLAIN = re.compile(r"[A-Za-z0-9_.\-~:/,$*]*").fullmatch
_ESCAPES = str.maketrans({chr(code): quote(chr(code), safe=_SAFE) for code in range(128)})


def bundle(kind: str, links: Iterable[Link], entries: Sequence[bytes], total: int | None = None) -> bytes:
    """Return the JSON of a Bundle of these links and entries (each the JSON of one); no total where it is None."""
    parts = [b'{"resourceType":"Bundle","type":"', kind.encode()]
    parts.append(b'","link":[' if total is None else b'","total":%d,"link":[' % total)
    parts.append(b",".join(b'{"relation":%b,"url":%b}' % (_encode(relation), _encode(url)) for relation, url in links))
    if entries:
        parts += (b'],"entry":[', b",".join(entries), b"]}")
    else:
        parts.append(b"]}")
    return b"".join(parts)


def entries(versions: Iterable[Version], mode: str, base: str) -> Iterator[bytes]:
    """Yield the entries of these versions, as they are stored."""
    end = f',"search":{{"mode":"{mode}"}}}}'.encode()
    for version in versions:
        yield b"".join((f'{{"fullUrl":"{base}/{version.key}","resource":'.encode(), version.body, end))


def query_string(parameters: Sequence[tuple[str, str]]) -> str:
    """Return the parameters as they stand in a link."""
    return "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in parameters])


def _quoted(text: str) -> str:
    if _PLAIN(text):
        return text
    return text.translate(_ESCAPES) if text.isascii() else quote(text, safe=_SAFE)


def url(address: str, parameters: str) -> str:
    """Return an address with its query string, if there is one."""
    return f"{address}?{parameters}" if parameters else address


def format_parameters(query: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the parameters that say how the answer is written, which links carry on."""
    return tuple(pair for pair in query if pair[0] in ("_format", "_pretty"))
