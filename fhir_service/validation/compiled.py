"""What was made of definitions, kept on disk: a start with the same definitions and the same code makes it not again.

It is in one file, which is named after all definitions that are here and the code that reads them: where one of these
differs, another file is used, so that nothing in it is ever out of date. What is damaged is made anew; where nothing
can be written, nothing is kept. Several processes may share the file.
"""

import shutil
from functools import cache
from hashlib import sha256
from pathlib import Path

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
        self._generation: int | None = None
        self._pack: Pack | None = None
        self._current()  # what it takes to look through all definitions, a start pays for and no request

    def get(self, name: str) -> memoryview | None:
        """Return what is kept by this name; None if there is none, or none whole."""
        pack = self._current()
        return None if pack is None else pack.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Keep something by this name, whole or not at all."""
        pack = self._current()
        if pack is None:
            return
        try:
            if pack.is_new:
                _make_room(pack.path.parent)
            pack.append(name, data)
        except OSError:
            self._pack = None  # a full or read-only disk: what is made is kept in memory alone

    def renew(self) -> None:
        """Know what other processes have kept by now."""
        self._generation = None
        self._current()

    def _current(self) -> Pack | None:
        """Return the file of the definitions that are here now."""
        if self._folder is not None and self._generation != self._definitions.generation:
            self._generation = self._definitions.generation
            whole = f"{fhir_service.__version__} {_code()} {self._definitions.fingerprint}"
            self._pack = Pack(self._folder / sha256(whole.encode()).hexdigest()[:32])
        return self._pack


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
