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
Metrics = dict[str, dict[str, float]]


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
    before = server.cpu()
    given = {"BASE": server.base, "CLIENTS": str(clients), "SECONDS": str(seconds)}
    metrics = _drive(script, given, files, limit=seconds + 60)
    spent = server.cpu() - before
    requests = metrics["http_reqs"]
    return _load(metrics["http_req_duration"], int(requests["count"]), requests["rate"], _failed(metrics), spent)


def beside(
    servers: dict[str, Running], turns: list[tuple[str, float]], *, clients: int, paths: dict[str, list[str]]
) -> dict[str, Load]:
    """Drive several servers, one after the other: `turns` are their names, and the seconds (at least 1) of each turn.

    A failed request counts for all of them: the script counts without a name.
    """
    before = {name: server.cpu() for name, server in servers.items()}
    bases = {name: server.base for name, server in servers.items()}
    files: dict[str, object] = {"servers": bases, "turns": turns, "paths": paths}
    metrics = _drive("beside", {"CLIENTS": str(clients)}, files, limit=sum(each for _, each in turns) + 60)
    loads = {}
    for name, server in servers.items():
        times, count = metrics[name], int(metrics[name]["count"])
        rate = count / sum(seconds for turn, seconds in turns if turn == name)
        loads[name] = _load(times, count, rate, _failed(metrics), server.cpu() - before[name])
    return loads


def _drive(script: str, given: dict[str, str], files: dict[str, object], limit: float) -> Metrics:
    """Run a script; return what k6 measured, by the name of the metric."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            given[name.upper()] = str(file) if not isinstance(content, int) else str(content)
        summary = Path(folder) / "summary.json"
        command = [str(K6), "run", "--quiet", "--no-usage-report", "--address", "", "--summary-export", str(summary)]
        done = subprocess.run(
            [*command, str(SCRIPTS / f"{script}.js")],
            env=os.environ | given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"k6 {script}: {done.stderr[-4000:]}")
        metrics: Metrics = json.loads(summary.read_text(encoding="utf-8"))["metrics"]
        return metrics


def _failed(metrics: Metrics) -> int:
    return int(metrics.get("failed", {}).get("count", 0))


def _load(times: dict[str, float], requests: int, rate: float, failed: int, cpu: float) -> Load:
    return Load(
        requests=requests,
        rate=rate,
        p50=times["med"],
        p99=times["p(99)"],
        failed=failed,
        cpu=cpu / requests * 1e6 if requests else 0.0,
    )
