"""What the figures were measured on, in one paragraph."""

import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import apsw


def describe(folder: Path) -> str:
    """Return the machine, its disk's flush, and the versions that matter."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, Linux {platform.release()}, "
        f"fdatasync of a 4 KB append {_flush(folder) * 1e6:.0f} µs; Python {platform.python_version()}, "
        f"SQLite {apsw.sqlite_lib_version()} (WAL, synchronous=FULL), uvicorn {version('uvicorn')} with one worker, "
        f"k6 {version('k6')} on the same machine"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _flush(folder: Path, times: int = 200) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:
        begun = time.perf_counter()
        for _ in range(times):
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
        return (time.perf_counter() - begun) / times
