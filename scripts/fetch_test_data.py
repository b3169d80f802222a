"""Fetch the official R4 examples (npm: hl7.fhir.r4.examples 4.0.1, CC0) into `.cache/r4-examples/package`.

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

PACKAGE = "hl7.fhir.r4.examples@4.0.1"
SHA256 = "dce87f1b5b9341867033f7d1f544fa1b5232503f6d62813887ac6b8a8b6cb682"
TARGET = Path(__file__).resolve().parent.parent / ".cache" / "r4-examples"


def main() -> int:
    """Return the exit code; the folder is either whole or not there."""
    if (TARGET / "package" / "package.json").exists():
        return 0
    npm = shutil.which("npm")
    if npm is None:
        return _absent("npm is not installed")

    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARGET.parent) as folder:
        archive = _pack(npm, Path(folder))
        if archive is None:
            return _absent(f"npm could not fetch {PACKAGE}")
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != SHA256:
            print(f"{PACKAGE} is not the file that was pinned: sha256 {found}", file=sys.stderr)
            return 1

        with tarfile.open(archive) as tar:
            tar.extractall(Path(folder) / "unpacked", filter="data")
        shutil.rmtree(TARGET, ignore_errors=True)
        (Path(folder) / "unpacked").rename(TARGET)
    return 0


def _pack(npm: str, folder: Path) -> Path | None:
    command = [npm, "pack", "--silent", PACKAGE]
    try:
        subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=300, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return next(folder.glob("*.tgz"), None)


def _absent(reason: str) -> int:
    if os.environ.get("CI") == "true":
        print(f"The official R4 examples are needed here: {reason}.", file=sys.stderr)
        return 1
    print(f"The official R4 examples are not here ({reason}): the tests that read them are skipped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
