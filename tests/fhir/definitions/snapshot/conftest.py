"""Definitions of a test's own beside those of R4."""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_service.fhir.definitions import R4, Definitions, Package
from fhir_service.fhir.definitions.archive import Archive
from fhir_service.fhir.definitions.held import Held
from fhir_service.fhir.resource import Resource

BASE = "https://example.jp/fhir/test/StructureDefinition/"
TYPES = "http://hl7.org/fhir/StructureDefinition/"
Define = Callable[..., Definitions]


@pytest.fixture(scope="session")
def r4() -> Archive:
    return Archive(R4)


@pytest.fixture
def define(r4: Archive) -> Define:
    """Return a function that opens R4 and these StructureDefinitions, as one package."""

    def opened(*resources: Resource) -> Definitions:
        return Definitions(r4, [Held(Package("test", "1.0.0"), list(resources))])

    return opened


def profile(name: str, *elements: Resource, base: str = "Patient", of: str = "", **more: Any) -> Resource:
    """Return a profile `name` on a type, or on another profile (its url), with this differential."""
    return {
        "resourceType": "StructureDefinition",
        "url": BASE + name,
        "name": name,
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": of or base,
        "baseDefinition": base if ":" in base else TYPES + base,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    } | more


def element(identifier: str, **more: Any) -> Resource:
    """Return an element of a differential, its path and slice name as its id says."""
    path = ".".join(step.partition(":")[0] for step in identifier.split("."))
    sliced = identifier.rpartition(".")[2].partition(":")[2]
    return {"id": identifier, "path": path} | ({"sliceName": sliced} if sliced else {}) | more
