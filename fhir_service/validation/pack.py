"""A file of records that several processes may append to.

It is read whole when it is opened; whether a record is what was written is looked at when somebody asks for it.
A record is the lengths of its name and its data, the SHA-256 of both, and both. Of several by one name the last holds.
What a crash left half written is cut off when the file is opened next.
"""

import os
import tempfile
import weakref
from hashlib import sha256
from pathlib import Path
from struct import Struct

_HEAD = Struct("<II32s")
_Record = tuple[int, int, int]
"""Where a record begins in the file, its data, and where it ends."""


class Pack:
    """The records of one file, which there need not be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._appending: int | None = None
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        self._data = memoryview(data)
        self._records, end = _read(self._data)
        if end != len(data):
            _replace(path, data[:end])

    @property
    def is_new(self) -> bool:
        """Whether there is no such file yet."""
        return self._appending is None and not self.path.exists()

    def get(self, name: str) -> memoryview | None:
        """Return the data of a record; None if there is none, or if it is not what was written."""
        found = self._records.get(name)
        if found is None:
            return None
        at, start, end = found
        _, _, digest = _HEAD.unpack_from(self._data, at)
        data = self._data[start:end]
        return data if _digest(name.encode(), data) == digest else None

    def append(self, name: str, data: bytes) -> None:
        """Add a record, in one write, so that those of other processes stand before or after it."""
        if self._appending is None:
            self._appending = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            weakref.finalize(self, os.close, self._appending)
        key = name.encode()
        os.write(self._appending, _HEAD.pack(len(key), len(data), _digest(key, data)) + key + data)


def _digest(key: bytes, data: bytes | memoryview) -> bytes:
    digest = sha256(key)
    digest.update(data)
    return digest.digest()


def _read(data: memoryview) -> tuple[dict[str, _Record], int]:
    """Return the records, and where the last whole one ends."""
    records: dict[str, _Record] = {}
    at = 0
    while at + _HEAD.size <= len(data):
        name_length, length, _ = _HEAD.unpack_from(data, at)
        start = at + _HEAD.size + name_length
        if not name_length or start + length > len(data):
            break
        try:
            name = str(data[at + _HEAD.size : start], "utf-8")
        except UnicodeDecodeError:
            break
        records[name] = (at, start, start + length)
        at = start + length
    return records, at


def _replace(path: Path, data: bytes) -> None:
    """Put other content in the place of a file; where that cannot be done, it stays."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            part.write(data)
        Path(part.name).replace(path)
    except OSError:
        return
