"""`fhir-service serve`: what it starts, and what it refuses to start."""

import inspect
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_service.cli.serve import serve
from fhir_service.settings import Settings

COMMAND = str(Path(sys.executable).with_name("fhir-service"))


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **env}, check=False
    )


def test_it_refuses_to_start_without_open_and_says_why() -> None:
    ended = run("serve")

    assert ended.returncode != 0
    assert "サインイン" in ended.stderr
    assert "Sign-in does not exist yet" in ended.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.jp"])
def test_open_refuses_every_address_beyond_this_machine(host: str, tmp_path: Path) -> None:
    ended = run("serve", "--open", "--host", host, "--data-dir", str(tmp_path))

    assert ended.returncode != 0
    assert "127.0.0.1" in ended.stderr


def test_a_port_that_is_taken_is_told_before_the_data_are_opened(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        ended = run("serve", "--open", "--port", port, "--data-dir", str(tmp_path / "data"))

    assert ended.returncode == 1
    assert f"ポート {port}" in ended.stderr and f"port {port}" in ended.stderr
    assert "OPEN" not in ended.stdout
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "99999"),
        ("--database", "postgres://x"),
        ("--base-url", "ftp://x"),
        ("--max-body", "0"),
        ("--nonsense",),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(arguments: tuple[str, ...]) -> None:
    assert run("serve", "--open", *arguments).returncode == 2


def test_a_file_that_is_no_database_is_told_in_both_languages(tmp_path: Path) -> None:
    (tmp_path / "fhir.sqlite").write_text("not a database, but longer than the head of one" * 10)
    resource = tmp_path / "patient.json"
    resource.write_text('{"resourceType":"Patient","id":"1"}')

    for words in (("serve", "--open"), ("load", str(resource))):
        ended = run(*words, "--data-dir", str(tmp_path))

        assert ended.returncode == 1
        assert "データベースとして開けません" in ended.stderr
        assert "cannot be opened as an SQLite database" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_every_setting_is_a_flag() -> None:
    flags = {name.removesuffix("_") for name in inspect.signature(serve).parameters}

    assert flags == set(Settings.model_fields)


def test_every_setting_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FHIR_SERVICE_PORT", "9999")
    monkeypatch.setenv("FHIR_SERVICE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FHIR_SERVICE_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("FHIR_SERVICE_REFERENTIAL_INTEGRITY", "false")

    settings = Settings()

    assert (settings.port, settings.data_dir) == (9999, tmp_path)
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.referential_integrity is False


def test_the_banner_says_in_both_languages_that_anyone_may_write(server: Any) -> None:
    assert "すべてのデータを読み書きできます" in server.log
    assert "can read and write everything" in server.log
    assert server.base in server.log


def test_what_was_written_is_there_after_a_restart_and_page_links_too(start_server: Any, tmp_path: Path) -> None:
    first = start_server(data_dir=tmp_path / "data")
    for _ in range(3):
        assert httpx.post(f"{first.base}/Patient", json={"resourceType": "Patient"}).status_code == 201
    page = httpx.get(f"{first.base}/Patient?_count=2").json()
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    first.stop()

    second = start_server(data_dir=tmp_path / "data", port=first.port)

    assert httpx.get(f"{second.base}/Patient?_summary=count").json()["total"] == 3
    assert len(httpx.get(following).json()["entry"]) == 1


def test_a_stop_lets_the_store_close(start_server: Any, tmp_path: Path) -> None:
    server = start_server(data_dir=tmp_path / "data")
    httpx.post(f"{server.base}/Patient", json={"resourceType": "Patient"})

    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=10)

    assert "Traceback" not in server.log
    assert [path.name for path in (tmp_path / "data").glob("fhir.sqlite*")] == ["fhir.sqlite"]


def test_the_data_are_for_the_owner_only(start_server: Any, tmp_path: Path) -> None:
    start_server(data_dir=tmp_path / "data")

    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600


def test_a_store_in_memory_leaves_nothing_behind(start_server: Any, tmp_path: Path) -> None:
    server = start_server(data_dir=tmp_path / "data", database="memory://")
    assert httpx.post(f"{server.base}/Patient", json={"resourceType": "Patient"}).status_code == 201

    server.stop()

    assert not (tmp_path / "data").exists()


def test_the_limit_of_a_body_can_be_set(start_server: Any) -> None:
    server = start_server(max_body=1000, database="memory://")

    answer = httpx.post(f"{server.base}/Patient", json={"resourceType": "Patient", "language": "x" * 1000})

    assert answer.status_code == 413


def test_referential_integrity_can_be_left_to_the_clients(start_server: Any) -> None:
    server = start_server(no_referential_integrity=True, database="memory://")
    group = {
        "resourceType": "Group",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": "Patient/not-here"}}],
    }

    assert httpx.post(f"{server.base}/Group", json=group).status_code == 201
    policy = httpx.get(f"{server.base}/metadata").json()["rest"][0]["resource"][0]["referencePolicy"]
    assert "enforced" not in policy


def test_the_address_that_clients_know_can_be_set(start_server: Any) -> None:
    server = start_server(base_url="https://fhir.example.jp/r4", database="memory://")

    created = httpx.post(f"{server.base}/Patient", json={"resourceType": "Patient"})

    assert created.headers["Location"].startswith("https://fhir.example.jp/r4/Patient/")


def test_help_is_quick_and_names_the_commands() -> None:
    before = os.times()
    ended = run("--help")
    after = os.times()

    assert "serve" in ended.stdout
    assert after.children_user + after.children_system - before.children_user - before.children_system < 2
