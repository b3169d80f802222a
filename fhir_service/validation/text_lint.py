"""Japanese text that will trouble somebody: what cannot be exchanged, found or printed, though FHIR allows it.

Half-width kana, characters of one institution only, full-width digits in numbers, spaces in names, traces of a wrong
encoding. Each rule has a name, so that a policy can switch it off or change how grave it is.
https://hl7.org/fhir/R4/datatypes.html#string and https://www.unicode.org/reports/tr37/ (variation sequences)
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from fhir_service.fhir.outcome import Issue, Severity
from fhir_service.fhir.resource import Resource

MOST = 100
SHOWN = 40


class Text(NamedTuple):
    """A text, where it stands, the name of its element, and that of the element around it."""

    value: str
    path: str
    name: str
    around: str


class LintRule(NamedTuple):
    """`finds` gives what is wrong in a text (to be shown), None if nothing is; `{}` in the messages stands for that."""

    finds: Callable[[Text], str | None]
    ja: str
    en: str
    severity: Severity = "warning"


def _shown(found: re.Match[str] | None) -> str | None:
    return None if found is None else "、".join(f"U+{ord(each):04X}" for each in dict.fromkeys(found[0]))


def _search(pattern: str) -> Callable[[Text], str | None]:
    """Return what finds characters by a pattern, and shows them by number: they may not be seen otherwise."""
    search = re.compile(pattern).search
    return lambda text: _shown(search(text.value))


# Where numbers stand that machines compare.
_NUMBERS: dict[str, frozenset[str]] = {
    "code": frozenset(),
    "postalCode": frozenset(),
    "value": frozenset({"identifier", "telecom", "masterIdentifier", "groupIdentifier", "requisition"}),
}
_FULL_WIDTH = re.compile(r"[０-９Ａ-Ｚａ-ｚ－]+").search
_HALF_KANA = re.compile(r"[\uff61-\uff9f]+").search
_NAMES = frozenset({"family", "given", "prefix", "suffix", "text"})
_SPACE_INSIDE = re.compile(r"\S(\s+)\S").search
_KANJI = re.compile(r"[\u3400-\u9fff\uf900-\ufaff々]").search
# UTF-8 read as Shift_JIS, or as Latin-1: the first bytes of kana and kanji turn into these.
_TRAIL = r"\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122"
_MOJIBAKE = re.compile(rf"[縺繧繝].{{0,3}}[縺繧繝]|(?:[ãäåæçèé][{_TRAIL}]{{1,2}}){{2,}}|ï¿½").search
_SELECTOR = re.compile(r"(?<![\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]").search


def _number(text: Text) -> str | None:
    around = _NUMBERS.get(text.name)
    if around is None or (around and text.around not in around):
        return None
    found = _FULL_WIDTH(text.value)
    return None if found is None else found[0][:SHOWN]


def _half_kana(text: Text) -> str | None:
    found = _HALF_KANA(text.value)
    return None if found is None else found[0][:SHOWN]


def _edge(text: Text) -> str | None:
    is_name = text.around in ("name", "kana") and text.name in _NAMES
    return text.value[:SHOWN] if (is_name or text.name == "code") and text.value.strip() != text.value else None


def _inside(text: Text) -> str | None:
    """A space in a family or given name: the whole name may stand in one of them."""
    if text.name not in ("family", "given") or text.value.isascii():
        return None
    return text.value[:SHOWN] if _SPACE_INSIDE(text.value) else None


def _wide(text: Text) -> str | None:
    is_whole = text.name == "text" and text.around in ("name", "kana")
    return text.value[:SHOWN] if is_whole and "\u3000" in text.value.strip() else None


def _mojibake(text: Text) -> str | None:
    found = _MOJIBAKE(text.value)
    return None if found is None else found[0][:SHOWN]


RULES: dict[str, LintRule] = {
    "text-control": LintRule(
        _search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+"),
        "制御文字({})が入っています。取り除いてください。",
        "It holds control characters ({}).",
        "error",
    ),
    "text-surrogate": LintRule(
        _search(r"[\ud800-\udfff]+"),
        "対になっていないサロゲート({})が入っています。文字が壊れています。",
        "It holds unpaired surrogates ({}): characters are broken.",
        "error",
    ),
    "text-encoding": LintRule(
        _mojibake,
        "文字化けしているようです(「{}」)。文字コードの変換を確かめてください。",
        "It looks as if read in a wrong encoding ('{}').",
    ),
    "text-replaced": LintRule(
        _search(r"[\ufffd\ufffe\uffff\x80-\x9f]+"),
        "変換できなかった文字の跡({})があります。元の文字を確かめてください。",
        "It holds the trace of characters that could not be converted ({}).",
    ),
    "text-private-use": LintRule(
        _search(r"[\ue000-\uf8ff\U000f0000-\U0010ffff]+"),
        "外字(私用領域の文字 {})があります。ほかの機関では表示されません。",
        "It holds private-use characters ({}), which others cannot show.",
    ),
    "text-half-width-kana": LintRule(
        _half_kana,
        "半角カナ「{}」があります。全角カナにしてください。",
        "It holds half-width kana ('{}'): use full-width kana.",
    ),
    "text-full-width-number": LintRule(
        _number,
        "番号・コードに全角の英数字「{}」があります。半角にしてください。",
        "A number or code holds full-width letters or digits ('{}').",
    ),
    "text-name-edge": LintRule(
        _edge,
        "「{}」の前後に空白があります。取り除いてください。",
        "There are spaces before or after '{}'.",
    ),
    "text-name-space": LintRule(
        _inside,
        "姓(family)または名(given)「{}」の中に空白があります。姓と名に分けてください。",
        "There is a space in the family or given name '{}': give them apart.",
    ),
    # JP-CLINS (rule R1113) takes half-width spaces alone.
    "text-name-wide-space": LintRule(
        _wide,
        "氏名「{}」の中に全角の空白があります。JP-CLINSなど、半角の空白だけを受け取るところがあります。",
        "There is a full-width space in the name '{}': some, as JP-CLINS, take half-width spaces alone.",
        "information",
    ),
    "text-invisible": LintRule(
        _search(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff]+"),
        "見えない文字({})が入っています。検索や照合で一致しなくなります。",
        "It holds invisible characters ({}), which keep it from being found.",
    ),
    "text-lone-selector": LintRule(
        lambda text: _shown(_SELECTOR(text.value)),
        "漢字に続かない異体字セレクタ({})があります。",
        "It holds variation selectors ({}) that follow no kanji.",
    ),
    "text-variant": LintRule(
        _search(r"[\U000e0100-\U000e01ef]+"),
        "異体字セレクタ({})があります。受け取る側では別の字形で表示されることがあります。",
        "It holds variation selectors ({}): others may show another form of the character.",
        "information",
    ),
    "text-kana-name": LintRule(
        lambda text: text.value[:SHOWN] if text.around == "kana" and _KANJI(text.value) else None,
        "読み(SYL)の氏名に漢字「{}」があります。カナで書いてください。",
        "A name in kana (SYL) holds kanji ('{}').",
    ),
}

SPACES = {name: rule for name, rule in RULES.items() if name.startswith("text-name-") or name == "text-kana-name"}
"""The rules for which a text need not hold any of the characters below."""

_SUSPECT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00c0-\u00ff\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ud800-\udfff"
    r"\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uff01-\uff9f\ufffd-\uffff縺繧繝\U000e0100-\U000e01ef\U000f0000-\U0010ffff]"
).search
_WATCHED = _NAMES | {"code", "postalCode"}
_EXTENSION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def lint(resource: Resource, without: Collection[str] = ()) -> list[Issue]:
    """Return what the rules find in the texts of a resource; those named in `without` are not asked."""
    root = str(resource.get("resourceType"))
    found: list[Issue] = []
    for text in _texts(resource, root):
        for name, rule in RULES.items() if _SUSPECT(text.value) else SPACES.items():
            if name not in without and (shown := rule.finds(text)) is not None:
                shown = shown.strip() or shown
                ja, en = rule.ja.replace("{}", shown), rule.en.replace("{}", shown)
                found.append(Issue("value", ja, en, (text.path,), rule.severity, rule=name))
        if len(found) >= MOST:
            break
    return found[:MOST]


def _texts(value: Any, path: str, name: str = "", around: str = "") -> Iterator[Text]:
    """Give the texts that a rule may find something in."""
    if value.__class__ is str:
        if _SUSPECT(value) or name in _WATCHED or around == "kana":
            yield Text(value, path, name, around)
    elif value.__class__ is dict:
        inner = "kana" if name == "name" and _is_kana(value) else "" if _is_insured(value) else name
        for key, child in value.items():
            if child.__class__ in (str, dict, list):
                yield from _texts(child, f"{path}.{key}", key, inner)
    elif value.__class__ is list:
        for index, child in enumerate(value):
            yield from _texts(child, f"{path}[{index}]", name, around)


def _is_kana(name: Resource) -> bool:
    extensions = name.get("extension")
    return isinstance(extensions, list) and any(
        isinstance(each, dict) and each.get("url") == _EXTENSION and each.get("valueCode") == "SYL"
        for each in extensions
    )


def _is_insured(identifier: Resource) -> bool:
    """Whether this is the symbol and number of an insured person, which are written in full width."""
    system = identifier.get("system")
    return isinstance(system, str) and "insurance" in system.casefold()
