"""k6 as a function: run a script of `bench/k6/` against a server and return what it counted.

https://grafana.com/docs/k6/latest/
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Running

K6 = Path(sys.executable).with_name("k6")
SCRIPTS = Path(__file__).with_name("k6")


@dataclass(frozen=True, slots=True)
class Load:
    """What a load did. Times are milliseconds; `cpu` is the server's, in microseconds for a request."""

    requests: int
    rate: float
    p50: float
    p99: float
    failed: int
    cpu: float


def run(script: str, server: Running, *, clients: int, seconds: float, **files: object) -> Load:
    """Drive `server` with so many clients for so long; `files` are handed to the script as JSON files."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"BASE": server.base, "CLIENTS": str(clients), "SECONDS": str(seconds)}
        for name, content in files.items():
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            environment[name.upper()] = str(file) if not isinstance(content, int) else str(content)
        summary = Path(folder) / "summary.json"
        before = server.cpu()
        _drive(script, environment, summary, limit=seconds + 60)
        spent = server.cpu() - before
        return _read(json.loads(summary.read_text(encoding="utf-8"))["metrics"], spent)


def _drive(script: str, environment: dict[str, str], summary: Path, limit: float) -> None:
    command = [str(K6), "run", "--quiet", "--no-usage-report", "--address", "", "--summary-export", str(summary)]
    done = subprocess.run(
        [*command, str(SCRIPTS / f"{script}.js")],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"k6 {script}: {done.stderr[-4000:]}")


def _read(metrics: dict[str, dict[str, float]], cpu: float) -> Load:
    requests = int(metrics["http_reqs"]["count"])
    times = metrics["http_req_duration"]
    return Load(
        requests=requests,
        rate=metrics["http_reqs"]["rate"],
        p50=times["med"],
        p99=times["p(99)"],
        failed=int(metrics.get("failed", {}).get("count", 0)),
        cpu=cpu / requests * 1e6 if requests else 0.0,
    )
