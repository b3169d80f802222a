"""Put SUSHI, the reference compiler of profiles, and the packages that it needs into `.cache/sushi`, with npm and pip.

`make sushi` then compares its snapshots with ours and has it accept the package of our own definitions. It is a tool of
developers: the service never needs node.
https://fshschool.org/docs/sushi/
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from build_definitions import download

SUSHI = "fsh-sushi@3.21.0"
ROOT = Path(__file__).parents[1]
HOME = ROOT / ".cache" / "sushi"
PACKAGES = HOME / ".fhir" / "packages"
SHARED = Path(os.environ.get("FHIR_SERVICE_SHARED") or ROOT.parent / "shared")
JP_CORE = "jp-core.r4-1.2.0.tgz"


def main() -> None:
    HOME.mkdir(parents=True, exist_ok=True)
    if not (HOME / "node_modules/.bin/sushi").exists():
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", SUSHI], cwd=HOME, check=True)
    core = PACKAGES / "hl7.fhir.r4.core#4.0.1"
    if not core.exists():
        with tempfile.TemporaryDirectory() as folder:
            unpack(io.BytesIO(download(Path(folder))), core)
    jp_core = SHARED / "data" / "packages" / JP_CORE
    if jp_core.exists():
        unpack(io.BytesIO(jp_core.read_bytes()), PACKAGES / "jp-core.r4#1.2.0")


def unpack(package: io.BytesIO, folder: Path) -> None:
    """Unpack a package to where FHIR tools look for it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=package) as tar:
        tar.extractall(folder, filter="data")


if __name__ == "__main__":
    try:
        main()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"SUSHI cannot be set up: {error}")
