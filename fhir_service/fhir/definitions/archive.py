"""A definitions archive: one zip file whose index is read at start and whose definitions are read one by one.

Members: `index.json` (the package and, by resource type, `[url, version, block, line]` of each definition),
`TYPE-NN.ndjson` (blocks of definitions, one a line, small enough to be unpacked for a single one), and in the archive
of R4 itself `types.ndjson` (the `type_lines` of `type_model.py`). The same content gives the same bytes.
"""

import io
import os
import weakref
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from hashlib import sha256
from io import FileIO
from pathlib import Path
from struct import unpack
from typing import Any

import msgspec

from fhir_service.fhir.resource import Resource

INDEX = "index.json"
TYPES = "types.ndjson"
BLOCK_SIZE = 128 * 1024
BLOCKS_KEPT = 32  # of one archive: at most 4 MB
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time a zip can say: the same content gives the same bytes

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Package:
    """A set of definitions that was published together; `count` is how many there are."""

    name: str
    version: str
    count: int = 0
    title: str = ""
    canonical: str = ""
    dependencies: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.name}#{self.version}"

    def gives(self, asked: str | None, own: str | None) -> bool:
        """Whether a definition of this package that says `own` of its version is of the version that is asked for.

        One that says nothing has the package's, also without its label: `1.1.2` is what is in `1.1.2-url`.
        """
        if asked is None:
            return True
        return asked == own if own else asked in (self.version, self.version.partition("-")[0])


def write_archive(
    package: Package, definitions: Iterable[Resource], types: Iterable[Any] = (), *, digest: str = ""
) -> bytes:
    """Return the archive of these definitions, in an order of its own; `digest` tells what it was made of."""
    by_type: dict[str, list[Resource]] = {}
    for definition in definitions:
        by_type.setdefault(definition["resourceType"], []).append(definition)
    index: dict[str, list[list[Any]]] = {}
    members: dict[str, bytes] = {}
    for resource_type, unsorted in sorted(by_type.items()):
        resources = sorted(
            unsorted, key=lambda each: (each.get("url", ""), each.get("version", ""), each.get("id", ""))
        )
        index[resource_type] = []
        for number, block in enumerate(_blocks(resources, resource_type)):
            member = f"{resource_type}-{number:02}.ndjson"
            members[member] = b"\n".join(line for _, line in block)
            index[resource_type] += [
                [resource.get("url", ""), resource.get("version", ""), member, line]
                for line, (resource, _) in enumerate(block)
            ]
    package = Package(**asdict(package) | {"count": sum(map(len, index.values()))})
    head = {"package": package, "digest": digest} if digest else {"package": package}
    members[INDEX] = _encode(head | {"definitions": index})
    members[TYPES] = b"\n".join(map(_encode, types))

    return _zip({name: data for name, data in members.items() if data})


def _blocks(resources: Iterable[Resource], resource_type: str) -> Iterator[list[tuple[Resource, bytes]]]:
    """Give the resources with their lines in blocks; the search parameters, always read together, are one block."""
    block: list[tuple[Resource, bytes]] = []
    size = 0
    for resource in resources:
        line = _encode(resource)
        if block and size + len(line) > BLOCK_SIZE and resource_type != "SearchParameter":
            yield block
            block, size = [], 0
        block.append((resource, line))
        size += len(line)
    yield block


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # as on Unix, wherever it is written
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return out.getvalue()


class _Block:
    """Reads a member of a zip file, without reading the directory of the file again, and gives its lines."""

    def __init__(self, file: FileIO, members: Mapping[str, zipfile.ZipInfo]) -> None:
        self._file = file
        self._members = members

    def __call__(self, name: str) -> list[bytes]:
        member = self._members[name]
        start = member.header_offset
        # https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT 4.3.7: the lengths of name and extra field
        name_length, extra_length = unpack("<HH", self._read(start + 26, 4))
        packed = self._read(start + 30 + name_length + extra_length, member.compress_size)
        data = packed if member.compress_type == zipfile.ZIP_STORED else zlib.decompress(packed, -zlib.MAX_WBITS)
        if zlib.crc32(data) != member.CRC:
            raise zipfile.BadZipFile(name)
        return data.split(b"\n")

    def _read(self, at: int, size: int) -> bytes:
        """Read without a common position, since threads and processes read at once."""
        return os.pread(self._file.fileno(), size, at)


class Archive:
    """A definitions archive on disk, its index in memory.

    The file stays open, so that it can be removed while somebody still reads; a few blocks stay unpacked, since what is
    asked for together stands together.
    """

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            index = _decode(archive.read(INDEX))
            self._members = {each.filename: each for each in archive.infolist()}
        self._file = path.open("rb", buffering=0)
        weakref.finalize(self, self._file.close)
        self._lines = lru_cache(maxsize=BLOCKS_KEPT)(_Block(self._file, self._members))
        head = index["package"]
        self.digest: str = index.get("digest", "")
        self.package = Package(**head | {"dependencies": tuple(map(tuple, head["dependencies"]))})
        self._by_type: dict[str, list[list[Any]]] = index["definitions"]
        self._by_url = {row[0]: (kind, row) for kind, rows in self._by_type.items() for row in rows if row[0]}

    @cached_property
    def fingerprint(self) -> str:
        """What tells this content from any other: that of the package it was made of, and what became of it here."""
        members = sorted((name, each.CRC, each.file_size) for name, each in self._members.items())
        return sha256(f"{self.package} {self.digest} {members}".encode()).hexdigest()

    @cached_property
    def folders(self) -> frozenset[str]:
        """Where profiles and extensions of this package are published: their URLs up to the last slash."""
        return frozenset(row[0].rpartition("/")[0] for row in self._by_type.get("StructureDefinition", ()))

    def count(self, resource_type: str) -> int:
        """Return how many definitions of this type there are."""
        return len(self._by_type.get(resource_type, ()))

    def knows(self, url: str) -> bool:
        """Whether there is a definition with this url."""
        return url in self._by_url

    def head(self, url: str, version: str | None = None) -> tuple[str, str] | None:
        """Return resource type and version of what `find` gives, without reading it."""
        kind, row = self._by_url.get(url, ("", None))
        if row is None or not self.package.gives(version, row[1]):
            return None
        return kind, row[1] or self.package.version

    def find(self, url: str, version: str | None = None) -> Resource | None:
        """Return the definition with this url, of this version if one is named (its own, or else the package's)."""
        _, row = self._by_url.get(url, ("", None))
        if row is None or not self.package.gives(version, row[1]):
            return None
        resource: Resource = _decode(self._lines(row[2])[row[3]])
        return resource

    def all(self, resource_type: str) -> Iterator[Resource]:
        """Give every definition of this type; each block is unpacked once."""
        blocks = dict.fromkeys(row[2] for row in self._by_type.get(resource_type, ()))
        read = _Block(self._file, self._members)
        for block in blocks:
            yield from map(_decode, read(block))

    def types(self) -> list[bytes]:
        """Return the encoded `type_lines` of an archive that has types."""
        return _Block(self._file, self._members)(TYPES)
