"""What was made of definitions, kept on disk: a start with the same definitions and the same code makes it not again.

A file is named after what it is of, in a folder that is named after all definitions that are here and the code that
reads them: where one of these differs, another folder is used, so that nothing in it is ever out of date. A file that
is damaged is made anew; where none can be written, nothing is kept. Several processes may share the folder.
"""

import shutil
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path

import fhir_service
from fhir_service.fhir.definitions import Definitions

COMPILED = "compiled"  # the folder in the data directory
MOST_FOLDERS = 4  # of other definitions, or other releases; each has a few MB at most
DIGEST = 32  # bytes of a file that tell whether the others are what was written

# What is kept depends on the text of these modules.
CODE = (
    "fhir/definitions/**/*.py",
    "validation/base.py",
    "validation/binding.py",
    "validation/definition.py",
    "validation/invariant.py",
    "validation/profile/outline.py",
    "validation/profile/tree.py",
)


class Compiled:
    """The files of one server; a folder of None keeps nothing."""

    def __init__(self, folder: Path | None, definitions: Definitions) -> None:
        self._folder = folder
        self._definitions = definitions
        self._generation: int | None = None
        self._place: Path | None = None
        self._current()  # what it takes to look through all definitions, a start pays for and no request

    def get(self, name: str) -> bytes | None:
        """Return what is kept by this name; None if there is none, or none whole."""
        place = self._current()
        if place is None:
            return None
        try:
            with open(_file(place, name), "rb", buffering=0) as file:
                kept = file.read()
        except OSError:
            return None
        data = kept[DIGEST:]
        return data if sha256(data).digest() == kept[:DIGEST] else None

    def put(self, name: str, data: bytes) -> None:
        """Keep something by this name, whole or not at all."""
        place = self._current()
        if place is None:
            return
        try:
            if not place.is_dir():
                _make_room(place)
            with tempfile.NamedTemporaryFile(dir=place, suffix=".part", delete=False) as part:
                part.write(sha256(data).digest() + data)
            Path(part.name).replace(_file(place, name))
        except OSError:
            self._place = None  # a full or read-only disk: what is made is kept in memory alone

    def _current(self) -> Path | None:
        """Return the folder of the definitions that are here now."""
        if self._folder is not None and self._generation != self._definitions.generation:
            self._generation = self._definitions.generation
            whole = f"{fhir_service.__version__} {_code()} {self._definitions.fingerprint}"
            self._place = self._folder / sha256(whole.encode()).hexdigest()[:32]
        return self._place


def _file(place: Path, name: str) -> str:
    return f"{place}/{sha256(name.encode()).hexdigest()[:32]}"


def _make_room(place: Path) -> None:
    """Make a folder in place of the oldest ones; the data directory itself is not made for it."""
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.mkdir(exist_ok=True)
    others = sorted(place.parent.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for each in others[MOST_FOLDERS:]:
        shutil.rmtree(each, ignore_errors=True)


@cache
def _code() -> str:
    """Return what tells this code from any other."""
    home = Path(fhir_service.__file__).parent
    whole = sha256()
    for file in sorted(file for pattern in CODE for file in home.glob(pattern)):
        whole.update(file.read_bytes())
    return whole.hexdigest()
