"""From the text of an expression to its tokens.

https://hl7.org/fhirpath/N1/grammar.html
"""

import re
from typing import Literal, NamedTuple

from fhir_service.fhir.fhirpath.error import unreadable

TokenKind = Literal[
    "number", "string", "word", "quoted", "date", "dateTime", "time", "external", "dollar", "symbol", "end"
]


class Token(NamedTuple):
    """`text` is without quotes, escapes, `@`, `%` and `$`; `at` is the offset in the expression."""

    kind: TokenKind
    text: str
    at: int


MAX_LENGTH = 100_000

_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
_TIME = r"[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
_QUOTED = r"(?:[^{0}\\]|\\.)*"

_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|//[^\r\n]*|/\*.*?\*/)
    |@(?P<dateTime>{_DATE}T(?:{_TIME}{_ZONE}?)?)
    |@(?P<date>{_DATE})
    |@T(?P<time>{_TIME})
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |'(?P<string>{_QUOTED.format("'")})'
    |`(?P<quoted>{_QUOTED.format("`")})`
    |%(?P<external>[A-Za-z_][A-Za-z0-9_-]*|`{_QUOTED.format("`")}`|'{_QUOTED.format("'")}')
    |\$(?P<dollar>this|index|total)\b
    |(?P<open>/\*|['`])
    |(?P<symbol><=|>=|!=|!~|[-+*/&|=~<>()\[\]{{}},.])
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"r": "\r", "n": "\n", "t": "\t", "f": "\f"}


def tokenize(text: str) -> list[Token]:
    """Return the tokens of the expression, closed by one of kind `end`."""
    if len(text) > MAX_LENGTH:
        ja = f"FHIRPath式が長すぎます（上限{MAX_LENGTH}文字）。"
        raise unreadable(ja, f"The expression is longer than {MAX_LENGTH} characters.")

    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise unreadable(f"「{text[at]}」は使えない文字です。", f"Unexpected character '{text[at]}'.").at(at)
        kind = match.lastgroup
        if kind == "open":
            raise unreadable("引用符またはコメントが閉じられていません。", "A quote or comment is not closed.").at(at)
        if kind != "space":
            tokens.append(_token(kind, match[kind or 0], at))
        at = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _token(kind: str | None, text: str, at: int) -> Token:
    if kind == "external" and text[0] in "`'":
        text = unescape(text[1:-1])
    elif kind in ("string", "quoted"):
        text = unescape(text)
    return Token(kind, text, at)  # type: ignore[arg-type]  # the groups of _TOKEN are named after the kinds


def unescape(text: str) -> str:
    """Return the string that a literal means; an escape that is not defined stands for its character."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
