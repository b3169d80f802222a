"""Folding of strings: what a string search compares instead of the text itself.

"This search is insensitive to casing and included combining characters, like accents or other diacritical marks.
Punctuation and non-significant whitespace (e.g. repeated space characters, tab vs space) SHOULD also be ignored."
https://hl7.org/fhir/R4/search.html#string

JP Core adds width (NFKC) and allows hiragana = katakana and old = new kanji; see also `kanji_variants.toml`.
https://jpfhir.jp/fhir/core/guide-stringSearch.html
"""

import re
import tomllib
import unicodedata
from functools import lru_cache
from pathlib import Path

from fhir_service.fhir.search.nfkc import nfkc

VARIANTS = Path(__file__).with_name("kanji_variants.toml")

HIRAGANA = {*range(0x3041, 0x3097), 0x309D, 0x309E}
TO_KATAKANA = 0x60  # the katakana block repeats the hiragana block at this distance

# Combining marks of Latin, Greek and Cyrillic letters, and variation selectors; marks of other scripts are letters.
MARKS = {
    *range(0x0300, 0x0370),
    *range(0x1AB0, 0x1B00),
    *range(0x1DC0, 0x1E00),
    *range(0x20D0, 0x2100),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
    0x3099,  # a dakuten that no kana composes with
    0x309A,
}
# Letters whose stroke Unicode does not decompose, and symbols that are typed for a hyphen or a wave dash.
SINGLE = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "\u2212": None, "~": None}

DROPPED_CATEGORIES = "PZC"  # punctuation, separators, control and format characters
_SPACING_DAKUTEN = {0x309B: "\u3099", 0x309C: "\u309a"}  # NFKC would part them from their kana by a space
_REPEATED = re.compile("(.)[々〻ヽ]")
_REPEATED_VOICED = re.compile("(.)ヾ")
_LONG_FOR_HYPHEN = re.compile("(?<=[0-9])ー")  # "１ー２ー３" in addresses


CACHED_LENGTH = 64  # names and words come again and again; longer texts would only fill the cache


def fold(text: str) -> str:
    """Return the folded form; never empty unless the text has nothing but white space."""
    return _remembered(text) if len(text) <= CACHED_LENGTH else _fold(text)


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower().translate(_CHARACTERS) or text.strip().lower()
    plain = nfkc(text.translate(_SPACING_DAKUTEN)).casefold()
    folded = plain.translate(_CHARACTERS)
    if not folded:
        return plain.strip()
    if "ー" in folded:
        folded = _LONG_FOR_HYPHEN.sub("", folded)
    folded = _REPEATED.sub(r"\1\1", folded)
    return _REPEATED_VOICED.sub(lambda found: found[1] + unicodedata.normalize("NFC", found[1] + "\u3099"), folded)


_remembered = lru_cache(maxsize=1 << 16)(_fold)


class _Characters(dict[int, str | None]):
    """What becomes of each character of a normalised, case-folded text; worked out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        self[code] = folded = (_variants().get(code) if code > 0x7F else None) or _character(code)
        return folded


_CHARACTERS = _Characters()


def _character(code: int) -> str | None:
    character = chr(code)
    if character in SINGLE:
        return SINGLE[character]
    if code in MARKS or unicodedata.category(character)[0] in DROPPED_CATEGORIES:
        return None
    if code in HIRAGANA:
        katakana = chr(code + TO_KATAKANA)
        return _variants().get(ord(katakana), katakana)
    decomposed = unicodedata.normalize("NFD", character)
    base = "".join(each for each in decomposed if ord(each) not in MARKS or ord(each) in (0x3099, 0x309A))
    return unicodedata.normalize("NFC", base)


@lru_cache(maxsize=1)
def _variants() -> dict[int, str]:
    """Return the form that stands for each character of `kanji_variants.toml`."""
    stands_for: dict[str, str] = {}
    for words in tomllib.loads(VARIANTS.read_text(encoding="utf-8")).values():
        for word in words.split():
            forms = [unicodedata.normalize("NFKC", each) for each in word]
            first = stands_for.get(forms[0], forms[0])
            joined = {stands_for.get(form, form) for form in forms}
            stands_for |= dict.fromkeys(forms, first)
            stands_for |= {form: first for form, old in stands_for.items() if old in joined}
    return {ord(form): first for form, first in stands_for.items()}
