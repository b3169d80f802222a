"""StructureDefinition snapshots compiled to rows of the type model, and the rows read back as `TypeDefinition`s.

The rows of all R4 types are written into the definitions archive once, so that a start compiles nothing.
https://hl7.org/fhir/R4/structuredefinition.html#snapshot
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from fhir_service.fhir.definitions.model import Element, Kind, TypeDefinition
from fhir_service.fhir.resource import Resource

TYPE_BASE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
REGEX = "http://hl7.org/fhir/StructureDefinition/regex"

# The snapshots of 4.0.1 give `Resource.id` the type `string`, though https://hl7.org/fhir/R4/resource.html says `id`.
RETYPED = {"Resource.id": "id"}

Row = list[Any]
"""name, types, min, max, choice, targets, value_set, xml_attribute: the fields of `Element`."""


def type_lines(structure_definitions: Iterable[Resource]) -> Iterator[Any]:
    """Give the heads of all these types, `[name, kind, base, abstract]`, then the rows of each in the same order."""
    rows = [type_rows(each) for each in structure_definitions]
    yield [[each["name"], each["kind"], each["base"], each["abstract"]] for each in rows]
    yield from rows


def type_rows(structure_definition: Resource) -> Resource:
    """Return the type of this snapshot as JSON: its head and, by path, the rows of its elements and backbones."""
    root, *elements = structure_definition["snapshot"]["element"]
    name = root["path"]
    parents = {element["path"].rpartition(".")[0] for element in elements}
    paths: dict[str, list[Row]] = {path: [] for path in [name, *_backbone_paths(elements, parents)]}
    bases = {element["path"]: element["type"][0]["code"] for element in elements if element["path"] in parents}
    pattern = None
    for element in elements:
        if structure_definition["kind"] == "primitive-type" and element["path"] == f"{name}.value":
            pattern = _value_pattern(element)
        else:
            paths[element["path"].rpartition(".")[0]].append(_row(element, paths, structure_definition["kind"]))

    return {
        "name": name,
        "kind": structure_definition["kind"],
        "base": structure_definition.get("baseDefinition", "").removeprefix(TYPE_BASE) or None,
        "abstract": structure_definition["abstract"],
        "pattern": pattern,
        "bases": bases,
        "paths": paths,
    }


class TypeModel:
    """The types of R4, made of encoded `type_lines`; each is read when it is first asked for."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        heads, *rows = lines
        self._heads: dict[str, list[Any]] = {head[0]: head for head in msgspec.json.decode(heads)}
        self._rows = dict(zip(self._heads, rows, strict=True))
        self._read: dict[str, TypeDefinition] = {}
        self.concrete_resources = frozenset(
            name for name, kind, _, abstract in self._heads.values() if kind == "resource" and not abstract
        )

    def __getitem__(self, name: str) -> TypeDefinition:
        found = self._read.get(name)
        if found is None:
            rows = _decode(self._rows[name.partition(".")[0]])
            self._read |= {each.name: each for each in _read_types(rows)}
            found = self._read[name]
        return found

    def __contains__(self, name: str) -> bool:
        root, dot, _ = name.partition(".")
        if not dot or root not in self._heads:
            return root in self._heads
        self[root]
        return name in self._read

    def kind(self, name: str) -> Kind:
        """Return what a type is, without reading it if it is no backbone element; KeyError for one that is not here."""
        head = self._heads.get(name)
        return self[name].kind if head is None else head[1]

    def is_abstract(self, name: str) -> bool:
        """Whether there are values of a type's derived types only; a backbone element never is."""
        head = self._heads.get(name)
        return head is not None and head[3] is True

    def is_a(self, name: str, ancestor: str) -> bool:
        """Whether a type is the ancestor or, by its bases, derived from it."""
        current: str | None = name
        while current is not None and current != ancestor:
            head = self._heads.get(current)
            if head is not None:
                current = head[2]
            else:
                current = self[current].base if current in self else None
        return current is not None


class _Rows(msgspec.Struct):
    """What `type_rows` makes."""

    name: str
    kind: Kind
    base: str | None
    abstract: bool
    pattern: str | None
    bases: dict[str, str]
    paths: dict[str, tuple[Element, ...]]


_decode = msgspec.json.Decoder(_Rows).decode


def _read_types(rows: _Rows) -> Iterator[TypeDefinition]:
    """Give the type of these rows, then its backbone elements."""
    for path, elements in rows.paths.items():
        own = path == rows.name
        yield TypeDefinition(
            name=path,
            kind=rows.kind if own else "backbone",
            base=rows.base if own else rows.bases[path],
            abstract=own and rows.abstract,
            elements=elements,
            by_json=dict(_json_names(elements)),
            pattern=rows.pattern if own else None,
        )


def _backbone_paths(elements: Iterable[Resource], parents: set[str]) -> Iterator[str]:
    return (element["path"] for element in elements if element["path"] in parents)


def _row(element: Resource, paths: dict[str, list[Row]], kind: str) -> Row:
    path: str = element["path"]
    last = path.rpartition(".")[2]
    types = element.get("type", [])
    if "contentReference" in element:
        codes = [element["contentReference"].partition("#")[2]]
    elif path in paths:
        codes = [path]
    else:
        codes = [type_code(each) for each in types]
    if path.endswith(".id") and kind == "resource" and path.count(".") == 1:
        codes = [RETYPED["Resource.id"]]

    binding = element.get("binding", {})
    return [
        last.removesuffix("[x]"),
        codes,
        element["min"],
        None if element["max"] == "*" else int(element["max"]),
        last.endswith("[x]"),
        sorted(_targets(types)),
        binding.get("valueSet") if binding.get("strength") == "required" else None,
        "xmlAttr" in element.get("representation", ()),
    ]


def type_code(element_type: Resource) -> str:
    code: str = element_type["code"]
    if not code.startswith(SYSTEM_TYPE):
        return code
    named = (each.get("valueUrl") for each in element_type.get("extension", ()) if each.get("url") == FHIR_TYPE)
    return next(named, None) or "string"


def _targets(types: Iterable[Resource]) -> set[str]:
    references = (each.get("targetProfile", ()) for each in types if each["code"] == "Reference")
    targets = {profile.removeprefix(TYPE_BASE) for profiles in references for profile in profiles}
    return set() if "Resource" in targets else targets


def _value_pattern(element: Resource) -> str | None:
    extensions = (extension for each in element["type"] for extension in each.get("extension", ()))
    return next((each["valueString"] for each in extensions if each["url"] == REGEX), None)


def _json_names(elements: Iterable[Element]) -> Iterator[tuple[str, tuple[Element, str]]]:
    for element in elements:
        for code in element.types:
            name = f"{element.name}{code[0].upper()}{code[1:]}" if element.choice else element.name
            yield name, (element, code)
