"""Our snapshots beside those that others generated and shipped: R4's own, JP Core's and CLINS's.

What is compared is what a check reads: ids, order, cardinality, types with profiles and targets, fixed and pattern
values, bindings, constraints, slicing, must-support and modifiers. `snapshot_gaps.toml` names the rest with its reason.
"""

import tarfile
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fhir_service.fhir.definitions import Package
from fhir_service.fhir.definitions.held import Held
from fhir_service.fhir.definitions.snapshot.snapshots import Snapshots
from fhir_service.fhir.definitions.sources import Sources
from fhir_service.fhir.resource import Resource

GAPS = tomllib.loads(Path(__file__).parents[1].joinpath("snapshot_gaps.toml").read_text(encoding="utf-8"))
PACKAGES = {
    "jp-core.r4#1.1.2-url": "jp-core.r4-1.1.2-url.tgz",
    "jp-core.r4#1.2.0": "jp-core.r4-1.2.0.tgz",
    "jp-eCSCLINS.r4#1.x.x-temp": "jp-clins.r4-1.5.2-snap.tgz",
}
WHOLE = ("min", "max", "maxLength", "contentReference", "sliceName")
FLAGS = ("mustSupport", "isModifier")
CHOICES = ("fixed", "pattern", "minValue", "maxValue")

decode = msgspec.json.Decoder(float_hook=Decimal).decode


def said(element: Resource) -> dict[str, Any]:
    """What an element says that a check reads."""
    out = {name: element.get(name) for name in WHOLE} | {name: element.get(name, False) for name in FLAGS}
    out |= {name: value for name, value in element.items() if name.startswith(CHOICES)}
    out["type"] = sorted(
        (each["code"], each.get("profile", []), sorted(each.get("targetProfile", [])))
        for each in element.get("type", [])
    )
    binding = element.get("binding", {})
    out["binding"] = (binding.get("strength"), binding.get("valueSet"))
    out["constraint"] = sorted({each["key"] for each in element.get("constraint", [])})
    slicing = element.get("slicing", {})
    by = sorted((each["type"], each["path"]) for each in slicing.get("discriminator", []))
    out["slicing"] = (by, slicing.get("rules"), slicing.get("ordered", False))
    return out


def different(definitions: Iterable[Resource], others: Iterable[Held]) -> set[str]:
    """The ids of the profiles whose snapshot we generate otherwise than it is shipped."""
    found = set()
    for shipped in definitions:
        if shipped.get("derivation") != "constraint" or "snapshot" not in shipped:
            continue
        bare = {name: value for name, value in shipped.items() if name != "snapshot"}
        package = Package("bare", "1")
        ours = Snapshots(Sources([Held(package, [bare]), *others])).get(shipped["url"])
        assert ours is not None and ours.generated
        if [(each["id"], said(each)) for each in ours.elements] != [
            (each["id"], said(each)) for each in shipped["snapshot"]["element"]
        ]:
            found.add(shipped["id"])
    return found


@pytest.fixture(scope="module")
def core(r4_examples: Path) -> list[Resource]:
    return [decode(file.read_bytes()) for file in sorted(r4_examples.glob("StructureDefinition-*.json"))]


def definitions_of(file: Path) -> list[Resource]:
    with tarfile.open(file) as tar:
        names = [name for name in tar.getnames() if name.startswith("package/StructureDefinition-")]
        return [decode(content.read()) for name in names if (content := tar.extractfile(name)) is not None]


def test_the_snapshots_of_r4_are_generated_as_they_are_shipped_but_for_the_known_gaps(core: list[Resource]) -> None:
    shipped = [each for each in core if each.get("derivation") == "constraint" and "snapshot" in each]

    assert len(shipped) == 439
    assert different(shipped, [Held(Package("hl7.fhir.r4.core", "4.0.1"), core)]) == set(GAPS["hl7.fhir.r4.core"])


@pytest.mark.parametrize("name", PACKAGES)
def test_the_snapshots_of_japanese_packages_are_generated_as_they_are_shipped_but_for_the_known_gaps(
    name: str, core: list[Resource], shared: Path
) -> None:
    own = definitions_of(shared / "data/packages" / PACKAGES[name])
    below = [] if "CLINS" not in name else definitions_of(shared / "data/packages" / PACKAGES["jp-core.r4#1.1.2-url"])
    others = [
        Held(Package("hl7.fhir.r4.core", "4.0.1"), core),
        Held(Package("own", "1"), own),
        Held(Package("below", "1"), below),
    ]

    assert different(own, others) == set(GAPS[name])
