"""Texts in the charsets that Japanese systems write, and XML that names its own.

https://www.w3.org/TR/xml/#charencoding
"""

import codecs
import re

from fhir_service.fhir.outcome import FhirError, Issue

# By Python's name. Not every codec of Python: some are no charsets, and some are slow on bad input.
CHARSETS = {
    "utf-8": "utf-8",
    "ascii": "us-ascii",
    "iso8859-1": "iso-8859-1",
    "cp1252": "windows-1252",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
    "cp932": "shift_jis",
    "euc_jp": "euc-jp",
    "iso2022_jp": "iso-2022-jp",
}
# What is called Shift_JIS holds the characters of Windows: https://encoding.spec.whatwg.org/#shift_jis-decoder
_ALIASES = {"shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932"}
_DECLARATION = re.compile(r"""^(\s*<\?xml[^>]{,200}?)\sencoding\s*=\s*["']([^"']*)["']""")


def codec_of(charset: str) -> str | None:
    """Return Python's name of a charset, None if it is none that is read here."""
    try:
        name = codecs.lookup(_ALIASES.get(charset.lower(), charset)).name
    except (LookupError, ValueError):
        return None
    return name if name in CHARSETS else None


def text_in(raw: bytes, codec: str) -> str:
    """Return the text of bytes in a charset; 400 if they are not in it."""
    try:
        return raw.decode(codec)
    except UnicodeError as error:
        raise FhirError(
            Issue(
                "structure",
                f"本文を、示された文字コード({CHARSETS[codec]})として読めません。",
                f"The body is not in the charset that it is said to be in ({CHARSETS[codec]}).",
                diagnostics=str(error)[:200],
            )
        ) from None


def xml_in_utf_8(raw: bytes, codec: str | None = None) -> bytes:
    """Return an XML document in UTF-8, from the charset that HTTP gave (`codec`) or else the document itself names.

    What HTTP says goes before what the document says: https://www.rfc-editor.org/rfc/rfc7303#section-3
    """
    codec = codec or declared(raw) or "utf-8"
    if codec == "utf-8":
        return raw
    return _DECLARATION.sub(r"\1", text_in(raw, codec).removeprefix("\ufeff")).encode()


def declared(raw: bytes) -> str | None:
    """Return the charset that an XML document says of itself, if it is one that is read here.

    https://www.w3.org/TR/xml/#sec-guessing
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declaration = _DECLARATION.match(raw[:300].decode("latin-1"))
    return codec_of(declaration[2]) if declaration else None
