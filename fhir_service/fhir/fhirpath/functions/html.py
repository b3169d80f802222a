"""Whether a narrative keeps to the part of XHTML that FHIR allows.

https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from lxml import etree

NAMESPACE = "{http://www.w3.org/1999/xhtml}"
MAX_LENGTH = 5_000_000

# Chapters 7-11 (but 9.4) and 15 of HTML 4.0, <a>, <img> and style attributes; no scripts, forms, frames, objects
_ELEMENTS = frozenset((
    "div", "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "a", "span", "img", "b", "i", "u", "s", "em",
    "strong", "dfn", "code", "samp", "kbd", "var", "cite", "abbr", "acronym", "q", "sub", "sup", "blockquote",
    "pre", "address", "ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "colgroup", "col", "thead", "tfoot",
    "tbody", "tr", "th", "td", "tt", "big", "small", "bdo", "strike", "center", "font", "ins", "del",
))  # fmt: skip
_ATTRIBUTES = frozenset((
    "title", "style", "class", "id", "lang", "xml:lang", "dir", "accesskey", "tabindex", "span", "width", "align",
    "valign", "char", "charoff", "abbr", "axis", "headers", "scope", "rowspan", "colspan", "border", "frame",
    "rules", "cellspacing", "cellpadding", "summary", "nowrap", "bgcolor", "color", "size", "face", "href", "name",
    "rel", "rev", "charset", "type", "hreflang", "shape", "coords", "src", "alt", "longdesc", "height", "usemap",
    "ismap", "cite", "datetime", "start", "value", "compact", "clear", "noshade", "hspace", "vspace", "background",
))  # fmt: skip
_XML = "{http://www.w3.org/XML/1998/namespace}"


def is_narrative(text: str) -> bool:
    """Return whether the text is one `<div>` of allowed XHTML with something to read in it (txt-1 and txt-2)."""
    if len(text) > MAX_LENGTH or "<!DOCTYPE" in text:
        return False
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return False
    return root.tag == NAMESPACE + "div" and _has_content(root) and all(_is_allowed(node) for node in root.iter())


def _has_content(root: etree._Element) -> bool:
    return (
        bool("".join(str(part) for part in root.itertext()).strip())
        or next(root.iter(NAMESPACE + "img"), None) is not None
    )


def _is_allowed(node: etree._Element) -> bool:
    if not isinstance(node.tag, str):
        # Comments are harmless; processing instructions and entities are not XHTML.
        return node.tag is etree.Comment
    if not node.tag.startswith(NAMESPACE) or node.tag.removeprefix(NAMESPACE) not in _ELEMENTS:
        return False
    names = [str(name).replace(_XML, "xml:") for name in node.attrib]
    links = [str(node.get(name, "")).strip().lower() for name in ("href", "src")]
    return all(name in _ATTRIBUTES for name in names) and not any(link.startswith("javascript:") for link in links)
