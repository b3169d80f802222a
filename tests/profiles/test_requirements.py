"""What a profile of ours requires cannot be left out of its full example without being told so."""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.resource import Resource
from fhir_service.terminology.loaded import LoadedTerminology
from fhir_service.validation.rules import RULES
from fhir_service.validation.validator import Validator
from tests.profiles.files import EXAMPLES, profiles, read

Place = tuple[str, tuple[str, ...]]  # a profile, and the steps to a required element, slices named behind a colon


def required() -> Iterator[Place]:
    """Give every element and slice that a profile of ours itself requires."""
    for file in profiles():
        for element in read(file)["differential"]["element"]:
            _, *steps = element["id"].split(".")
            inside = [step for step in steps[:-1] if ":" in step]
            if steps and element.get("min", 0) >= 1 and not inside:
                yield file.stem, tuple(steps)


@cache
def slices(profile: str) -> dict[str, Resource]:
    """Return the elements of a profile by their ids."""
    elements = read(next(file for file in profiles() if file.stem == profile))["differential"]["element"]
    return {element["id"]: element for element in elements}


@pytest.fixture(scope="module")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions, LoadedTerminology(definitions), extra=RULES)


@pytest.mark.parametrize(
    ("profile", "steps"), sorted(required()), ids=lambda each: each if isinstance(each, str) else ".".join(each)
)
def test_what_is_required_cannot_be_left_out(profile: str, steps: tuple[str, ...], validator: Validator) -> None:
    full = read(EXAMPLES / profile / "full.json")
    lacking = deepcopy(full)

    left_out = without(lacking, steps, profile, full["resourceType"])

    assert left_out, "the full example does not have it"
    assert [issue for issue in validator.check(lacking) if issue.severity == "error"]


def without(node: Any, steps: tuple[str, ...], profile: str, path: str) -> bool:
    """Take an element, or what is in a slice, out of a resource; say whether it was there."""
    (step, *rest), found = steps, False
    name, _, sliced = step.partition(":")
    for each in node if isinstance(node, list) else [node]:
        keys = [key for key in each if key == name or (name.endswith("[x]") and key.startswith(name[:-3]))]
        for key in keys:
            if rest:
                found |= without(each[key], tuple(rest), profile, f"{path}.{step}")
            elif sliced:
                kept = [value for value in each[key] if not is_in(value, slices(profile), f"{path}.{step}")]
                found |= len(kept) < len(each[key])
                each[key] = kept
            else:
                del each[key]
                found = True
    return found


def is_in(value: Resource, elements: dict[str, Resource], slice_id: str) -> bool:
    """Whether a value is in a slice: by its code or what it is, the type of its resource, or the extension's URL."""
    if pattern := elements[slice_id].get("patternCodeableConcept"):
        return any(pattern["coding"][0].items() <= coding.items() for coding in value.get("coding", ()))
    if code := elements.get(f"{slice_id}.code"):
        wanted = code["patternCodeableConcept"]["coding"][0]
        return any(wanted.items() <= coding.items() for coding in value.get("code", {}).get("coding", ()))
    if resource := elements.get(f"{slice_id}.resource"):
        return bool(value["resource"]["resourceType"] == resource["type"][0]["code"])
    kinds = elements[slice_id].get("type", ())
    return any(value.get("url") in kind.get("profile", ()) for kind in kinds)
