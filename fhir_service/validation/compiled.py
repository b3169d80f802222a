"""What was made of definitions, kept on disk: a start with the same definitions and the same code makes it not again.

It is in one file, which is named after all definitions that are here and the code that reads them: where one of these
differs, another file is used, so that nothing in it is ever out of date. What is damaged is made anew; where nothing
can be written, nothing is kept. Several processes may share the file.
"""

import shutil
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock

import fhir_service
from fhir_service.fhir.definitions import Definitions
from fhir_service.validation.pack import Pack

COMPILED = "compiled"  # the folder in the data directory
MOST_FILES = 4  # of other definitions, or other releases; each has a few MB at most

# What is kept depends on the text of these modules.
CODE = (
    "fhir/definitions/**/*.py",
    "terminology/*.py",
    "validation/base.py",
    "validation/binding.py",
    "validation/definition.py",
    "validation/invariant.py",
    "validation/pack.py",
    "validation/profile/outline.py",
    "validation/profile/tree.py",
)


class Compiled:
    """What is kept in a folder; a folder of None keeps nothing."""

    def __init__(self, folder: Path | None, definitions: Definitions) -> None:
        self._folder = folder
        self._definitions = definitions
        self._opening = Lock()
        self._open: tuple[int, Pack | None] = (-1, None)
        self._current()  # what it takes to look through all definitions, a start pays for and no request

    def get(self, name: str) -> memoryview | None:
        """Return what is kept by this name; None if there is none, or none whole."""
        _, pack = self._current()
        return None if pack is None else pack.get(name)

    def put(self, name: str, data: bytes, made_of: int) -> None:
        """Keep something by this name, whole or not at all; nothing if the definitions have changed since `made_of`.

        That is the generation of the definitions before it was made.
        """
        generation, pack = self._current()
        if pack is None or generation != made_of:
            return
        try:
            if pack.is_new:
                _make_room(pack.path.parent)
            pack.append(name, data)
        except OSError:
            self._open = (generation, None)  # a full or read-only disk: what is made is kept in memory alone

    def renew(self) -> None:
        """Know what other processes have kept by now."""
        self._open = (-1, None)
        self._current()

    def _current(self) -> tuple[int, Pack | None]:
        """Return the generation of the definitions and the file of them; several threads ask, one opens it."""
        if self._folder is None or self._open[0] == self._definitions.generation:
            return self._open
        with self._opening:
            while self._open[0] != (generation := self._definitions.generation):
                whole = f"{fhir_service.__version__} {_code()} {self._definitions.fingerprint}"
                self._open = (generation, Pack(self._folder / sha256(whole.encode()).hexdigest()[:32]))
            return self._open


def _make_room(folder: Path) -> None:
    """Make the folder for a file more, in place of the oldest ones; the data directory itself is not made for it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    others = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for each in others[MOST_FILES - 1 :]:
        if each.is_dir():  # as they were kept before
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)


@cache
def _code() -> str:
    """Return what tells this code from any other."""
    home = Path(fhir_service.__file__).parent
    whole = sha256()
    for file in sorted(file for pattern in CODE for file in home.glob(pattern)):
        whole.update(file.read_bytes())
    return whole.hexdigest()
