"""What stands in an XML text, and where: its narratives character for character, and the places of its elements.

A parser tells what a narrative means, not how it was written (`&quot;` or `"`); JSON holds what was written.
https://hl7.org/fhir/R4/narrative.html
"""

import re
from xml.parsers import expat

from fhir_service.fhir.xml_shape import XHTML

_SEPARATOR = " "
_DIV = f"{XHTML}{_SEPARATOR}div"
# A start tag that stands by itself: it declares the namespace, and no prefix.
_STANDS_ALONE = re.compile(rf'<div(?=[^>]*\sxmlns="{XHTML}")(?![^>]*\sxmlns:)[^>]*[^/>]>').match


def narratives(data: bytes) -> list[str | None]:
    """Return each narrative of a well-formed UTF-8 text in order; None where it cannot stand by itself as written."""
    if b"<div" not in data:
        return []
    parser = expat.ParserCreate("utf-8", _SEPARATOR)
    found: list[str | None] = []
    depth = start = 0

    def begin(name: str, _: object) -> None:
        nonlocal depth, start
        if depth:
            depth += 1
        elif name == _DIV:
            depth, start = 1, parser.CurrentByteIndex

    def end(_: str) -> None:
        nonlocal depth
        if depth:
            depth -= 1
            if not depth:
                found.append(_as_written(data, start, parser.CurrentByteIndex))

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.Parse(data, True)
    return found


def _as_written(data: bytes, start: int, end_tag: int) -> str | None:
    text = data[start : data.index(b">", end_tag) + 1].decode()
    return text if _STANDS_ALONE(text) and not re.search(r"<!\[CDATA\[|<\?|<!--", text) else None


def element_place(data: bytes, number: int) -> tuple[int, int]:
    """Return line and column (from 1) of the start tag of the `number`th element (from 0) of a well-formed text.

    The parser that reads a text keeps lines only.
    """
    parser = expat.ParserCreate("utf-8")
    place = (1, 1)

    def begin(_: str, __: object) -> None:
        nonlocal number, place
        if not number:
            place = (parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
            parser.StartElementHandler = None
        number -= 1

    parser.StartElementHandler = begin
    parser.Parse(data, True)
    return place
