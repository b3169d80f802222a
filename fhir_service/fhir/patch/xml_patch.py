"""XML Patch: `add`, `replace` and `remove` on the XML of a resource, applied in their order, all or none.

https://www.rfc-editor.org/rfc/rfc5261 and https://hl7.org/fhir/R4/http.html#patch

A selector is the small part of XPath that the RFC allows: steps down from the root, with predicates that compare a
position, a child, an attribute, or (beyond the RFC, but usual for FHIR) what stands below a child:
`f:Patient/f:name[f:use/@value='official']/f:family/@value`. It has to find exactly one node. Names without a prefix are
of the patch's default namespace, or FHIR's if it declares none.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from fhir_service.fhir import xml
from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError, Issue, fhir_error
from fhir_service.fhir.resource import Resource
from fhir_service.fhir.xml_shape import FHIR

OPERATION_LIMIT = 1000
SELECTOR_LIMIT = 1000  # characters
_DEFAULT = "default-namespace"

_NAME = r"[A-Za-z_][\w.-]*"
_QNAME = rf"(?:{_NAME}:)?{_NAME}"
_LITERAL = r"(?:'[^']*'|\"[^\"]*\")"
_BELOW = rf"(?:\.|@{_QNAME}|{_QNAME}(?:/{_QNAME})*(?:/@{_QNAME})?)"
_PREDICATE = rf"\[\s*(?:\d{{1,6}}|{_BELOW}\s*=\s*{_LITERAL})\s*\]"
_STEP = rf"(?:{_QNAME}|\*)(?:{_PREDICATE})*"
_SELECTOR = re.compile(rf"/?{_STEP}(?:/{_STEP})*(?:/(?:@{_QNAME}|text\(\)(?:\[\d{{1,6}}\])?))?").fullmatch
_TOKEN = re.compile(rf"{_LITERAL}|text\(\)|@?{_QNAME}|.", re.DOTALL)
_PLAIN = re.compile(_NAME).fullmatch
_PARSER: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}

Node = etree._Element


def apply_xml_patch(resource: Resource, patch: bytes, definitions: Definitions) -> Resource:
    """Return the patched resource; raise FhirError 400 for what is no XML Patch, 422 for what cannot be applied."""
    operations = _operations(patch)
    before = etree.fromstring(xml.encode(resource, definitions), etree.XMLParser(**_PARSER))
    unpatched = _resource(before, definitions)
    tree = before.getroottree()
    for n, operation in enumerate(operations):
        where = f"[{n}] ({_local(operation)} {operation.get('sel', '')[:200]})"
        _APPLY[_local(operation)](operation, tree, where)
    patched = _resource(tree.getroot(), definitions)
    # A narrative that was not patched keeps the spelling of its characters.
    if "text" in resource and patched.get("text") == unpatched["text"]:
        patched["text"] = resource["text"]
    return patched


def _operations(patch: bytes) -> list[Node]:
    try:
        root = etree.fromstring(patch, etree.XMLParser(**_PARSER, remove_comments=True, remove_pis=True))
    except etree.XMLSyntaxError as error:
        raise _malformed("XMLとして読めません", f"it cannot be read as XML: {str(error)[:200]}") from None
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise _malformed("DOCTYPEは使えません", "it must not have a DOCTYPE")
    operations = [*root]
    if _local(root) != "diff" or len(operations) > OPERATION_LIMIT:
        raise _malformed(
            f"ルートはdiff、操作は{OPERATION_LIMIT}個までです",
            f"its root is diff, with {OPERATION_LIMIT} operations at most",
        )
    for operation in operations:
        if _local(operation) not in _APPLY or "sel" not in operation.attrib:
            raise _malformed(
                "操作はselをもつadd、replace、removeです", "an operation is add, replace or remove, with sel"
            )
    return operations


def _add(operation: Node, tree: Any, where: str) -> None:
    """Add content to the element (or before, or after it), or an attribute."""
    target = _element(operation, tree, where)
    if kind := operation.get("type"):
        name = _attribute_name(kind, operation, where)
        if name in target.attrib:
            raise _refused(where, "その属性はすでにあります", "the attribute is there already")
        target.set(name, operation.text or "")
        return
    match operation.get("pos"):
        case None:
            _insert(operation, target, len(target))
        case "prepend":
            _insert(operation, target, 0)
        case "before" | "after" as pos if (parent := target.getparent()) is not None:
            _insert(operation, parent, parent.index(target) + (pos == "after"))
        case _:
            raise _refused(where, "posの値が正しくありません", "its pos is not possible here")


def _insert(operation: Node, parent: Node, index: int) -> None:
    """Put the content of the operation, elements and text, before the child with this index."""
    if operation.text:
        _append_text(parent, index, operation.text)
    for n, child in enumerate([*operation]):
        parent.insert(index + n, child)


def _append_text(parent: Node, index: int, text: str) -> None:
    if index:
        parent[index - 1].tail = (parent[index - 1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _replace(operation: Node, tree: Any, where: str) -> None:
    """Put the one element of the content in the place of the element, or its text in that of an attribute or text."""
    found = _located(operation, tree, where)
    if not isinstance(found, etree._Element):
        return _write_text(found, operation.text or "")
    parent, content = found.getparent(), [*operation]
    if parent is None or len(content) != 1 or (operation.text or "").strip() or (content[0].tail or "").strip():
        raise _refused(
            where, "要素は1つの要素でだけ置き換えられます", "an element is replaced by one element, the root by none"
        )
    content[0].tail = found.tail
    parent.replace(found, content[0])
    return None


def _remove(operation: Node, tree: Any, where: str) -> None:
    """Remove an element, an attribute or a text."""
    found = _located(operation, tree, where)
    if not isinstance(found, etree._Element):
        return _write_text(found, None)
    parent = found.getparent()
    if parent is None:
        raise _refused(where, "ルート要素は削除できません", "the root cannot be removed")
    if found.tail:
        _append_text(parent, parent.index(found), found.tail)
    parent.remove(found)
    return None


_APPLY: dict[str, Callable[[Node, Any, str], None]] = {"add": _add, "replace": _replace, "remove": _remove}


def _write_text(found: Any, text: str | None) -> None:
    """Write an attribute or a text that was found; None takes it away."""
    parent = found.getparent()
    if found.is_attribute:
        if text is None:
            del parent.attrib[found.attrname]
        else:
            parent.set(found.attrname, text)
    elif found.is_tail:
        parent.tail = text
    else:
        parent.text = text


def _element(operation: Node, tree: Any, where: str) -> Node:
    found = _located(operation, tree, where)
    if not isinstance(found, etree._Element):
        raise _refused(where, "要素を指していません", "it does not lead to an element")
    return found


def _located(operation: Node, tree: Any, where: str) -> Any:
    """Return the one node that the selector finds: an element, or the string of an attribute or text."""
    selector = operation.get("sel", "").strip()
    if len(selector) > SELECTOR_LIMIT or not _SELECTOR(selector):
        raise _refused(where, "selはRFC 5261の範囲のパスで書いてください", "its sel is no selector of RFC 5261")
    namespaces = {prefix or _DEFAULT: uri for prefix, uri in operation.nsmap.items()}
    namespaces.setdefault(_DEFAULT, FHIR)
    try:
        found = tree.xpath("/" + "".join(_prefixed(selector.removeprefix("/"))), namespaces=namespaces)
    except etree.XPathError:
        raise _refused(
            where, "selの名前空間接頭辞が宣言されていません", "its sel uses a prefix that is not declared"
        ) from None
    if len(found) != 1:
        raise _refused(where, f"対象が1つではなく{len(found)}個あります", f"it finds {len(found)} nodes, not one")
    return found[0]


def _prefixed(selector: str) -> Iterator[str]:
    """Yield the tokens; an element's name without prefix is one of the default namespace."""
    for token in _TOKEN.findall(selector):
        yield f"{_DEFAULT}:{token}" if _PLAIN(token) else token


def _attribute_name(kind: str, operation: Node, where: str) -> str:
    """Return the name that `type="@name"` means; FHIR has attributes of no namespace only."""
    name = kind.removeprefix("@")
    if name == kind or not _PLAIN(name) or len(operation):
        raise _refused(where, "typeは@属性名だけ使えます", "its type can only be @ and the name of an attribute")
    return name


def _resource(root: Node, definitions: Definitions) -> Resource:
    try:
        return xml.decode(etree.tostring(root, encoding="utf-8"), definitions, ordered=False)
    except FhirError as error:
        said = error.issues[0]
        ja, en = (
            f"パッチの結果がFHIRのリソースになりません: {said.ja}",
            f"What is patched is no resource of FHIR: {said.en}",
        )
        raise fhir_error("processing", ja, en, said.expression, status=422) from None


def _local(node: Node) -> str:
    return str(etree.QName(node).localname)


def _malformed(ja: str, en: str) -> FhirError:
    return fhir_error("structure", f"XML Patch(RFC 5261)ではありません: {ja}。", f"This is no XML Patch: {en}.")


def _refused(where: str, ja: str, en: str) -> FhirError:
    said = f"XML Patchの操作{where}を適用できません: {ja}。", f"XML Patch operation {where}: {en}."
    return FhirError(Issue("processing", *said), status=422)
