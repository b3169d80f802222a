"""Our snapshots beside SUSHI's, and our own package as SUSHI takes it: a developer's lane, `make sushi`.

https://fshschool.org/docs/sushi/
"""

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_service.fhir.definitions import OWN, R4, Definitions, Package
from fhir_service.fhir.definitions.adding import add_package
from fhir_service.fhir.definitions.archive import Archive
from fhir_service.fhir.definitions.building import NAME, built
from fhir_service.fhir.definitions.folder import own_folders
from fhir_service.fhir.definitions.held import Held
from fhir_service.fhir.resource import Resource

from .test_shipped import decode, said

HOME = Path(__file__).parents[4] / ".cache" / "sushi"
PACKAGES = HOME / ".fhir" / "packages"
FSH = Path(__file__).parent / "sushi" / "features.fsh"
CONFIG = f"""
id: test.sushi
canonical: https://example.jp/fhir/sushi
name: SushiTest
status: draft
version: 0.1.0
fhirVersion: 4.0.1
FSHOnly: true
dependencies:
  {NAME}: {OWN.version}
"""
EMPTY = 'Profile: On{number}\nParent: {parent}\nId: on-{number}\n* ^purpose = "…"\n'

pytestmark = pytest.mark.skipif(
    os.environ.get("SUSHI") != "1", reason="`make sushi` runs it: it needs node and JP Core"
)


@pytest.fixture(scope="module")
def definitions(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    folder = tmp_path_factory.mktemp("packages")
    add_package(shared / "data/packages/jp-core.r4-1.2.0.tgz", folder, ())
    return Definitions.load(packages=folder)


@pytest.fixture(scope="module")
def parents(definitions: Definitions) -> list[str]:
    """The profiles and extensions of our own."""
    own = next(source for source in definitions.sources if source.package.name == OWN.name)
    return sorted(each["url"] for each in own.all("StructureDefinition"))


@pytest.fixture(scope="module")
def compiled(
    definitions: Definitions, parents: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Resource], str]:
    """What SUSHI makes of the features, and of an empty profile on each of our own; and what it says."""
    target = PACKAGES / f"{NAME}#{OWN.version}"
    with tarfile.open(fileobj=io.BytesIO(built(own_folders(), definitions, snapshots=True))) as tar:
        tar.extractall(target, filter="data")
    project = tmp_path_factory.mktemp("sushi")
    (project / "input/fsh").mkdir(parents=True)
    (project / "sushi-config.yaml").write_text(CONFIG, encoding="utf-8")
    (project / "input/fsh/features.fsh").write_text(FSH.read_text(encoding="utf-8"), encoding="utf-8")
    empty = "\n".join(EMPTY.format(number=number, parent=parent) for number, parent in enumerate(parents))
    (project / "input/fsh/own.fsh").write_text(empty, encoding="utf-8")
    result = subprocess.run(
        [str(HOME / "node_modules/.bin/sushi"), "build", "-s", str(project)],
        env=os.environ | {"HOME": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    made = [decode(file.read_bytes()) for file in sorted(project.rglob("StructureDefinition-*.json"))]
    return made, result.stdout


def test_sushi_takes_our_package_and_derives_from_every_profile_of_it(
    compiled: tuple[list[Resource], str], parents: list[str]
) -> None:
    made, told = compiled

    assert " 0 Errors" in told, told[-4000:]
    assert {each["baseDefinition"] for each in made} >= set(parents)


def differences(compiled: list[Resource], definitions: Definitions) -> Iterator[str]:
    bare = [{name: value for name, value in each.items() if name != "snapshot"} for each in compiled]
    ours = Definitions(Archive(R4), [*definitions.sources[2:], Held(Package("sushi", "1"), bare)])
    for each in compiled:
        snapshot = ours.snapshot(each["url"])
        assert snapshot is not None and snapshot.generated, each["url"]
        assert not snapshot.issues
        mine = {element["id"]: said(element) for element in snapshot.elements}
        theirs = {element["id"]: said(element) for element in each["snapshot"]["element"]}
        for name in mine.keys() | theirs.keys():
            if mine.get(name) != theirs.get(name):
                yield f"{each['id']} {name}: {mine.get(name)} / {theirs.get(name)}"


def test_our_snapshots_say_what_sushis_say(compiled: tuple[list[Resource], str], definitions: Definitions) -> None:
    found = sorted(differences(compiled[0], definitions))

    assert not found, "\n".join(found)
