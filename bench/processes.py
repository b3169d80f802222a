"""The processes that a run measures: started, watched by what Linux says of them, and ended."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = Path(sys.executable).with_name("fhir-service")
START_LIMIT = 120.0  # seconds
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Running:
    """A server under measurement; `started` is the time from its start to its first 200, in seconds."""

    base: str
    process: subprocess.Popen[bytes]
    started: float
    peak: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def come_to_rest(self) -> None:
        """Wait until the server does nothing: a second after the last request it indexes words."""
        time.sleep(1.5)
        before = self.cpu()
        time.sleep(0.5)
        while (now := self.cpu()) - before > 0.02:
            before = now
            time.sleep(0.5)

    def cpu(self) -> float:
        """Return the seconds of CPU spent so far, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def watch(self) -> None:
        """Keep the highest memory seen in `peak`, until the server ends."""
        while not self._stop.wait(0.1):
            self.peak = max(self.peak, self.memory())


def fhir_server(data_dir: Path) -> AbstractContextManager[Running]:
    """Run our server on this data, as `fhir-service serve --open` does."""
    return running(
        lambda port: [str(COMMAND), "serve", "--open", "--port", str(port), "--data-dir", str(data_dir)],
        log=data_dir.parent / "server.log",
        base="/fhir",
        probe="/metadata",
    )


def bare_server(folder: Path) -> AbstractContextManager[Running]:
    """Run the bare application of `bench.bare`."""
    command = [sys.executable, "-m", "bench.bare"]
    return running(lambda port: [*command, str(port)], log=folder / "bare.log", base="", probe="/")


@contextmanager
def running(command: Callable[[int], list[str]], *, log: Path, base: str, probe: str) -> Iterator[Running]:
    """Run a server on a free port until the block ends; its output goes to `log`."""
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_SERVICE_")}
    with log.open("ab") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command(port), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
    server = Running(f"http://127.0.0.1:{port}{base}", process, 0.0)
    try:
        _wait(server, probe, log)
        server.started = time.perf_counter() - begun
        watcher = threading.Thread(target=server.watch, daemon=True)
        watcher.start()
        yield server
        server._stop.set()
        watcher.join()
    finally:
        server._stop.set()
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_command(*arguments: str | Path) -> float:
    """Run `fhir-service` with these arguments; return the seconds it took."""
    begun = time.perf_counter()
    done = subprocess.run(
        [COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        raise SystemExit(f"fhir-service {' '.join(map(str, arguments))}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - begun


def _wait(server: Running, probe: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise SystemExit(f"a server ended at its start:\n{log.read_text(errors='replace')[-4000:]}")
        try:
            with urllib.request.urlopen(server.base + probe, timeout=10) as answer:
                answer.read()
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.005)
    raise SystemExit(f"a server did not answer within {START_LIMIT:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
