"""Reading FHIR XML by the definitions: elements in their order, and nothing that is not defined.

A DOCTYPE is refused, comments and processing instructions are passed over, and nothing is fetched.
https://hl7.org/fhir/R4/xml.html
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from itertools import takewhile
from typing import Any

from lxml import etree

from fhir_service.fhir.json import MAX_DEPTH, number
from fhir_service.fhir.json_errors import UnfitNumber
from fhir_service.fhir.json_text import line_and_column
from fhir_service.fhir.outcome import FhirError, Issue, IssueType
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.xml_shape import FHIR, XHTML, Property, Shape, Shapes
from fhir_service.fhir.xml_source import element_place, narratives

Node = etree._Element

_MOST_ATTRIBUTES = 200  # of an element of XHTML: so many that one of them is not allowed
_RESOURCE_TAG = re.compile(r"\{http://hl7\.org/fhir\}([A-Za-z]+)").fullmatch
_INTEGER = re.compile(r"-?[0-9]+").fullmatch
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
_BOOLEAN = {"true": True, "false": False}
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})

_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']").match
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00", b"<\x00")
_SPACE = " \t\r\n"  # what XML calls white space: no full-width space


class Reader:
    """Reads one text; where the elements are not `ordered`, they may come in any order."""

    def __init__(self, shapes: Shapes, *, ordered: bool = True) -> None:
        self._shapes = shapes
        self._ordered = ordered
        self._narratives: Iterator[str | None] = iter(())
        self._data = b""

    def read(self, data: bytes) -> Resource:
        """Return the resource of this text."""
        root = _parsed(data)
        self._data = data
        self._narratives = iter(narratives(data))
        if _RESOURCE_TAG(str(root.tag)) is None:
            ja = f"ルート要素が名前空間 {FHIR} のリソースではありません。"
            raise self._error(root, "structure", ja, f"The root element is no resource of the namespace {FHIR}.")
        return self._resource(root, 1)

    def _resource(self, node: Node, depth: int) -> Resource:
        found = _RESOURCE_TAG(str(node.tag))
        if found is None or found[1] not in self._shapes.resource_types:
            name = _local(node)
            ja = f"リソースの型「{name}」は FHIR R4 にありません。"
            raise self._error(node, "structure", ja, f"FHIR R4 has no resource type '{name}'.")
        return {"resourceType": found[1]} | self._object(node, self._shapes[found[1]], depth)

    def _object(self, node: Node, shape: Shape, depth: int) -> Resource:
        """Return the object of an element with all its children."""
        if depth > MAX_DEPTH:
            ja = f"入れ子が深すぎます({MAX_DEPTH} 段まで)。"
            raise self._error(node, "structure", ja, f"The content is nested too deeply ({MAX_DEPTH} levels at most).")
        out: Resource = {}
        for name in node.keys():  # noqa: SIM118 - items() looks each up, which takes too long for very many
            if name in shape.attributes:
                out[str(name)] = node.get(name)
            else:
                raise self._attribute_error(node, str(name), shape)
        last = 0
        for child in self._children(node):
            known = shape.children.get(str(child.tag))
            if known is None:
                raise self._element_error(child, shape)
            if known.rank < last and self._ordered:
                raise self._order_error(child, shape)
            last = known.rank
            if known.form == "primitive" or known.form == "xhtml":
                self._add_primitive(out, child, known, depth + 1)
            else:
                self._add(out, child, known, self._complex(child, known, depth))
        return out

    def _complex(self, node: Node, known: Property, depth: int) -> Resource:
        depth += 2 if known.repeats else 1
        if known.form != "resource":
            if not len(node) and not len(node.attrib) and not node.text:
                raise self._error(node, "structure", "空の要素は使えません。", "An element must not be empty.")
            return self._object(node, self._shapes[known.code], depth)
        inside = list(self._children(node))
        if len(inside) != 1 or len(node.attrib):
            ja = "リソースをちょうど一つ含まなければなりません。"
            raise self._error(node, "structure", ja, "Must contain exactly one resource.")
        return self._resource(inside[0], depth)

    def _add(self, out: Resource, node: Node, known: Property, value: Any) -> None:
        if known.repeats:
            out.setdefault(known.name, []).append(value)
        elif known.name in out:
            raise self._repetition_error(node)
        else:
            out[known.name] = value

    def _add_primitive(self, out: Resource, node: Node, known: Property, depth: int) -> None:
        """Add a value, and beside it (`_name`) the id and extensions it has."""
        if known.form == "xhtml":
            return self._add(out, node, known, next(self._narratives, None) or _xhtml(node))
        text = node.get("value")
        value = None if text is None else self._value(node, text, known.code)
        partner = self._partner(node, depth) if len(node) or len(node.attrib) > (text is not None) else None
        if node.text is not None and not len(node) and node.text.strip(_SPACE):
            raise self._text_error(node, node.text)
        if text is None and not partner:
            ja = "value も extension もありません。"
            raise self._error(node, "required", ja, "It has neither a value nor an extension.")
        if not known.repeats:
            if known.name in out or f"_{known.name}" in out:
                raise self._repetition_error(node)
            if value is not None:
                out[known.name] = value
            if partner:
                out[f"_{known.name}"] = partner
            return None
        return _append_pair(out, known.name, value, partner)

    def _partner(self, node: Node, depth: int) -> Resource:
        shape = self._shapes["Element"]
        out: Resource = {}
        for name in node.keys():  # noqa: SIM118 - as above
            if name == "id":
                out["id"] = node.get(name)
            elif name != "value":
                raise self._attribute_error(node, str(name), shape)
        for child in self._children(node):
            known = shape.children.get(str(child.tag))
            if known is None:
                raise self._element_error(child, shape)
            self._add(out, child, known, self._complex(child, known, depth))
        return out

    def _value(self, node: Node, text: str, code: str) -> Any:
        """Return the value that JSON has for this text: a decimal without a point stays an integer."""
        if code == "boolean":
            if text in _BOOLEAN:
                return _BOOLEAN[text]
        elif code in _INTEGERS or code == "decimal":
            if found := self._number(node, text, code):
                return found[0]
        else:
            return text
        ja = f"「{_shown(text)}」は {code} として正しくありません。"
        raise self._error(node, "value", ja, f"'{_shown(text)}' is not a valid {code}.")

    def _number(self, node: Node, text: str, code: str) -> tuple[int | Decimal] | None:
        try:
            if code == "decimal" and _DECIMAL(text):
                exact = number(text)
                return (int(text) if _INTEGER(text) else exact,)
            if code != "decimal" and _INTEGER(text):
                number(text)
                return (int(text),)
        except UnfitNumber as error:
            ja, en = error.fault.said(text)
            raise self._error(node, "value", ja, en) from None
        return None

    def _children(self, node: Node) -> Iterator[Node]:
        """Give the child elements; between them there may be white space and comments only."""
        if node.text and node.text.strip(_SPACE):
            raise self._text_error(node, node.text)
        for child in node:
            if isinstance(child, etree._Entity):
                raise self._error(child, "structure", "実体参照は使えません。", "Entity references are not allowed.")
            if child.tail and child.tail.strip(_SPACE):
                raise self._text_error(node, child.tail)
            if not isinstance(child, etree._Comment | etree._ProcessingInstruction):
                yield child

    def _text_error(self, node: Node, text: str) -> FhirError:
        ja = f"要素の間に文字があります: {_shown(text.strip(_SPACE))}"
        return self._error(node, "structure", ja, f"There is text between the elements: {_shown(text.strip(_SPACE))}")

    def _attribute_error(self, node: Node, name: str, shape: Shape) -> FhirError:
        ja = f"{shape.name} に属性「{_shown(name)}」はありません。"
        return self._error(node, "structure", ja, f"{shape.name} has no attribute '{_shown(name)}'.")

    def _element_error(self, node: Node, shape: Shape) -> FhirError:
        if _local(node) in shape.properties and _local(node) not in shape.attributes:
            namespace = etree.QName(node).namespace
            ja = f"要素「{_local(node)}」の名前空間が違います: {namespace}"
            return self._error(
                node, "structure", ja, f"The element '{_local(node)}' has the wrong namespace: {namespace}"
            )
        ja = f"{shape.name} に「{_local(node)}」という要素はありません。"
        return self._error(node, "structure", ja, f"{shape.name} has no element '{_local(node)}'.")

    def _order_error(self, node: Node, shape: Shape) -> FhirError:
        """https://hl7.org/fhir/R4/xml.html: the order of elements is that of the definition."""
        ja = f"要素「{_local(node)}」の位置が違います。要素は {shape.name} の定義の順に並べてください。"
        en = f"The element '{_local(node)}' is out of order: their order is that of the definition of {shape.name}."
        return self._error(node, "structure", ja, en)

    def _repetition_error(self, node: Node) -> FhirError:
        ja = f"要素「{_local(node)}」は繰り返せません。"
        return self._error(node, "structure", ja, f"The element '{_local(node)}' must not repeat.")

    def _error(self, node: Node, code: IssueType, ja: str, en: str) -> FhirError:
        expression = self._expression(node)
        before = takewhile(lambda each: each is not node, node.getroottree().iter("*"))
        line, column = element_place(self._data, sum(1 for _ in before))
        return FhirError(Issue(code, ja, en, expression=(expression,), line=line, column=column), status=400)

    def _expression(self, node: Node) -> str:
        """Return the FHIRPath location of an element."""
        root, *steps = reversed([node, *node.iterancestors()])
        path = [_local(root)]
        inside = False
        shape = self._shapes[path[0]] if path[0] in self._shapes.resource_types else None
        for step in steps:
            known = shape.children.get(str(step.tag)) if shape else None
            if inside:  # the element of the resource itself is no step
                shape = self._shapes[_local(step)] if _local(step) in self._shapes.resource_types else None
                inside = False
                continue
            path.append(f".{known.element if known else _local(step)}")
            if known and known.repeats:
                path.append(f"[{sum(1 for _ in step.itersiblings(str(step.tag), preceding=True))}]")
            inside = known is not None and known.form == "resource"
            shape = None
            if known and known.form in ("complex", "primitive"):
                shape = self._shapes[known.code if known.form == "complex" else "Element"]
        return "".join(path)


def _append_pair(out: Resource, name: str, value: Any, partner: Resource | None) -> None:
    """Append a value and its partner to the two arrays of JSON, which hold null where the other has nothing."""
    values = out.get(name)
    partners = out.get(f"_{name}")
    count = max(len(values or ()), len(partners or ()))
    if value is not None and values is None:
        values = out[name] = [None] * count
    if partner and partners is None:
        partners = out[f"_{name}"] = [None] * count
    if values is not None:
        values.append(value)
    if partners is not None:
        partners.append(partner or None)


def _xhtml(node: Node) -> str:
    """Return the XHTML of a narrative as text that stands by itself, without prefixes."""
    if set(node.nsmap) != {None}:
        node = _unprefixed(node)
    return etree.tostring(node, encoding="unicode", with_tail=False)


def _unprefixed(node: Node) -> Node:
    if not isinstance(node.tag, str):
        return deepcopy(node)
    # The stubs do not know that None names the default namespace.
    copy = etree.Element(node.tag, nsmap={None: XHTML})  # type: ignore[dict-item]
    for name in node.keys()[:_MOST_ATTRIBUTES]:
        copy.set(name, node.get(name, ""))
    copy.text, copy.tail = node.text, node.tail
    copy.extend(map(_unprefixed, node))
    return copy


def _parsed(data: bytes) -> Node:
    """Return the root of a well-formed text without DOCTYPE."""
    if not data.strip():
        raise _unreadable("本文が空です。", "The body is empty.", 1, 1)
    declared = _DECLARED_ENCODING(data.removeprefix(b"\xef\xbb\xbf"))
    if data.startswith(_WIDE) or (declared and declared[1].upper() not in (b"UTF-8", b"UTF8", b"US-ASCII")):
        raise _unreadable("文字コードが UTF-8 ではありません。", "The text is not UTF-8.", 1, 1)
    # A parser of its own for each text: one that is shared keeps the errors of others.
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        said = (error.msg or "").partition(", line")[0].strip()
        if "XML_PARSE_HUGE" in said:
            limit = said.partition(",")[0]
            ja = f"XML の大きさまたは深さの上限を超えています: {limit}"
            raise _unreadable(ja, f"The XML exceeds the limit of size or depth: {limit}", line, column) from None
        ja = f"XML として読めません: {said}"
        raise _unreadable(ja, f"The text is not well-formed XML: {said}", line, column) from None
    if root.getroottree().docinfo.internalDTD is not None:
        line, column = line_and_column(data, max(data.find(b"<!DOCTYPE"), 0))
        raise _unreadable("DOCTYPE は使えません。", "A DOCTYPE is not allowed.", line, column)
    return root


def _unreadable(ja: str, en: str, line: int, column: int) -> FhirError:
    return FhirError(Issue("structure", ja, en, line=max(line, 1), column=max(column, 1)), status=400)


def _local(node: Node) -> str:
    return _shown(etree.QName(node).localname)


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
