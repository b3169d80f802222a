"""The XHTML of a narrative: which elements and attributes it may have, so that a browser can show it safely.

https://hl7.org/fhir/R4/narrative.html#xhtml (the rules txt-1 and txt-2)
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

XHTML = "http://www.w3.org/1999/xhtml"

# The formatting elements of HTML 4.0, chapters 7 to 11 (without section 4 of chapter 9) and 15, links and images.
_ELEMENTS = """
    div p br h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite blockquote hr address bdo
    kbd sub sup ul ol li dl dt dd pre table caption colgroup col thead tr tfoot tbody th td code samp img map area
""".split()  # noqa: SIM905 - forty names read best as a line of words
_TAGS = frozenset(f"{{{XHTML}}}{name}" for name in _ELEMENTS)
_PARAGRAPH = f"{{{XHTML}}}p"
# https://www.w3.org/TR/xhtml1/#prohibitions: a paragraph holds no blocks, such as lists and tables.
_NOT_IN_PARAGRAPH = frozenset(f"{{{XHTML}}}{name}" for name in ("div", "blockquote", "table", "ol", "ul", "p"))
# https://www.w3.org/TR/xhtml1/dtds.html: what stands in lists and tables only, and where; those hold nothing else.
_PLACES = {
    f"{{{XHTML}}}{part}": frozenset(f"{{{XHTML}}}{whole}" for whole in wholes.split())
    for part, wholes in {
        "li": "ul ol", "dt": "dl", "dd": "dl", "tr": "table thead tbody tfoot", "td": "tr", "th": "tr",
        "thead": "table", "tbody": "table", "tfoot": "table", "caption": "table", "colgroup": "table",
        "col": "table colgroup",
    }.items()
}  # fmt: skip
_LISTS = frozenset(whole for wholes in _PLACES.values() for whole in wholes)
_IMAGE = f"{{{XHTML}}}img"

# What HTML 4.0 gives these elements, without the events (`onclick`) and what is deprecated as active; of some, which
# elements alone have them: https://www.w3.org/TR/html401/index/attributes.html
_ATTRIBUTES = frozenset(
    """
    id class style title lang dir {http://www.w3.org/XML/1998/namespace}lang
    {http://www.w3.org/XML/1998/namespace}space accesskey tabindex name width height type
    compact border summary span align valign char charoff bgcolor clear size noshade
    """.split()  # noqa: SIM905 - as above
)
_OF_ELEMENTS = {
    (f"{{{XHTML}}}{element}", name)
    for element, names in {
        "a": "href hreflang rel rev charset shape coords", "area": "href shape coords nohref alt",
        "img": "src alt longdesc usemap ismap", "blockquote": "cite", "q": "cite", "ol": "start", "li": "value",
        "table": "cellpadding cellspacing frame rules",
        "td": "abbr axis headers scope rowspan colspan nowrap", "th": "abbr axis headers scope rowspan colspan nowrap",
    }.items()
    for name in names.split()
}  # fmt: skip

_LINKS = frozenset({"href", "src", "longdesc", "cite", "usemap"})
_ACTIVE_LINK = re.compile(r"javascript:|vbscript:|data:(?!image/(?:png|gif|jpeg|webp|bmp)[;,])", re.IGNORECASE)
_ACTIVE_STYLE = re.compile(r"javascript:|vbscript:|expression\s*\(|-moz-binding|behavior\s*:|@import|\\", re.IGNORECASE)
_IGNORED_IN_LINKS = re.compile(r"[\s\x00-\x20]+")  # browsers do not see them in `java\nscript:`

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


class NarrativeFault(NamedTuple):
    """Why a narrative cannot be shown, in Japanese and in English, and which rule that breaks."""

    ja: str
    en: str
    rule: str | None = None


_ENTITY = re.compile(r"Entity '(\w+)' not defined").match


def _no_entity(name: str) -> NarrativeFault:
    """https://hl7.org/fhir/R4/narrative.html: "there is no support for HTML entities"."""
    character = html.unescape(f"&{name};")
    number = f"&#{ord(character)};" if len(character) == 1 else "&#160;"
    ja = f"HTML の実体参照 &{name}; は使えません。文字そのもの(または {number})で書いてください。"
    return NarrativeFault(ja, f"There are no HTML entities such as &{name}; here: write the character, or {number}.")


def narrative_fault(div: str) -> NarrativeFault | None:
    """Return the first thing that is wrong with the `div` of a narrative."""
    if not div.lstrip().startswith("<div"):
        return NarrativeFault("div 要素で始まっていません。", "It does not start with a div element.")
    try:
        root = etree.fromstring(div, _PARSER)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        said = (error.msg or "").partition(", line")[0].strip()
        if (entity := _ENTITY(said)) is not None:
            return _no_entity(entity[1])
        return NarrativeFault(
            f"XHTML として読めません({line} 行 {column} 桁): {said}",
            f"It is not well-formed XHTML (line {line}, column {column}): {said}",
        )
    except ValueError:
        return NarrativeFault("使えない制御文字があります。", "It holds control characters.")
    if root.tag != f"{{{XHTML}}}div":
        return NarrativeFault(f"名前空間が {XHTML} の div ではありません。", f"It is no div of the namespace {XHTML}.")

    return _fault_inside(root)


def is_well_formed(div: str) -> bool:
    """Whether the `div` of a narrative is one element of XML, so that it can stand in another."""
    try:
        return div.lstrip().startswith("<div") and etree.fromstring(div, _PARSER) is not None
    except (etree.XMLSyntaxError, ValueError):
        return False


def _fault_inside(root: etree._Element) -> NarrativeFault | None:
    """Return the first fault; one of a named rule, which may be let pass, only where there is no graver one."""
    shows = False
    lesser: NarrativeFault | None = None
    for element in root.iter():
        shows = shows or _shows(element)
        for fault in _faults(element):
            if fault.rule is None:
                return fault
            lesser = lesser or fault

    if not shows:
        return NarrativeFault("表示する内容がありません(規則 txt-2)。", "It shows nothing (rule txt-2).", "txt-2")
    return lesser


def _shows(element: etree._Element) -> bool:
    """Whether there is something to see in the element itself, or behind it."""
    if element.tail and element.tail.strip():
        return True
    return element.tag == _IMAGE or bool(element.tag in _TAGS and element.text and element.text.strip())


def _faults(element: etree._Element) -> Iterator[NarrativeFault]:
    """Give what is wrong with the element itself, where it stands, and with its attributes."""
    tag = element.tag
    if tag not in _TAGS:
        if not isinstance(element, etree._Comment):
            name = etree.QName(element).localname if isinstance(tag, str) else "?"
            yield NarrativeFault(f"要素 {name} は使えません。", f"The element {name} is not allowed.")
        return
    if tag in _NOT_IN_PARAGRAPH and next(element.iterancestors(_PARAGRAPH), None) is not None:
        name = etree.QName(element).localname
        said = f"p の中に {name} は置けません。", f"The element {name} cannot stand in a p."
        yield NarrativeFault(*said, "xhtml-block")
    if (misplaced := _misplaced(element)) is not None:
        yield misplaced
    for name in map(str, element.keys()):  # items() looks each up, which takes too long for very many
        if (fault := _attribute_fault(tag, name, element.get(name, ""))) is not None:
            yield fault


def _attribute_fault(tag: str, name: str, value: str) -> NarrativeFault | None:
    if name == "target":
        return NarrativeFault("属性 target は使えません。", "The attribute target is not allowed.", "xhtml-target")
    if name not in _ATTRIBUTES and (tag, name) not in _OF_ELEMENTS:
        return NarrativeFault(f"属性 {name} は使えません。", f"The attribute {name} is not allowed.")
    if name == "href" and value.lower().startswith("urn:"):
        said = "リンク先(href)の urn: は開けません。", "The link (href) is a urn:, which no one can follow."
        return NarrativeFault(*said)
    if _is_active(name, value):
        return NarrativeFault(
            f"属性 {name} に実行される内容があります。", f"The attribute {name} holds active content."
        )
    return None


def _misplaced(element: etree._Element) -> NarrativeFault | None:
    """Return what is wrong where a part of a list or table stands, or with what a list or table holds."""
    tag, parent = element.tag, element.getparent()
    around = parent.tag if parent is not None else None
    if (tag in _PLACES or around in _LISTS) and around not in _PLACES.get(tag, ()):
        part, whole = etree.QName(element).localname, etree.QName(parent).localname if parent is not None else "?"
        return NarrativeFault(
            f"{whole} の中に {part} は置けません。", f"The element {part} cannot stand in a {whole}.", "xhtml-block"
        )
    if tag in _LISTS and ((element.text or "").strip() or any((each.tail or "").strip() for each in element)):
        name = etree.QName(element).localname
        return NarrativeFault(f"{name} の中に文字は置けません。", f"No text can stand in a {name}.", "xhtml-block")
    return None


def _is_active(name: str, value: str) -> bool:
    """Whether a browser could run something in this attribute."""
    if name in _LINKS:
        return _ACTIVE_LINK.match(_IGNORED_IN_LINKS.sub("", value)) is not None
    return name == "style" and _ACTIVE_STYLE.search(value) is not None
