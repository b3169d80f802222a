"""Definitions that are stored on the server as resources: known from the moment they are written.

https://hl7.org/fhir/R4/conformance-module.html
"""

import zlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

import msgspec

from fhir_service.fhir.definitions.archive import Package
from fhir_service.fhir.definitions.sources import newest_first
from fhir_service.fhir.resource import Key, Resource

# What the server reads when a client has stored it. Search parameters go another way: they ask for an index.
TYPES = ("StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire", "Measure", "ImplementationGuide")
PACKAGE = Package("stored", "", title="このサーバーに登録された定義 / stored on this server")


class _Head(msgspec.Struct):
    url: str = ""
    version: str = ""


class _Stored(NamedTuple):
    key: Key
    url: str
    version: str
    packed: bytes
    digest: str


_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_decode_head = msgspec.json.Decoder(_Head).decode


class StoredDefinitions:
    """The definitions among the stored resources, by url; what R4 itself defines is left out, since R4's own is used.

    Of several with one url the newest version is found, and of one version what was written last. One thread writes;
    others may read meanwhile, and find what there was or what there is.
    """

    def __init__(self, is_of_r4: Callable[[str], bool]) -> None:
        self._is_of_r4 = is_of_r4
        self._by_key: dict[Key, _Stored] = {}
        self._by_url: dict[str, tuple[_Stored, ...]] = {}  # of one url, whole tuples take each other's place

    @property
    def package(self) -> Package:
        return Package(PACKAGE.name, PACKAGE.version, len(self._by_key), PACKAGE.title)

    def put(self, key: Key, body: bytes) -> bool:
        """Know a stored definition, or know it as it is now; return whether anything became different."""
        head = _head(body)
        if key.type not in TYPES or not head.url or self._is_of_r4(head.url):
            return self.forget(key)
        if (known := self._by_key.get(key)) is not None and known.url != head.url:
            self.forget(key)
        stored = _Stored(key, head.url, head.version, zlib.compress(body, 1), sha256(body).hexdigest())
        self._by_key[key] = stored
        self._by_url[head.url] = (*self._others(head.url, key), stored)
        return True

    def forget(self, key: Key) -> bool:
        """Forget what was deleted; return whether it was known."""
        known = self._by_key.pop(key, None)
        if known is not None:
            self._by_url[known.url] = self._others(known.url, key)
        return known is not None

    def _others(self, url: str, key: Key) -> tuple[_Stored, ...]:
        return tuple(each for each in self._by_url.get(url, ()) if each.key != key)

    def knows(self, url: str) -> bool:
        """Whether there is a definition with this url."""
        return bool(self._by_url.get(url))

    def bodies(self) -> Iterator[tuple[Key, bytes]]:
        """Give the definitions as they were put, in that order."""
        return ((key, zlib.decompress(each.packed)) for key, each in list(self._by_key.items()))

    def canonical(self, key: Key) -> str | None:
        """Return the canonical URL of a stored definition, with its version if it has one."""
        if (known := self._by_key.get(key)) is None:
            return None
        return f"{known.url}|{known.version}" if known.version else known.url

    @property
    def fingerprint(self) -> str:
        """What tells this content from any other, as far as checks are made of it."""
        rows = [
            f"{key.type} {each.url}|{each.version} {each.digest}"
            for key, each in list(self._by_key.items())
            if key.type in ("StructureDefinition", "ValueSet", "CodeSystem")
        ]
        return sha256("\n".join(sorted(rows)).encode()).hexdigest()

    @property
    def folders(self) -> frozenset[str]:
        """Nothing: who stores a profile does not say by that all that is published beside it."""
        return frozenset()

    def head(self, url: str, version: str | None = None) -> tuple[str, str] | None:
        """Return resource type and version of what `find` gives, without reading it."""
        found = self._newest(url, version)
        return (found.key.type, found.version) if found else None

    def find(self, url: str, version: str | None = None) -> Resource | None:
        """Return the definition with this url, of this version if one is named, else of the newest."""
        found = self._newest(url, version)
        if found is None:
            return None
        resource: Resource = _decode(zlib.decompress(found.packed))
        return resource

    def _newest(self, url: str, version: str | None) -> _Stored | None:
        among = [each for each in self._by_url.get(url, ()) if version in (None, each.version)]
        if len(among) < 2:
            return among[0] if among else None
        return max(enumerate(among), key=lambda each: (newest_first(each[1].version), each[0]))[1]

    def all(self, resource_type: str) -> Iterator[Resource]:
        """Give every definition of this type."""
        for key, each in list(self._by_key.items()):
            if key.type == resource_type:
                yield _decode(zlib.decompress(each.packed))


def _head(body: bytes) -> _Head:
    """Return url and version; neither for what an older release stored in another shape."""
    try:
        return _decode_head(body)
    except msgspec.ValidationError:
        return _Head()
