"""Prepared changes as bytes, so that other processes can prepare what one process writes (`fhir-service load`).

What is left out are the typed entries, of which nothing but the rows is stored.
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec

from fhir_service.fhir.resource import Key
from fhir_service.fhir.search.index import IndexEntries
from fhir_service.storage.sqlite.keys import shape_key
from fhir_service.storage.sqlite.rows import decode_rows
from fhir_service.storage.sqlite.writing.prepared import Content, PreparedChange, prepare, resource_key
from fhir_service.storage.store import Put

_encode = msgspec.msgpack.Encoder().encode
_Packed = tuple[
    str,
    str,
    bytes,
    bytes,
    bytes,
    bytes,
    str,
    frozenset[tuple[int, int]],
    frozenset[tuple[int, str, int]],
    frozenset[tuple[int, int, int]],
]
_decode: Callable[[bytes], _Packed] = msgspec.msgpack.Decoder(_Packed).decode
_NO_ENTRIES = IndexEntries()


def pack(change: Put) -> bytes:
    """Return the change with all that can be computed without the database; any process can do this."""
    (prepared,) = prepare((change,), ()).changes
    content = prepared.content
    assert content is not None
    codes = " ".join(sorted(content.shape[1]))
    return _encode(
        (
            *prepared.key,
            content.head,
            content.tail,
            content.rows_blob,
            content.sort,
            codes,
            content.tokens,
            content.texts,
            content.names,
        )
    )


def unpack(packed: bytes) -> PreparedChange:
    """Return the change as the writer takes it: a PUT of whatever version there is."""
    resource_type, id_, head, tail, rows_blob, sort, codes, tokens, texts, names = _decode(packed)
    key = Key(resource_type, id_)
    shape = _shape(resource_type, codes)
    content = Content(head, tail, None, decode_rows(rows_blob), rows_blob, sort, shape, tokens, texts, names)
    return PreparedChange(Put({"resourceType": resource_type, "id": id_}, _NO_ENTRIES), key, resource_key(key), content)


@lru_cache(maxsize=4096)  # a type has few shapes
def _shape(resource_type: str, codes: str) -> tuple[int, frozenset[str]]:
    shape = frozenset(codes.split())
    return shape_key(resource_type, shape), shape
