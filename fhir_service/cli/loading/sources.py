"""Where resources come from: files and folders, cut into chunks that one process prepares at a time."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Literal, NamedTuple, Protocol

from fhir_service.fhir import xml
from fhir_service.fhir.charset import xml_in_utf_8
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.json import decode_resource
from fhir_service.fhir.resource import Resource

Format = Literal["json", "xml"]
LINES = frozenset({".ndjson", ".jsonl"})
WHOLE: dict[str, Format] = {".json": "json", ".xml": "xml"}
# Files are often named after the type they hold (https://hl7.org/fhir/uv/bulkdata/export.html). What most others refer
# to comes first, so that little has to wait; any other order loads the same.
EARLY = ("Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService", "Medication", "Patient",
         "RelatedPerson", "Condition", "ServiceRequest", "CareTeam", "EpisodeOfCare", "Encounter")  # fmt: skip
_NAMED_AFTER = re.compile("[A-Za-z]*").match
CHUNK_BYTES = 512 * 1024
CHUNK_ITEMS = 400


class Place(NamedTuple):
    """Where something stands: a file, and the line in it where it has lines of resources."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Item(NamedTuple):
    """The text of one resource."""

    place: Place
    format: Format
    data: bytes


def decoded(item: Item, definitions: Definitions) -> Resource:
    """Return the resource of a text; a FhirError says what is wrong with it, and where."""
    if item.format == "json":
        return decode_resource(item.data)
    return xml.decode(xml_in_utf_8(item.data), definitions)


class Chunk(Protocol):
    """Some resources; it goes to another process, which asks it for them. `size` is its share of the progress."""

    @property
    def size(self) -> int: ...

    def items(self) -> Iterator[Item]: ...


class Items(NamedTuple):
    """Resources that were read already."""

    size: int
    texts: tuple[Item, ...]

    def items(self) -> Iterator[Item]:
        yield from self.texts


class Unreadable(NamedTuple):
    """A file that could not be read (to its end)."""

    place: Place
    reason: str


# What npm keeps beside the resources of an unpacked package: https://hl7.org/fhir/R4/packages.html
_OF_NPM = frozenset({"package.json", ".index.json"})


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and those with a known ending in folders that are named, in a fixed order."""
    found: list[Path] = []
    for path in paths:
        found += sorted(filter(_is_data, path.rglob("*")) if path.is_dir() else (path,), key=_turn)
    return list(dict.fromkeys(found))


def _is_data(file: Path) -> bool:
    return _kind(file) != "" and file.name not in _OF_NPM and file.is_file()


def _turn(file: Path) -> tuple[int, Path]:
    name = _NAMED_AFTER(file.name)
    return (EARLY.index(name[0]) if name and name[0] in EARLY else len(EARLY)), file


def read_files(files: Sequence[Path]) -> Iterator[Items | Unreadable]:
    """Give the texts of all files in chunks; the share of each in the progress is of the bytes on disk."""
    for file in files:
        try:
            with file.open("rb") as raw:
                yield from _chunks(file, raw)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            said = f"gzipとして展開できません。 / It cannot be unpacked as gzip ({error})."
            yield Unreadable(Place(str(file)), said)
        except OSError as error:
            yield Unreadable(Place(str(file)), f"ファイルを読めません。 / The file cannot be read ({error.strerror}).")


def _chunks(file: Path, raw: IO[bytes]) -> Iterator[Items | Unreadable]:
    waiting: list[Item] = []
    held = done = 0
    for item in _items(file, gzip.GzipFile(fileobj=raw) if file.suffix == ".gz" else raw):
        if isinstance(item, Unreadable):
            yield item
            continue
        waiting.append(item)
        held += len(item.data)
        if held >= CHUNK_BYTES or len(waiting) >= CHUNK_ITEMS:
            yield Items(raw.tell() - done, tuple(waiting))
            waiting, held, done = [], 0, raw.tell()
    yield Items(raw.tell() - done, tuple(waiting))


def _items(file: Path, stream: IO[bytes] | gzip.GzipFile) -> Iterator[Item | Unreadable]:
    kind = _kind(file)
    if kind in WHOLE:
        yield Item(Place(str(file)), WHOLE[kind], stream.read())
    elif kind in LINES:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield Item(Place(str(file), number), "json", line.rstrip(b"\r\n"))
    else:
        endings = ", ".join((*WHOLE, *LINES))
        ja = f"名前の終わりが {endings}(または、これに .gz)のどれでもありません。"
        yield Unreadable(Place(str(file)), f"{ja} / The name ends in none of {endings} (or these with .gz).")


def _kind(file: Path) -> str:
    """Return the ending that says what is in the file, "" if it is none of ours."""
    ending = Path(file.name.removesuffix(".gz")).suffix.lower()
    return ending if ending in LINES or ending in WHOLE else ""
