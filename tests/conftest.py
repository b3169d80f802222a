"""What the whole suite stands on: shared reference data, the official examples, and a real server over HTTP.

The server is the one a user starts (`fhir-service serve --open`), in its own process, on a free port, on a data
directory of its own. `CI=true` makes absent test data an error instead of a skip.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("FHIR_SERVICE_SHARED") or ROOT.parent / "shared")
R4_EXAMPLES = ROOT / ".cache" / "r4-examples" / "package"
R4_EXPANSIONS = ROOT / ".cache" / "r4-expansions" / "package"
COMMAND = Path(sys.executable).with_name("fhir-service")
START_LIMIT = 60.0  # seconds; generous, because a busy CI machine starts slowly
LOG_SHOWN = 8_000  # characters of a server's log beside a failed test


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data that is kept beside the repository."""
    return _present(SHARED, f"no reference data at {SHARED} (set FHIR_SERVICE_SHARED)")


@pytest.fixture(scope="session")
def r4_examples() -> Path:
    """The unpacked `package/` folder of hl7.fhir.r4.examples 4.0.1, as `make test` fetches it."""
    return _present(R4_EXAMPLES, "hl7.fhir.r4.examples is not unpacked: `make test-data` fetches it with npm")


@pytest.fixture(scope="session")
def r4_expansions() -> Path:
    """The unpacked `package/` folder of hl7.fhir.r4.expansions 4.0.1, as `make test` fetches it."""
    return _present(R4_EXPANSIONS, "hl7.fhir.r4.expansions is not unpacked: `make test-data` fetches it with npm")


@dataclass(slots=True)
class Server:
    """A running server. `base` is the FHIR endpoint, `root` what stands above it; `log` is what it printed."""

    port: int
    data_dir: Path
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        return f"{self.root}/fhir"

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL to its whole process group)."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def stop(self) -> None:
        """End it as an operator would (SIGTERM), and by force if it does not obey within ten seconds."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()


StartServer = Callable[..., Server]


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    started: list[Server] = []

    def start(*, data_dir: Path | None = None, env: dict[str, str] | None = None, **flags: Any) -> Server:
        home = tmp_path_factory.mktemp("server")
        server = _start(data_dir or home / "data", home / "server.log", flags, env or {})
        started.append(server)
        _wait_until_ready(server)
        return server

    yield start

    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def server(_servers: StartServer) -> Server:
    """One real server for the whole session: tests that share it search only for what they made themselves."""
    return _servers()


@pytest.fixture
def start_server(_servers: StartServer) -> Iterator[StartServer]:
    """Return a function that starts a server of the test's own: `start_server(data_dir=…, env={…}, **flags)`.

    Flags are those of `fhir-service serve` (`body_limit=1000` is `--body-limit 1000`, `True` is the bare flag); `env`
    adds settings (`FHIR_SERVICE_…`). A `data_dir` given twice opens the same data again.
    """
    own: list[Server] = []

    def start(**arguments: Any) -> Server:
        own.append(_servers(**arguments))
        return own[-1]

    yield start

    for server in own:
        server.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Put the log of the session's server beside a test that used it and failed."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, Server):
        report.sections.append(("server log", running.log[-LOG_SHOWN:]))
    return report


def _start(data_dir: Path, log_file: Path, flags: dict[str, Any], env: dict[str, str]) -> Server:
    port = flags.pop("port", None) or _free_port()
    command = [str(COMMAND), "serve", "--open", "--port", str(port)]
    command += ["--data-dir", str(data_dir), *_arguments(flags)]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_SERVICE_")}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=settings | {"PYTHONUNBUFFERED": "1"} | env,
            cwd=log_file.parent,
            start_new_session=True,
        )
    return Server(port, data_dir, log_file, process)


def _arguments(flags: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in flags.items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(str(value))
    return words


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            _fail(f"the server ended with {server.process.returncode}:\n{server.log[-LOG_SHOWN:]}")
        try:
            with urllib.request.urlopen(f"{server.base}/metadata", timeout=5) as answer:
                json.load(answer)
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    server.kill()
    _fail(f"the server did not answer within {START_LIMIT:.0f} s:\n{server.log[-LOG_SHOWN:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _present(path: Path, reason: str) -> Path:
    if path.is_dir():
        return path
    if os.environ.get("CI") == "true":
        _fail(reason)
    pytest.skip(reason)


def _fail(reason: str) -> Never:
    pytest.fail(reason, pytrace=False)
