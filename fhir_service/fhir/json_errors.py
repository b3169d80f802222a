"""What can be wrong with a JSON text, said in Japanese and English, with line and column."""

import re
from enum import Enum

from fhir_service.fhir.json_text import line_and_column, lone_surrogate, long_number, too_deep
from fhir_service.fhir.outcome import FhirError, Issue, IssueType

SHOWN = 40  # characters of the text that a message repeats
_BYTE = re.compile(r"\(byte (\d+)\)")
_WIDE_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00")


class Fault(Enum):
    """A fault: what is said in Japanese and in English, `{text}` filled in."""

    EMPTY = ("本文が空です。", "The body is empty.")
    ENCODING = ("文字コードが UTF-8 ではありません。", "The text is not UTF-8.")
    TRUNCATED = ("JSON が途中で終わっています。", "The JSON ends in the middle.")
    TRAILING = ("JSON の後に余分な文字があります。", "There is something after the end of the JSON.")
    COMMA = ("最後の要素の後に余分なコンマがあります。", "There is a comma after the last item.")
    EXPECTED_COMMA = ("コンマまたは閉じ括弧が必要です。", "A comma or a closing bracket is missing.")
    EXPECTED_COLON = ("キーの後にコロンが必要です。", "A colon is missing after the key.")
    KEY = ("キーは二重引用符で囲んだ文字列でなければなりません。", "A key must be a string in double quotes.")
    ESCAPE = ("文字列のエスケープが正しくありません。", "An escape in a string is malformed.")
    SURROGATE = (
        "対になっていないサロゲート(1文字の片割れ)があります。文字の途中で切っていないか確かめてください。",
        "A surrogate has no partner.",
    )
    NUMBER = ("数値の書き方が正しくありません。", "A number is malformed.")
    CHARACTER = ("JSON として読めない文字があります。", "A character is not valid JSON here.")
    OTHER = ("JSON として読めません。", "The text is not valid JSON.")
    CONTROL_CHARACTER = (
        "文字列に制御文字は使えません。取り除いてください。",
        "A string must not hold control characters.",
    )
    TOO_DEEP = ("入れ子が深すぎます(100 段まで)。", "The content is nested too deeply (100 levels at most).")
    DUPLICATE_KEY = (
        "同じオブジェクトに同じキーが二度あります: {text}",
        "A key stands twice in the same object: {text}",
    )
    LONG_NUMBER = (
        "数値の桁数が多すぎます(1,000 桁まで): {text}",
        "A number has too many digits (1,000 at most): {text}",
    )
    FAR_NUMBER = (
        "数値が大きすぎるか小さすぎます(10 の ±308 乗まで): {text}",
        "A number is too large or too small (10 to the power of ±308 at most): {text}",
    )
    NOT_AN_OBJECT = ("リソースは JSON オブジェクトでなければなりません。", "A resource must be a JSON object.")
    NO_RESOURCE_TYPE = ("resourceType がありません。", "The resourceType is missing.")

    def error(self, data: bytes, place: int | None = 0, *, text: str = "") -> FhirError:
        """Return this fault as an error at a place of the text."""
        line, column = line_and_column(data, place) if place is not None else (None, None)
        ja, en = self.said(text)
        code: IssueType = "value" if self in (Fault.LONG_NUMBER, Fault.FAR_NUMBER) else "structure"
        return FhirError(Issue(code, ja, en, line=line, column=column), status=400)

    def said(self, text: str = "") -> tuple[str, str]:
        """Return what is said of this fault in Japanese and in English."""
        ja, en = self.value
        return ja.format(text=_shortened(text)), en.format(text=_shortened(text))


class UnfitNumber(Exception):
    """A number that is not read: its text, and the fault."""

    def __init__(self, text: str, fault: Fault) -> None:
        super().__init__(fault.name)
        self.text = text
        self.fault = fault


# What the parser says, by its beginning.
FAULTS = {
    "Input data was truncated": Fault.TRUNCATED,
    "Integer value out of range": Fault.LONG_NUMBER,
    "JSON is malformed: trailing characters": Fault.TRAILING,
    "JSON is malformed: trailing comma": Fault.COMMA,
    "JSON is malformed: expected ',' or": Fault.EXPECTED_COMMA,
    "JSON is malformed: expected ':'": Fault.EXPECTED_COLON,
    "JSON is malformed: object keys must be strings": Fault.KEY,
    "JSON is malformed: invalid utf-16 surrogate pair": Fault.SURROGATE,
    "JSON is malformed: invalid escape": Fault.ESCAPE,
    "JSON is malformed: invalid character in unicode escape": Fault.ESCAPE,
    "JSON is malformed: invalid number": Fault.NUMBER,
    "JSON is malformed: invalid character": Fault.CHARACTER,
}


def fault_of(error: Exception, data: bytes, max_depth: int) -> FhirError:
    """Return what the parser found wrong as an error of ours, with its place."""
    if not data.strip():
        return Fault.EMPTY.error(data)
    if data.startswith(_WIDE_ENCODINGS) or data[1:2] == b"\x00":
        return Fault.ENCODING.error(data)
    match error:
        case UnfitNumber(text=text, fault=fault):
            return fault.error(data, max(data.find(text.encode()), 0), text=text)
        case RecursionError():
            return Fault.TOO_DEEP.error(data, too_deep(data, max_depth))
        case UnicodeDecodeError():
            return Fault.ENCODING.error(data, _not_utf8(data))

    said = str(error)
    fault = next((fault for beginning, fault in FAULTS.items() if said.startswith(beginning)), Fault.OTHER)
    found = _BYTE.search(said)
    place: int | None = int(found[1]) if found else len(data)
    if fault in (Fault.TRUNCATED, Fault.SURROGATE) and (lone := lone_surrogate(data)) is not None:
        return Fault.SURROGATE.error(data, lone)
    if fault is Fault.LONG_NUMBER:
        place = long_number(data, 1_000)
        return fault.error(data, place, text=data[place or 0 :][:100].decode("ascii", "ignore"))
    return fault.error(data, place)


def _not_utf8(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
