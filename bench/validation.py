"""What it takes to accept one resource: decode, validate against R4 and its profile, index, encode.

`python -m bench.validation` prints a table of medians; it asserts nothing. The first column is of a process that has
validated nothing yet and has nothing on disk. With `--starts`, and with the Japanese packages beside the repository, it
also tells what starts cost and the first `$validate` after them, over HTTP (`bench.first`).
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from statistics import median
from uuid import UUID

from bench.first import SHARED, measured
from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.policy import Policy
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator

EXAMPLES = Path(__file__).parents[1] / "profiles" / "examples"
BASE = "http://localhost:8080/fhir"

# Against R4 and our own profile: a folder of `profiles/examples` and one of its files.
CASES = (
    ("outreach-patient", "full"),
    ("outreach-encounter", "full"),
    ("outreach-individual-support-plan", "full"),
    ("outreach-assessment", "full"),
    ("outreach-document-referral", "full"),
)


DOCUMENT = "outreach-document-referral"


def document(entries: int) -> bytes:
    """Return the referral document with as many entries, each of which its Composition refers to."""
    whole = json.decode_resource((EXAMPLES / DOCUMENT / "full.json").read_bytes())
    composition, *others = whole["entry"]
    copied = [each for each in others if each["resource"]["resourceType"] in ("Condition", "Observation", "Encounter")]
    for number in range(entries - len(whole["entry"])):
        copy = deepcopy(copied[number % len(copied)])
        copy["fullUrl"] = f"urn:uuid:{UUID(int=number)}"
        copy["resource"].pop("id", None)
        whole["entry"].append(copy)
        section = composition["resource"]["section"][0]
        section.setdefault("entry", []).append({"reference": copy["fullUrl"]})
    return json.encode(whole)


class Bench:
    """The parts that a write goes through."""

    def __init__(self) -> None:
        self._definitions = Definitions.load()
        terminology = LoadedTerminology(self._definitions)
        self._check = Policy(Validator(self._definitions, terminology, extra=RULES))
        self._indexer = Indexer(self._definitions, SearchRegistry(self._definitions, terminology), BASE)

    def validate(self, resource: Resource) -> None:
        """Check a resource as a write does."""
        self._check(resource)

    def accept(self, data: bytes) -> None:
        """Do all that a write does before it stores."""
        resource = json.decode_resource(data)
        self._check(resource)
        self._indexer.index(resource)
        json.encode(resource)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    parser.add_argument("--first", type=Path, help="print only how long the first validation of this file takes")
    parser.add_argument("--starts", type=int, default=0, help="how many starts to measure of each kind")
    asked = parser.parse_args()
    if asked.first is not None:
        print(_first(asked.first))
        return

    bench = Bench()
    print(f"{'resource':40} {'KB':>6} {'first ms':>9} {'validate ms':>12} {'accept ms':>10}")
    for folder, name in CASES:
        path = EXAMPLES / folder / f"{name}.json"
        data = path.read_bytes()
        resource, first = json.decode_resource(data), _first_elsewhere(path)
        validating = _timed(lambda one=resource: bench.validate(one), asked.seconds)  # type: ignore[misc]
        accepting = _timed(lambda one=data: bench.accept(one), asked.seconds)  # type: ignore[misc]
        print(f"{folder:40} {len(data) / 1024:6.1f} {first:9.1f} {validating:12.3f} {accepting:10.3f}")
    data = document(100)
    resource = json.decode_resource(data)
    validating, accepting = (
        _timed(lambda: bench.validate(resource), asked.seconds),
        _timed(lambda: bench.accept(data), asked.seconds),
    )
    print(f"{DOCUMENT + ', 100 entries':40} {len(data) / 1024:6.1f} {'':9} {validating:12.3f} {accepting:10.3f}")
    for line in measured(asked.starts) if asked.starts and SHARED.is_dir() else ():
        print(line)


def _first(path: Path) -> float:
    """Return the milliseconds of the first validation in this process."""
    bench, resource = Bench(), json.decode_resource(path.read_bytes())
    before = time.perf_counter()
    bench.validate(resource)
    return (time.perf_counter() - before) * 1000


def _first_elsewhere(path: Path) -> float:
    """Return the milliseconds of the first validation in a new process, the median of three."""
    command = [sys.executable, "-m", "bench.validation", "--first", str(path)]
    return median(float(subprocess.run(command, capture_output=True, check=True, text=True).stdout) for _ in range(3))


def _timed(run: Callable[[], None], seconds: float) -> float:
    """Return the median milliseconds of a run."""
    run()
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        before = time.perf_counter()
        run()
        times.append(time.perf_counter() - before)
    return median(times) * 1000


if __name__ == "__main__":
    main()
