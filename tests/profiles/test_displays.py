"""What our definitions and examples call a code is what its code system calls it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from tests.profiles.files import PROFILES, read


def codings(node: Any) -> Iterator[tuple[str, str, str]]:
    """Give every code that is called something: its system, the code, and what it is called."""
    match node:
        case {"system": str(system), "code": str(code), "display": str(display)}:
            yield system, code, display
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from codings(each)


def test_a_code_is_called_what_its_system_calls_it(definitions: Definitions) -> None:
    @cache
    def displays(system: str) -> dict[str, str]:
        return dict(_displays((definitions.find(system) or {}).get("concept", ())))

    wrong = {
        (_place(file), code, display, displays(system)[code])
        for file in PROFILES.rglob("*.json")
        for system, code, display in codings(read(file))
        if code in displays(system) and display.casefold() != displays(system)[code].casefold()
    }

    assert wrong == set()


def _displays(concepts: Any) -> Iterator[tuple[str, str]]:
    each: Resource
    for each in concepts:
        if "display" in each:
            yield each["code"], each["display"]
        yield from _displays(each.get("concept", ()))


def _place(file: Path) -> str:
    return str(file.relative_to(PROFILES))
