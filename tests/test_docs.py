"""What README and docs say is so: commands, settings, links, and every curl of the README's main job."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from fhir_service.cli import main
from fhir_service.settings import Settings
from tests.conftest import COMMAND, Server, StartServer

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "NOTICE", *ROOT.glob("docs/**/*.md")]
DOCUMENTS += ROOT.glob("profiles/**/README.md")


def test_every_command_of_the_documents_exists() -> None:
    assert [line for line in _command_lines() if not _is_command(line.split())] == []


def test_every_command_stands_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")

    assert [path for path in _command_paths(get_command(main)) if f"`fhir-service {path}" not in text] == []


def test_every_setting_stands_in_the_readme_with_its_default() -> None:
    text = README.read_text(encoding="utf-8")
    rows = {name.upper(): str(_shown(field.default)) for name, field in Settings.model_fields.items()}

    assert [
        name for name, value in rows.items() if not re.search(rf"`FHIR_SERVICE_{name}` \| {re.escape(value)} ", text)
    ] == []


def test_every_variable_of_the_documents_is_a_setting() -> None:
    named = {name for document in DOCUMENTS for name in re.findall(r"FHIR_SERVICE_(\w+)", _text(document))}
    known = {name.upper() for name in Settings.model_fields} | {"SHARED"}

    assert named - known == set()


def test_every_make_target_of_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), re.MULTILINE))
    named = {name for document in DOCUMENTS for name in re.findall(r"(?:`|^\$ )make ([a-z-]+)", _text(document), re.M)}

    assert named - targets == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", _text(document))

    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def test_the_main_job_runs_as_the_readme_shows_it(start_server: StartServer) -> None:
    server = start_server()

    answers = _run_steps(_steps(), server)

    assert all('"Bundle"' in answer[:60] for answer in answers)
    sent, inbox, case, answered, plan = answers
    assert '"location":"Task/' in sent
    assert '"status" : "requested"' in _spaced(inbox) and "水野 光一" in inbox
    assert '"resourceType" : "Condition"' in _spaced(case)
    assert answered.count('"status":"201') >= 10
    assert "個別支援計画" in plan and '"resourceType" : "CareTeam"' in _spaced(plan)


def test_the_first_command_finds_care_plans_in_the_demonstration_region(
    start_server: StartServer, tmp_path: Path
) -> None:
    subprocess.run([COMMAND, "demo", "--data-dir", tmp_path / "data"], check=True, capture_output=True, timeout=120)
    server = start_server(data_dir=tmp_path / "data")

    (answer,) = _run_steps(re.findall(r"^\$ (curl .*)$", _text(README), re.MULTILINE), server)

    assert '"resourceType": "CarePlan"' in answer and '"resourceType": "CareTeam"' in answer


def _run_steps(steps: list[str], server: Server) -> list[str]:
    """Run the steps in one shell, as a reader would, and return what each printed."""
    mark = "=== next step ==="
    script = ["set -euo pipefail", 'curl() { command curl -sS --fail-with-body --max-time 60 "$@"; }']
    for step in steps:
        script += [step.replace("localhost:8080", f"127.0.0.1:{server.port}"), f"echo; echo '{mark}'"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr}"
    return [answer.strip() for answer in done.stdout.split(mark)[:-1]]


def _steps() -> list[str]:
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", _text(README), re.MULTILINE | re.DOTALL)
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in blocks]


def _command_lines() -> Iterator[str]:
    for document in DOCUMENTS:
        yield from re.findall(r"fhir-service ((?:[a-z][a-z-]*)(?: (?:--?[a-z-]+|[A-Za-z./]+))*)", _code(document))


def _is_command(words: list[str]) -> bool:
    command: Any = get_command(main)
    while isinstance(command, TyperGroup) and words:
        command = command.commands.get(words.pop(0))
        if command is None:
            return False
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return all(word in known for word in words if word.startswith("-"))


def _command_paths(command: Any, path: str = "") -> Iterator[str]:
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from _command_paths(child, f"{path} {name}".strip())
    else:
        yield path


def _code(document: Path) -> str:
    """Return what stands in code marks or blocks."""
    text = _text(document)
    return "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text))


def _shown(value: object) -> str:
    match value:
        case bool():
            return "`on`" if value else "`off`"
        case None | "" | ():
            return ""
        case _:
            return f"`{value}`"


def _spaced(text: str) -> str:
    return re.sub(r'"\s*:\s*', '" : ', text)


def _text(document: Path) -> str:
    return document.read_text(encoding="utf-8")
