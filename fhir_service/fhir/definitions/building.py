"""Our own definitions as a FHIR package that others can install: a `.tgz` in the shape of npm, always the same bytes.

Profiles that derive from R4 alone have their snapshots in it. Those that derive from a package that is not ours (JP
Core) have their differentials only, since a snapshot would repeat what is not ours to give away; whoever has that
package makes the snapshots, or asks for them (`snapshots=True`).
https://hl7.org/fhir/R4/packages.html, https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

import gzip
import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from fhir_service.fhir.definitions import OWN, Definitions
from fhir_service.fhir.definitions.folder import EXAMPLES
from fhir_service.fhir.outcome import FhirError, Issue
from fhir_service.fhir.resource import Resource

NAME = "jp.example.outreach"
CANONICAL = "https://example.jp/fhir/outreach"
TITLE = "精神障害者アウトリーチ支援 FHIR 実装ガイド / Community mental-health outreach in Japan"
PUBLISHER = "fhir-service"
LICENSE = "Apache-2.0"
# By the beginning of their canonicals, the packages that our definitions derive from.
DEPENDENCIES = {"hl7.fhir.r4.core": "4.0.1", "jp-core.r4": "1.2.0"}
RIGHT = re.compile(r"(?!error-)").match  # examples that are meant to be right
WHEN = 0  # the time of every file in it

# What the index of a package tells of a file.
INDEXED = ("resourceType", "id", "url", "version", "kind", "type", "supplements", "content")

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def built(folders: Iterable[Path], definitions: Definitions, *, snapshots: bool = False) -> bytes:
    """Return the package of the definitions and examples in these folders; FhirError for one that is wrong."""
    own: list[Resource] = []
    examples: list[Resource] = []
    for file, is_example in _files(folders):
        resource = _decode(file.read_bytes())
        if is_example and RIGHT(file.name):
            examples.append(resource)
        elif not is_example:
            own.append(_with_snapshot(resource, definitions, snapshots))
    guide = _guide(own, examples)
    members = {f"package/{name}": _encoded(each) for name, each in _by_name((*own, guide)).items()}
    members |= {f"package/example/{name}": _encoded(each) for name, each in _by_name(examples).items()}
    members["package/.index.json"] = _encoded(_index((*own, guide)))
    members["package/package.json"] = _encoded(_manifest())
    return _tgz(members)


def _files(folders: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Give the JSON files, and whether each is an example of a profile; the sample documents are left out."""
    for folder in folders:
        for file in sorted(folder.rglob("*.json")):
            parts = file.relative_to(folder).parts
            is_example = EXAMPLES in parts
            if not is_example or len(parts) > parts.index(EXAMPLES) + 2:
                yield file, is_example


def _with_snapshot(definition: Resource, definitions: Definitions, always: bool) -> Resource:
    """Return a StructureDefinition with its snapshot, if that is ours to give; FhirError if it is wrong."""
    if definition["resourceType"] != "StructureDefinition" or "snapshot" in definition:
        return definition
    snapshot = definitions.snapshot(definition["url"])
    if snapshot is None:
        return definition
    if wrong := [issue for issue in snapshot.issues if issue.severity == "error"]:
        raise FhirError(*wrong, status=422)
    if snapshot.detached_from or not (always or _is_ours(snapshot.base, definitions)):
        return definition
    return {**definition, "snapshot": {"element": list(map(_defined, snapshot.elements))}}


def _defined(element: Resource) -> Resource:
    """Return an element with a definition, which R4's have none of here: their short text tells enough (sdf-3)."""
    return element if "definition" in element else {**element, "definition": element.get("short", element["path"])}


def _is_ours(base: str | None, definitions: Definitions) -> bool:
    """Whether a definition derives from R4 and our own definitions alone."""
    while base is not None and base.startswith(CANONICAL):
        definition = definitions.find(base)
        base = definition.get("baseDefinition") if definition else None
    return base is not None and base.startswith("http://hl7.org/fhir/StructureDefinition/")


def _guide(own: Iterable[Resource], examples: Iterable[Resource]) -> Resource:
    """https://hl7.org/fhir/R4/implementationguide.html"""
    return {
        "resourceType": "ImplementationGuide",
        "id": NAME,
        "url": f"{CANONICAL}/ImplementationGuide/{NAME}",
        "version": OWN.version,
        "name": "Outreach",
        "title": TITLE,
        "status": "draft",
        "publisher": PUBLISHER,
        "packageId": NAME,
        "license": LICENSE,
        "fhirVersion": ["4.0.1"],
        "dependsOn": [
            {"id": name.replace(".", "-"), "uri": uri, "packageId": name, "version": DEPENDENCIES[name]}
            for name, uri in (("jp-core.r4", "http://jpfhir.jp/fhir/core/ImplementationGuide/jp-core"),)
        ],
        "definition": {
            "resource": [
                {
                    "reference": {"reference": f"{each['resourceType']}/{each['id']}"},
                    "name": each.get("title") or each.get("name") or each["id"],
                    "exampleBoolean": False,
                }
                for each in own
            ]
            + [_listed_example(each) for each in examples]
        },
    }


def _listed_example(example: Resource) -> Resource:
    listed = {"reference": {"reference": f"{example['resourceType']}/{example['id']}"}, "name": example["id"]}
    profiles = example.get("meta", {}).get("profile", [])
    return listed | ({"exampleCanonical": profiles[0]} if profiles else {"exampleBoolean": True})


def _manifest() -> Resource:
    return {
        "name": NAME,
        "version": OWN.version,
        "type": "IG",
        "title": TITLE,
        "description": TITLE,
        "canonical": CANONICAL,
        "url": CANONICAL,
        "author": PUBLISHER,
        "license": LICENSE,
        "fhirVersions": ["4.0.1"],
        "dependencies": DEPENDENCIES,
    }


def _index(resources: Iterable[Resource]) -> Resource:
    files = [{"filename": _name(each)} | {key: each[key] for key in INDEXED if key in each} for each in resources]
    return {"index-version": 2, "files": sorted(files, key=lambda each: each["filename"])}


def _by_name(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Return the resources by their files; FhirError if two would be the same."""
    found: dict[str, Resource] = {}
    for each in resources:
        name = _name(each)
        if name in found:
            said = f"同じ型と id のものが2つあります: {name}。", f"Two have the same type and id: {name}."
            raise FhirError(Issue("duplicate", *said), status=422)
        found[name] = each
    return found


def _name(resource: Resource) -> str:
    return f"{resource['resourceType']}-{resource['id']}.json"


def _encoded(value: Any) -> bytes:
    return msgspec.json.format(_encode(value), indent=2) + b"\n"


def _tgz(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=WHEN) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name in sorted(members):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(members[name]), WHEN, 0o644
            tar.addfile(info, io.BytesIO(members[name]))
    return out.getvalue()
