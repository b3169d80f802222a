"""Profiles made for one test: a differential in a few words, and the validator that knows it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fhir_service.fhir import json
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Key, Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator

BASE = "http://hl7.org/fhir/StructureDefinition/"
URL = "http://example.org/fhir/StructureDefinition/"

Found = list[tuple[str, str | None]]
Ask = Callable[..., Found]
Know = Callable[[Resource], str]


def element(path: str, **what: Any) -> Resource:
    """Return an element of a differential; `slice_name` makes it (or `path:slice.rest`) that of a slice."""
    plain = ".".join(step.partition(":")[0] for step in path.split("."))
    found: Resource = {"id": path, "path": plain}
    name = path.rpartition(".")[2].partition(":")[2]
    if name:
        found["sliceName"] = name
    return found | what


def profile(type_name: str, *elements: Resource, name: str = "test", **more: Any) -> Resource:
    """Return a profile of a type with these elements in its differential."""
    return {
        "resourceType": "StructureDefinition",
        "url": f"{URL}{name}",
        "name": name.title(),
        "status": "active",
        "kind": "complex-type" if type_name in ("Extension", "Identifier", "Coding", "Quantity") else "resource",
        "abstract": False,
        "type": type_name,
        "baseDefinition": f"{BASE}{type_name}",
        "derivation": "constraint",
        "differential": {"element": [{"id": type_name, "path": type_name}, *elements]},
    } | more


def extension(name: str, value_type: str, *contexts: str, **more: Any) -> Resource:
    """Return the definition of a simple extension that may stand at these places."""
    return profile(
        "Extension",
        element("Extension.url", fixedUri=f"{URL}{name}"),
        element("Extension.value[x]", min=1, type=[{"code": value_type}]),
        name=name,
        context=[{"type": "element", "expression": each} for each in contexts],
        **more,
    )


def places(issues: list[Issue]) -> Found:
    """Return where the errors are, and the rules they break."""
    return [(issue.expression[0], issue.rule) for issue in issues if issue.severity == "error"]


@pytest.fixture(scope="session")
def loaded() -> Definitions:
    return Definitions.load()


@pytest.fixture
def definitions(loaded: Definitions) -> Definitions:
    """The definitions of R4, to which a test may add its own by `know`."""
    return loaded


@pytest.fixture
def know(definitions: Definitions) -> Iterator[Know]:
    """Return a function that makes a definition known for the time of the test, and gives its url."""
    keys: list[Key] = []

    def known(definition: Resource) -> str:
        keys.append(Key(definition["resourceType"], f"test-{len(keys)}"))
        definitions.put(keys[-1], json.encode(definition | {"id": keys[-1].id}))
        return str(definition["url"])

    yield known
    for key in keys:
        definitions.forget(key)


@pytest.fixture(scope="session")
def validator(loaded: Definitions) -> Validator:
    """The validator with every rule, as the server has it."""
    return Validator(loaded, LoadedTerminology(loaded), extra=RULES)


@pytest.fixture
def ask(know: Know, validator: Validator) -> Ask:
    """Return the errors of a resource by the profile, which comes first among some definitions."""
    urls: dict[str, str] = {}

    def asked(resource: Resource, *known: Resource) -> Found:
        for each in known:
            if each["url"] not in urls:
                urls[each["url"]] = know(each)
        return places(validator.check(resource, [known[0]["url"]]))

    return asked
