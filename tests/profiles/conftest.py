"""Our own definitions and examples as the tests read them, with and without JP Core beside them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.definitions.adding import add_package

PACKAGES = {"JP Core 1.1.2": "jp-core.r4-1.1.2-url.tgz", "JP Core 1.2.0": "jp-core.r4-1.2.0.tgz"}

Installed = Callable[[str], Definitions]


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    """What the service ships: R4 and our own."""
    return Definitions.load()


@pytest.fixture(scope="session")
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return the definitions with a package of `PACKAGES` beside them, or without one ("")."""

    @cache
    def load(package: str) -> Definitions:
        if not package:
            return Definitions.load()
        shared: Path = request.getfixturevalue("shared")
        folder = tmp_path_factory.mktemp("packages")
        add_package(shared / "data" / "packages" / PACKAGES[package], folder, Definitions.load().sources)
        return Definitions.load(packages=folder)

    return load
