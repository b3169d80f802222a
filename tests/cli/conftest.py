"""The command line in this process, and a look into the store that it filled."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fhir_service.app import wire
from fhir_service.cli import main
from fhir_service.fhir.json import decode
from fhir_service.settings import Settings

Run = Callable[..., Result]
Resource = dict[str, Any]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs `fhir-service` with these words on a data directory of the test's own."""

    def runs(*words: str | Path) -> Result:
        arguments = [str(word) for word in words]
        return CliRunner(env={"COLUMNS": "240"}).invoke(main, [*arguments, "--data-dir", str(tmp_path / "data")])

    return runs


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], dict[str, Resource]]:
    """Return a function that reads all that stands in the store, by `Type/id`."""

    async def look() -> dict[str, Resource]:
        services = wire(Settings(data_dir=tmp_path / "data"))
        found = {str(version.key): decode(version.body) async for version in services.store.scan(None)}
        await services.store.close()
        return found

    return lambda: asyncio.run(look())


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes resources into a file, each on a line if it is an NDJSON file."""

    def writes(name: str, *resources: Resource | str) -> Path:
        file = tmp_path / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        texts = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in resources]
        file.write_text("\n".join(texts), encoding="utf-8")
        return file

    return writes
