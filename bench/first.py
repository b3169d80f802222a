"""What a start costs with the Japanese packages and without, and the first `$validate` after it, over HTTP.

The packages are beside the repository (`../shared`, or what `FHIR_SERVICE_SHARED` names). Each figure is the median of
some starts. `cold` is a start that finds nothing in the folder `compiled/`, `kept` one with what `packages add` made.
"""

import http.client
import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.processes import Running, fhir_server, run_command
from fhir_service.validation.compiled import COMPILED

HOME = Path(__file__).parents[1]
SHARED = Path(os.environ.get("FHIR_SERVICE_SHARED", HOME.parent / "shared"))
PACKAGES = ("jp-core.r4-1.1.2-url.tgz", "jp-core.r4-1.2.0.tgz", "jp-clins.r4-1.5.2-snap.tgz")
OWN = ("outreach-patient", "outreach-encounter", "outreach-individual-support-plan", "outreach-document-referral")
DRUG = "MedicationRequest-jp-medicationrequest-example-1.json"
PATIENT = {"resourceType": "Patient", "name": [{"text": "山田 太郎"}], "gender": "male", "birthDate": "1980-01-01"}


class Start(NamedTuple):
    """One start: seconds to the first answer, bytes of memory then, milliseconds of the first `$validate`."""

    seconds: float
    memory: int
    first: float


def measured(times: int) -> Iterator[str]:
    """Give the lines of the two tables."""
    with tempfile.TemporaryDirectory() as folder:
        bare, full, cold_dir = (Path(folder) / name for name in ("bare", "full", "cold"))
        bare.mkdir()
        run_command("packages", "add", *(SHARED / "data" / "packages" / each for each in PACKAGES), "--data-dir", full)
        shutil.copytree(full, cold_dir)
        yield f"{'start':52} {'seconds':>9} {'memory MB':>10}"
        for name, data_dir in (("without packages", bare), ("with JP Core 1.1.2 and 1.2.0 and JP-CLINS 1.5.2", full)):
            starts = [_started(data_dir, b"") for _ in range(times)]
            seconds, memory = median(each.seconds for each in starts), median(each.memory for each in starts)
            yield f"{name:52} {seconds:9.2f} {memory / 2**20:10.0f}"
        yield ""
        yield f"{'first $validate after a start, with the packages':52} {'KB':>6} {'cold ms':>9} {'kept ms':>9}"
        for name, body in _cases():
            cold = median(_started(_emptied(cold_dir), body).first for _ in range(times))
            kept = median(_started(full, body).first for _ in range(times))
            yield f"{name:52} {len(body) / 1024:6.1f} {cold:9.1f} {kept:9.1f}"


def _cases() -> Iterator[tuple[str, bytes]]:
    yield "Patient, R4 alone", json.dumps(PATIENT).encode()
    for each in OWN:
        yield each, (HOME / "profiles" / "examples" / each / "full.json").read_bytes()
    with tarfile.open(SHARED / "data" / "packages" / PACKAGES[1]) as package:
        drug = package.extractfile(f"package/{DRUG}")
        yield "JP Core 1.2.0: MedicationRequest", drug.read() if drug else b""
    for file in sorted((SHARED / "data" / "examples" / "clins").glob("*.json")):
        yield f"JP-CLINS 1.5.2: {file.stem.removeprefix('Bundle-Bundle-CLINS-')}", file.read_bytes()


def _emptied(data_dir: Path) -> Path:
    shutil.rmtree(data_dir / COMPILED, ignore_errors=True)
    return data_dir


def _started(data_dir: Path, body: bytes) -> Start:
    """Start a server; let it validate this first, if there is anything."""
    with fhir_server(data_dir) as server:
        memory = server.memory()
        return Start(server.started, memory, _validated(server, body) if body else 0.0)


def _validated(server: Running, body: bytes) -> float:
    """Return the milliseconds of `$validate` of a resource on a connection that is open."""
    address = urlsplit(server.base)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.connect()
    time.sleep(0.3)  # with nothing kept, our own examples are still being checked behind it
    path = f"{address.path}/{json.loads(body)['resourceType']}/$validate"
    begun = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/fhir+json"})
    answer = connection.getresponse()
    answer.read()
    taken = (time.perf_counter() - begun) * 1000
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")
    return taken
