"""Words of texts: what `_text` and `_content` look for, and find.

A word of letters or digits is one token, folded as names are. Japanese has no spaces: there every two neighbouring
characters are a token, and the last one alone, so that words of any length are found where they stand together.
https://hl7.org/fhir/R4/search.html#content
"""

import html
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from fhir_service.fhir.resource import Resource
from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.nfkc import nfkc

Where = Literal["narrative", "content"]

BREAK = "\uff5c"
"""Stands between texts, so that no phrase goes on from one to the next; it is punctuation, which no token has."""

_KANA = "\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe"
_CJK = _KANA + "\u3005-\u3007\u303b\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
# Tags that stand within a word; others part it from the next.
_INLINE = re.compile(r"</?(?:a|abbr|b|big|code|em|font|i|small|span|strong|sub|sup|tt|u|var)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_URI = re.compile(r"(?:https?:|urn:|ftp:|mailto:|#)\S*").fullmatch
_UNREAD = frozenset({"resourceType", "div", "data", "reference", "contentType"})
MOST_READ = 10_000
"""Of a longer string only the beginning is read: it is no text that a person wrote."""

MOST_REMEMBERED = 100
"""The tokens of longer texts are not kept."""


class Phrase(NamedTuple):
    """Tokens that stand one after another; of the last one only the beginning is known if `open`."""

    tokens: tuple[str, ...]
    open: bool = False


def tokens(text: str) -> list[str]:
    """Return the tokens of a text in their order."""
    found: list[str] = []
    for run in _RUNS.findall(nfkc(text)):
        folded = fold(run)
        if _is_japanese(run):
            found += [folded[n : n + 2] for n in range(len(folded))]
        elif folded:
            found.append(folded)
    return found


def phrase(text: str) -> Phrase | None:
    """Return what a word or quoted phrase looks for, None if there is no letter in it; `metas*` is a beginning."""
    normal = nfkc(text)
    found = tokens(normal)
    if not found:
        return None
    last = _RUNS.findall(normal)[-1]
    if not _is_japanese(last):
        return Phrase(tuple(found), normal.rstrip().endswith("*"))
    if len(fold(last)) == 1:
        return Phrase(tuple(found), open=True)
    return Phrase(tuple(found[:-1]))  # the text may go on where the word ends


_is_japanese = re.compile(rf"[{_CJK}]").match


class Texts(NamedTuple):
    """What a resource says, as tokens with spaces between them: its narrative, and all else."""

    narrative: str
    other: str

    def often(self, where: Where, sought: Phrase) -> int:
        """Return how often a phrase stands there."""
        return _often(self.narrative, sought) + (_often(self.other, sought) if where == "content" else 0)

    @property
    def length(self) -> int:
        """How many tokens there are."""
        return len(self.narrative.split()) + len(self.other.split())


def texts_of(resource: Resource) -> Texts:
    """Return what there is to find in a resource; URIs and base64 are left out."""
    narratives: list[str] = []
    others: list[str] = []
    _gather(resource, narratives, others)
    return Texts(_joined(narratives), " ".join(filter(None, (type_token(resource["resourceType"]), _joined(others)))))


def type_token(resource_type: str) -> str:
    """Return the token that all resources of a type have; nobody can ask for it by a word."""
    return BREAK + resource_type.lower()


def _gather(element: Resource, narratives: list[str], others: list[str]) -> None:
    """Add the texts of an element to those of narratives, and to all others."""
    for name, value in element.items():
        for each in value if type(value) is list else (value,):
            if type(each) is dict:
                _gather(each, narratives, others)
            elif type(each) is not str:
                continue
            elif name == "div":
                narratives.append(_plain(each))
            elif name not in _UNREAD and not _URI(each):
                others.append(each[:MOST_READ])


def _plain(div: str) -> str:
    return html.unescape(_TAG.sub(BREAK, _INLINE.sub("", div)))


def _joined(texts: Iterable[str]) -> str:
    parts = [
        _spaced(part) if len(part) <= MOST_REMEMBERED else " ".join(tokens(part))
        for text in dict.fromkeys(texts)
        for part in text.split(BREAK)
    ]
    return f" {BREAK} ".join(filter(None, parts))


@lru_cache(maxsize=16_384)  # codes, displays and units are the same again and again
def _spaced(text: str) -> str:
    return " ".join(tokens(text))


def _often(text: str, sought: Phrase) -> int:
    wanted = f" {' '.join(sought.tokens)}" + ("" if sought.open else " ")
    padded, count, at = f" {text} ", 0, -1
    while (at := padded.find(wanted, at + 1)) >= 0:
        count += 1
    return count


def score(often: int, length: int) -> int:
    """Return how much a resource is about a phrase that stands in it so often, among so many tokens."""
    return 1000 * often // (length + 50)
