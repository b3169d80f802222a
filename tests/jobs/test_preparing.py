"""What first validations need is made behind a server, of what is stored there, too."""

import asyncio
import json
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Key
from fhir_service.jobs import preparing
from fhir_service.jobs.behind import Behind
from fhir_service.jobs.preparing import Preparing
from fhir_service.validation.compiled import Compiled
from fhir_service.validation.preparing import is_prepared
from tests.validation.profile.conftest import URL, element, profile

PATIENCE = 60  # seconds for a process that takes two


async def test_another_process_prepares_what_is_stored_and_then_the_server_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "REST", 0.05)
    definitions = Definitions.load()
    body = json.dumps(profile("Patient", element("Patient.name", min=1))).encode()
    definitions.put(Key("StructureDefinition", "a"), body)
    compiled = Compiled(tmp_path / "compiled", definitions)
    background = Behind(Preparing(definitions, compiled, tmp_path).run)

    background.start()
    async with asyncio.timeout(PATIENCE):
        while not is_prepared(compiled):
            await asyncio.sleep(0.05)
    await background.close()

    assert compiled.get(str(definitions.name(f"{URL}test"))) is not None
