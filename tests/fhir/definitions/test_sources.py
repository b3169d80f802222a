"""Which definition a canonical names, where several packages and versions have it."""

import pytest

from fhir_service.fhir.definitions import R4, Definitions, Package
from fhir_service.fhir.definitions.archive import Archive
from fhir_service.fhir.definitions.held import Held
from fhir_service.fhir.resource import Resource

URL = "http://example.org/StructureDefinition/"


def profile(
    name: str, low: int, base: str = "http://hl7.org/fhir/StructureDefinition/Patient", **more: str
) -> Resource:
    element = {"id": "Patient.name", "path": "Patient.name", "min": low}
    return {
        "resourceType": "StructureDefinition",
        "url": URL + name,
        "type": "Patient",
        "baseDefinition": base,
        "derivation": "constraint",
        "differential": {"element": [element] if low else []},
    } | more


OLD = Package("below", "1.2.0")
NEW = Package("below", "2.0.0")
ABOVE = Package("above", "1.0.0", dependencies=(("below", "1.x"), ("hl7.fhir.r4.core", "4.0.1")))
TOP = Package("top", "1.0.0", dependencies=(("above", "1.0.0"),))


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions(
        Archive(R4),
        [
            Held(NEW, [profile("base", 2)]),
            Held(OLD, [profile("base", 1)]),
            Held(ABOVE, [profile("person", 0, f"{URL}base"), profile("pinned", 0, f"{URL}base|2.0.0")]),
            Held(TOP, [profile("top", 0, f"{URL}person")]),
        ],
    )


def least(definitions: Definitions, canonical: str, within: Package | None = None) -> int:
    snapshot = definitions.snapshot(canonical, within)
    assert snapshot is not None and snapshot.detached_from is None
    return int(next(each["min"] for each in snapshot.elements if each["id"] == "Patient.name"))


def test_without_a_version_the_newest_is_meant_and_with_one_that_version(definitions: Definitions) -> None:
    assert least(definitions, f"{URL}base") == 2
    assert least(definitions, f"{URL}base|1.2.0") == 1
    assert least(definitions, f"{URL}base|2.0.0") == 2
    assert definitions.snapshot(f"{URL}base|3.0.0") is None


def test_what_says_no_version_has_its_packages_with_or_without_the_label() -> None:
    definitions = Definitions(
        Archive(R4),
        [
            Held(Package("below", "1.1.2-url"), [profile("base", 1), profile("own", 1, version="7.0.0")]),
            Held(Package("below", "1.1.2"), [profile("released", 2)]),
        ],
    )

    assert least(definitions, f"{URL}base|1.1.2") == 1
    assert least(definitions, f"{URL}base|1.1.2-url") == 1
    assert definitions.snapshot(f"{URL}base|1.1") is None
    assert definitions.snapshot(f"{URL}own|1.1.2") is None
    assert definitions.snapshot(f"{URL}released|1.1.2-url") is None
    assert definitions.versions(f"{URL}base") == ("1.1.2-url",)


def test_a_package_means_the_version_that_it_depends_on(definitions: Definitions) -> None:
    assert least(definitions, f"{URL}person") == 1
    assert least(definitions, f"{URL}base", ABOVE) == 1
    assert least(definitions, f"{URL}pinned") == 2


def test_a_package_means_what_those_that_it_depends_on_mean(definitions: Definitions) -> None:
    assert least(definitions, f"{URL}top") == 1
    assert least(definitions, f"{URL}base", TOP) == 1


def test_what_is_r4s_own_is_never_another(definitions: Definitions) -> None:
    shadowed = Definitions(
        Archive(R4), [Held(NEW, [profile("x", 2, url="http://hl7.org/fhir/StructureDefinition/Patient")])]
    )

    assert least(shadowed, "http://hl7.org/fhir/StructureDefinition/Patient", NEW) == 0


def test_the_value_sets_of_a_profile_are_those_that_its_package_means() -> None:
    def colours(code: str) -> Resource:
        return {"resourceType": "ValueSet", "url": "http://example.org/ValueSet/colour", "title": code}

    binding = {"strength": "required", "valueSet": "http://example.org/ValueSet/colour"}
    element = {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus", "binding": binding}
    bound = profile("bound", 0) | {"differential": {"element": [element]}}
    both = Definitions(Archive(R4), [Held(NEW, [colours("new")]), Held(OLD, [colours("old")]), Held(ABOVE, [bound])])
    alone = Definitions(Archive(R4), [Held(OLD, [colours("old")]), Held(ABOVE, [bound])])

    def value_set(definitions: Definitions) -> str:
        snapshot = definitions.snapshot(f"{URL}bound")
        assert snapshot is not None
        return next(str(e["binding"]["valueSet"]) for e in snapshot.elements if e["id"] == "Patient.maritalStatus")

    assert value_set(both) == "http://example.org/ValueSet/colour|1.2.0"
    assert (both.find(value_set(both)) or {})["title"] == "old"
    assert value_set(alone) == "http://example.org/ValueSet/colour"
