"""What first validations need, made behind the requests by a process of its own, once for what definitions there are.

`packages add` has made it already, as a rule; else definitions came over HTTP, or the release is new.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import msgspec

from fhir_service.fhir.definitions import Definitions
from fhir_service.validation.compiled import Compiled
from fhir_service.validation.preparing import is_prepared

REST = 5.0  # seconds for which the definitions have to stay as they are


class Preparing:
    """Looks whether all is made of the definitions that are here, and has it made."""

    def __init__(self, definitions: Definitions, compiled: Compiled, data_dir: Path) -> None:
        self._definitions = definitions
        self._compiled = compiled
        self._data_dir = data_dir

    async def run(self) -> None:
        """Look, for as long as the server is there."""
        looked_at: int | None = None
        while True:
            generation = self._definitions.generation
            await asyncio.sleep(REST)
            if generation == self._definitions.generation and generation != looked_at:
                looked_at = generation
                if not is_prepared(self._compiled) and self._data_dir.is_dir():
                    await self._prepare()
                    self._compiled.renew()

    async def _prepare(self) -> None:
        """Have it made by another process, which is given what is stored here."""
        stored = b"\n".join(msgspec.json.encode((*key, body.decode())) for key, body in self._definitions.stored())
        command = (
            sys.executable,
            "-m",
            "fhir_service",
            "packages",
            "prepare",
            "--stored",
            "--data-dir",
            self._data_dir,
        )
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL)
        try:
            await process.communicate(stored)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
