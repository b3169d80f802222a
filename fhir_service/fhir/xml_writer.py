"""Writing FHIR XML by the definitions: elements in their order, values as attributes, the narrative as it is.

https://hl7.org/fhir/R4/xml.html
"""

import re
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from fhir_service.fhir.narrative import is_well_formed
from fhir_service.fhir.outcome import fhir_error
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.xml_shape import FHIR, XHTML, Property, Shape, Shapes

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'

_SPECIAL = re.compile(r'[&<>"\t\n\r]').search
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)
# What no XML can hold, not even escaped: https://www.w3.org/TR/xml/#charsets
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Writer:
    """Writes one resource."""

    def __init__(self, shapes: Shapes, pretty: bool) -> None:
        self._shapes = shapes
        self._pretty = pretty
        self._parts: list[str] = [DECLARATION]

    def write(self, resource: Resource) -> bytes:
        """Return the XML of the resource."""
        self._resource(resource, 0, f' xmlns="{FHIR}"')
        return _UNFIT.sub("\ufffd", "".join(self._parts)).encode()

    def _resource(self, resource: Resource, level: int, namespace: str = "") -> None:
        name = resource.get("resourceType")
        if name not in self._shapes.resource_types:
            ja = f"リソースの型「{name}」は FHIR R4 にありません。"
            raise fhir_error("exception", ja, f"FHIR R4 has no resource type '{name}'.")
        rest = {key: value for key, value in resource.items() if key != "resourceType"}
        self._element(name, rest, self._shapes[name], level, namespace)

    def _element(self, name: str, value: Resource, shape: Shape, level: int, attributes: str = "") -> None:
        """Write an element with its attributes and children; `attributes` are further ones."""
        for each in shape.attributes:
            if each in value:
                attributes += f' {each}="{_escaped(value[each])}"'
        present = _in_order(value, shape)
        if not present:
            self._line(level, f"<{name}{attributes}/>")
            return
        self._line(level, f"<{name}{attributes}>")
        for known in present:
            self._property(known, value, level + 1)
        self._line(level, f"</{name}>")

    def _property(self, known: Property, holder: Resource, level: int) -> None:
        if known.form == "primitive":
            value, partner = holder.get(known.name), holder.get(f"_{known.name}")
            pairs = zip_longest(value or (), partner or ()) if known.repeats else [(value, partner)]
            for text, beside in pairs:
                self._primitive(known.name, text, beside, level)
            return
        values = holder[known.name] if known.repeats else [holder[known.name]]
        for each in values:
            if known.form == "complex":
                self._element(known.name, each, self._shapes[known.code], level)
            elif known.form == "resource":
                self._line(level, f"<{known.name}>")
                self._resource(each, level + 1)
                self._line(level, f"</{known.name}>")
            else:
                self._line(level, _narrative(each))

    def _primitive(self, name: str, value: Any, partner: Resource | None, level: int) -> None:
        written = "" if value is None else f' value="{_text(value)}"'
        if partner:
            self._element(name, partner, self._shapes["Element"], level, written)
        else:
            self._line(level, f"<{name}{written}/>")

    def _line(self, level: int, text: str) -> None:
        if self._pretty:
            self._parts.append("\n" + "  " * level)
        self._parts.append(text)


def _in_order(value: Resource, shape: Shape) -> Iterable[Property]:
    """Return the properties that are present, in the order of the definition; attributes left out."""
    found: dict[str, Property] = {}
    for name in value:
        known = shape.properties.get(name)
        if known is None:
            ja = f"{shape.name} に「{name}」という要素はありません。"
            raise fhir_error("exception", ja, f"{shape.name} has no element '{name}'.")
        if known.form != "attribute":
            found[known.name] = known
    return sorted(found.values(), key=_rank) if len(found) > 1 else list(found.values())


def _rank(known: Property) -> int:
    return known.rank


def _text(value: Any) -> str:
    if value.__class__ is str:
        return _escaped(value)
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES) if _SPECIAL(value) else value


def _narrative(div: str) -> str:
    """Return the div as it is; if it could break the XML around it, as text."""
    return div if is_well_formed(div) else f'<div xmlns="{XHTML}">{_escaped(div)}</div>'
