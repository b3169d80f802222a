"""The narratives of an XML text as they stand in it, character for character.

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
