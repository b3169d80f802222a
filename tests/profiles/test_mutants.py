"""Our Japanese examples, each with one thing made wrong that R4 or its profile forbids, are refused wherever it is."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.profiles.files import EXAMPLES, OUTREACH, read
from tests.validation.mutation import MUTATIONS, mutants

GOOD = sorted(file for file in EXAMPLES.rglob("*.json") if not file.name.startswith("error-"))
CODED = {"code", "Coding", "CodeableConcept"}


@pytest.fixture(scope="module")
def terminology(definitions: Definitions) -> LoadedTerminology:
    return LoadedTerminology(definitions)


@pytest.fixture(scope="module")
def validator(definitions: Definitions, terminology: LoadedTerminology) -> Validator:
    return Validator(definitions, terminology, extra=RULES)


def refused(validator: Validator, resource: Resource) -> bool:
    return any(issue.severity == "error" for issue in validator.check(resource))


def test_no_good_example_is_refused(validator: Validator) -> None:
    assert len(GOOD) >= 200
    assert [file.name for file in GOOD if refused(validator, read(file))] == []


def test_every_mutant_by_r4_is_refused(
    validator: Validator, definitions: Definitions, terminology: LoadedTerminology
) -> None:
    missed: list[tuple[str, str, str]] = []
    count = 0
    for number, file in enumerate(GOOD):
        resource = read(file)
        for mutate in MUTATIONS[number % 2 :: 2]:
            for place, mutant in mutants(resource, mutate, definitions, terminology, step=37):
                count += 1
                if not refused(validator, mutant):
                    missed.append((f"{file.parent.name}/{file.name}", mutate.__name__, place))

    assert missed == []
    assert count > 500


def test_every_mutant_by_its_profile_is_refused(validator: Validator, definitions: Definitions) -> None:
    missed: list[tuple[str, str]] = []
    count = 0
    for file in GOOD:
        for element, mutant in _by_profile(read(file), definitions):
            count += 1
            if not refused(validator, mutant):
                missed.append((f"{file.parent.name}/{file.name}", element))

    assert missed == []
    assert count > 500


def _by_profile(resource: Resource, definitions: Definitions) -> Iterator[tuple[str, Resource]]:
    """Give the resource without what its profile needs, or with a code that is not the fixed one, or not bound."""
    for url in resource.get("meta", {}).get("profile", ()):
        snapshot = definitions.snapshot(url) if url.startswith(OUTREACH) else None
        for element in snapshot.elements if snapshot else ():
            _, _, name = element["path"].partition(".")
            if not name or "." in name or ":" in element["id"]:
                continue
            choice = name.removesuffix("[x]")
            held = [each for each in resource if each == name or (choice != name and each.startswith(choice))]
            if held and element.get("min"):
                yield element["id"], {key: value for key, value in resource.items() if key not in held}
            fixed = any(key.startswith(("fixed", "pattern")) for key in element)
            required = element.get("binding", {}).get("strength") == "required"
            if name in resource and (fixed or required) and element["type"][0]["code"] in CODED:
                yield element["id"], resource | {name: _other(resource[name])}


def _other(value: Any) -> Any:
    """Return a code of no value set in the shape of a value."""
    match value:
        case [first, *rest]:
            return [_other(first), *deepcopy(rest)]
        case {"coding": _} | {"text": _}:
            return {"coding": [{"system": "http://example.jp/none", "code": "none"}]}
        case {"code": _}:
            return {"system": "http://example.jp/none", "code": "none"}
        case _:
            return "none"
