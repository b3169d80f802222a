"""Unicode's compatibility form (NFKC), in a time that grows with the text and no faster.

The marks that follow a letter are put in order, which takes the square of their number. No language has more than a
few, so those past 30 in a row are left out: https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
"""

import re
import sys
import unicodedata
from functools import lru_cache

MOST_MARKS = 30
MOST_CHARACTERS = 1024 * 1024
"""As many as a string of FHIR has: some characters stand for a whole sentence (U+FDFA)."""


def nfkc(text: str) -> str:
    """Return the text in NFKC."""
    if len(text) > MOST_MARKS and not text.isascii():
        text = _row_of_marks().sub(r"\1", text)
    return unicodedata.normalize("NFKC", text)[:MOST_CHARACTERS]


@lru_cache(maxsize=1)
def _row_of_marks() -> re.Pattern[str]:
    marks = "".join(re.escape(chr(code)) for code in range(sys.maxunicode) if unicodedata.combining(chr(code)))
    return re.compile(f"([{marks}]{{{MOST_MARKS}}})[{marks}]+")
