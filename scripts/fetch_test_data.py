"""Fetch what HL7 published for R4 and tests compare with, into `.cache`: the official examples and expansions (CC0).

Only tests read them. Without npm or a network this says so and succeeds, and those tests are skipped; with `CI=true`
it fails, so that a green run has seen them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

CACHE = Path(__file__).resolve().parent.parent / ".cache"


class Wanted(NamedTuple):
    """A package of npm, the hash of its file, and the folder of `.cache` that it is unpacked in."""

    package: str
    sha256: str
    folder: str


WANTED = (
    Wanted(
        "hl7.fhir.r4.examples@4.0.1",
        "dce87f1b5b9341867033f7d1f544fa1b5232503f6d62813887ac6b8a8b6cb682",
        "r4-examples",
    ),
    Wanted(
        "hl7.fhir.r4.expansions@4.0.1",
        "18b2b00a6e26328bdbe4b2e273de5be32dfce21be37e0f582d18882bbce24e69",
        "r4-expansions",
    ),
)


def main() -> int:
    """Return the exit code; each folder is either whole or not there."""
    missing = [each for each in WANTED if not (CACHE / each.folder / "package" / "package.json").exists()]
    if not missing:
        return 0
    npm = shutil.which("npm")
    if npm is None:
        return _absent("npm is not installed")

    CACHE.mkdir(parents=True, exist_ok=True)
    return max(_fetch(npm, each) for each in missing)


def _fetch(npm: str, wanted: Wanted) -> int:
    target = CACHE / wanted.folder
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        archive = _pack(npm, wanted.package, Path(folder))
        if archive is None:
            return _absent(f"npm could not fetch {wanted.package}")
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != wanted.sha256:
            print(f"{wanted.package} is not the file that was pinned: sha256 {found}", file=sys.stderr)
            return 1

        with tarfile.open(archive) as tar:
            tar.extractall(Path(folder) / "unpacked", filter="data")
        shutil.rmtree(target, ignore_errors=True)
        (Path(folder) / "unpacked").rename(target)
    return 0


def _pack(npm: str, package: str, folder: Path) -> Path | None:
    command = [npm, "pack", "--silent", package]
    try:
        subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=300, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return next(folder.glob("*.tgz"), None)


def _absent(reason: str) -> int:
    if os.environ.get("CI") == "true":
        print(f"HL7's published examples and expansions are needed here: {reason}.", file=sys.stderr)
        return 1
    print(f"HL7's published examples or expansions are not here ({reason}): the tests that read them are skipped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
