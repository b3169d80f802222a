"""Resources that are checked and indexed in several threads at once come out as if each were alone.

Large resources are checked beside the event loop, in threads that share what was compiled of the definitions; these
change meanwhile, for clients store definitions.
"""

import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Key, Resource
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.registry import SearchRegistry
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.compiled import Compiled
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.conftest import ROOT

THREADS = 3
URL = "http://example.org/threads"
STORED: dict[str, Resource] = {
    "StructureDefinition": {
        "url": f"{URL}/profile", "name": "Threads", "status": "active", "kind": "resource", "abstract": False,
        "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {
            "element": [
                {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1},
                {
                    "id": "Patient.maritalStatus", "path": "Patient.maritalStatus",
                    "binding": {"strength": "required", "valueSet": f"{URL}/values"},
                },
            ]
        },
    },
    "ValueSet": {"url": f"{URL}/values", "status": "active", "compose": {"include": [{"system": f"{URL}/codes"}]}},
    "CodeSystem": {
        "url": f"{URL}/codes", "status": "active", "content": "complete", "concept": [{"code": "a"}, {"code": "b"}],
    },
}  # fmt: skip


def resources() -> list[Resource]:
    """Return some of our own examples, a larger resource, and patients of a stored profile, good and bad."""
    claimed = {"resourceType": "Patient", "meta": {"profile": [f"{URL}/profile"]}}
    marital = [{"maritalStatus": {"coding": [{"system": f"{URL}/codes", "code": code}]}} for code in "abc"]
    items = [{"linkId": str(n), "type": "string", "text": "x"} for n in range(500)]
    examples = [
        json.decode(path.read_bytes()) for path in sorted((ROOT / "profiles" / "examples").rglob("*.json"))[::6]
    ]
    return [
        *examples,
        {"resourceType": "Questionnaire", "status": "active", "item": items},
        *({**claimed, "id": str(n), **marital[n % 3]} for n in range(30)),
    ]


class Checks:
    """What a server checks and indexes with, nothing of it compiled yet."""

    def __init__(self, folder: Path) -> None:
        self.definitions = Definitions.load()
        self.store_definitions(0)
        compiled = Compiled(folder, self.definitions)
        terminology = LoadedTerminology(self.definitions, compiled)
        self._validator = Validator(self.definitions, terminology, extra=RULES, compiled=compiled)
        self._indexer = Indexer(self.definitions, SearchRegistry(self.definitions, terminology))

    def __call__(self, resource: Resource) -> tuple[Any, ...]:
        return self._validator.check(resource), self._indexer.index(resource)

    def store_definitions(self, number: int) -> None:
        for kind, definition in STORED.items():
            body = json.encode({"resourceType": kind, **definition, "description": str(number)})
            self.definitions.put(Key(kind, "threads"), body)


@pytest.fixture
def restless() -> Iterator[None]:
    """Has threads give way to each other after nearly every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_threads_find_what_one_finds_while_definitions_are_stored(tmp_path: Path) -> None:
    asked = resources()
    alone = Checks(tmp_path / "alone")
    wanted = [alone(resource) for resource in asked]
    together = Checks(tmp_path / "together")
    different: list[Any] = []

    def check_all(order: random.Random) -> None:
        for n in order.sample(range(len(asked)), len(asked)):
            try:
                found = together(asked[n])
            except Exception as error:
                different.append((n, error))
            else:
                if found != wanted[n]:
                    different.append((n, found, wanted[n]))

    threads = [threading.Thread(target=check_all, args=(random.Random(seed),)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    number = 0
    while any(thread.is_alive() for thread in threads):
        together.store_definitions(number := number + 1)
        time.sleep(0.02)

    assert not different
    assert number > 10
