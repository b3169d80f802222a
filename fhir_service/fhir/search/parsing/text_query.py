"""`_text` and `_content`: words and "phrases" with AND, OR, NOT and parentheses; words side by side are joined by AND.

"GET [base]/Condition?_text=(bone OR liver) AND metastases"
https://hl7.org/fhir/R4/search.html#content
"""

import re

from fhir_service.fhir.outcome import FhirError, fhir_error
from fhir_service.fhir.search.nfkc import nfkc
from fhir_service.fhir.search.query import AllOf, AnyOf, Clause, NoneOf, WordsMatch
from fhir_service.fhir.search.words import Where, phrase

MOST_WORDS = 64
MOST_LETTERS = 10_000
MOST_NESTED = 20

_PIECE = re.compile(r'\s*(?:"([^"]*)"|([()])|([^\s()"]+))')


def text_clause(name: str, text: str, where: Where) -> Clause:
    """Return what is asked of the words of a resource; 400 if it cannot be read."""
    if len(text) > MOST_LETTERS:
        raise _malformed(name, f"{len(text):,} > {MOST_LETTERS:,}")
    return _Reader(name, nfkc(text), where).whole()


class _Reader:
    def __init__(self, name: str, text: str, where: Where) -> None:
        self._name = name
        self._where = where
        self._pieces: list[tuple[str, bool]] = []  # and whether it was quoted
        position, end = 0, len(text.rstrip())
        while position < end:
            if (found := _PIECE.match(text, position)) is None:
                raise _malformed(name, text[position:])
            quoted, parenthesis, word = found.groups()
            self._pieces.append((quoted, True) if quoted is not None else (parenthesis or word, False))
            position = found.end()
        if len(self._pieces) > MOST_WORDS:
            raise _malformed(name, f"{len(self._pieces)} > {MOST_WORDS}")

    def whole(self) -> Clause:
        clause = self._either(0)
        if self._pieces:
            raise _malformed(self._name, self._pieces[0][0])
        return clause

    def _either(self, depth: int) -> Clause:
        if depth > MOST_NESTED:
            raise _malformed(self._name, "(" * depth)
        clauses = [self._all(depth)]
        while self._takes("or"):
            clauses.append(self._all(depth))
        return clauses[0] if len(clauses) == 1 else AnyOf(tuple(clauses))

    def _all(self, depth: int) -> Clause:
        clauses = [self._one(depth)]
        while self._pieces and not self._is("or") and not self._is(")"):
            self._takes("and")
            clauses.append(self._one(depth))
        return clauses[0] if len(clauses) == 1 else AllOf(tuple(clauses))

    def _one(self, depth: int) -> Clause:
        if self._takes("not"):
            return NoneOf((self._one(depth + 1),))
        if self._takes("("):
            clause = self._either(depth + 1)
            if not self._takes(")"):
                raise _malformed(self._name, ")")
            return clause
        if not self._pieces:
            raise _malformed(self._name, "…")
        word, _ = self._pieces.pop(0)
        sought = phrase(word)
        if sought is None:
            raise _malformed(self._name, word)
        return WordsMatch(self._where, sought)

    def _is(self, word: str) -> bool:
        return bool(self._pieces) and self._pieces[0] in ((word, False), (word.upper(), False))

    def _takes(self, word: str) -> bool:
        taken = self._is(word)
        if taken:
            self._pieces.pop(0)
        return taken


def _malformed(name: str, piece: str) -> FhirError:
    shown, example = piece[:40], '(骨 OR 肝臓) AND "転移 あり"'
    return fhir_error(
        "invalid",
        f"{name}の「{shown}」のところを読めません。例: {example}",
        f"{name} cannot be read at '{shown}'. Example: {example}",
        (f"http.{name}",),
    )
