"""Regular expressions, by RE2: its time is linear in the text, so no pattern can hang the server.

What RE2 has not (look-around, back-references) is refused. `.` matches line ends, as FHIRPath asks.
https://hl7.org/fhirpath/N1/#matchesregex-string-boolean
https://github.com/google/re2/wiki/Syntax
"""

import re
from functools import lru_cache
from typing import Any

from fhir_service.fhir.fhirpath.error import failed

MAX_PATTERN = 10_000
_REFERENCE = re.compile(r"\$(?:([0-9])|\{([A-Za-z0-9_]+)\}|(\$))")


@lru_cache(maxsize=512)
def pattern(text: str) -> Any:
    """Return the compiled pattern; raise FhirPathError if it is none that RE2 knows."""
    import re2  # 10 ms that only the first pattern should cost

    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        if len(text) <= MAX_PATTERN:
            return re2.compile(text, options)
        reason = f"longer than {MAX_PATTERN} characters"
    except re2.error as error:
        reason = _reason(error)
    raise failed(f"この正規表現は使えません: {reason}", f"This regular expression cannot be used: {reason}.")


def steps(text: str, expression: str) -> int:
    """Return what it takes to look for a pattern: linear in the text, but in the worst case in the pattern as well."""
    size: int = pattern(expression).programsize
    return len(text) * size >> 5


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def substitute(text: str, expression: str, by: str, limit: int) -> str | None:
    """Return the text with each match replaced (`$1` and `${name}` stand for groups), None if longer than the limit.

    An empty pattern replaces nothing: HL7's suite asks for it.
    """
    if not expression:
        return text
    pieces: list[str] = []
    length = end = 0
    for match in pattern(expression).finditer(text):
        piece = text[end : match.start()] + _expanded(by, match)
        pieces.append(piece)
        length += len(piece)
        end = match.end()
        if length > limit:
            return None
    return "".join(pieces) + text[end:]


def _expanded(by: str, match: Any) -> str:
    def group(reference: re.Match[str]) -> str:
        if reference[3]:
            return "$"
        name: int | str = int(reference[1]) if reference[1] else reference[2]
        known = name in match.re.groupindex if isinstance(name, str) else name <= match.re.groups
        return (match[name] or "") if known else reference[0]

    return _REFERENCE.sub(group, by) if "$" in by else by
