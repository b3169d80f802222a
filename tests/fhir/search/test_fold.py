import time
import unicodedata

import pytest

from fhir_service.fhir.search.fold import fold
from fhir_service.fhir.search.nfkc import nfkc


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("渡邉", "渡辺", id="渡邉 and 渡辺"),
        pytest.param("渡邊", "渡邉", id="渡邊 and 渡邉"),
        pytest.param("山﨑", "山崎", id="﨑 and 崎"),
        pytest.param("髙橋", "高橋", id="髙 and 高"),
        pytest.param("𠮷田", "吉田", id="a character beyond the BMP"),
        pytest.param("齋藤", "斉藤", id="齋 and 斉"),
        pytest.param("濱口", "浜口", id="濱 and 浜"),
        pytest.param("廣瀬", "広瀨", id="old and new kanji in one name"),
        pytest.param("國學院大學", "国学院大学", id="old and new kanji"),
        pytest.param("佐々木", "佐佐木", id="the iteration mark"),
        pytest.param("いすゞ", "イスズ", id="the voiced iteration mark"),
        pytest.param("葛\U000e0100城", "葛城", id="a variation selector"),
        pytest.param("神田", "神田", id="a compatibility ideograph"),
        pytest.param("わたなべ", "ワタナベ", id="hiragana and katakana"),
        pytest.param("ﾜﾀﾅﾍﾞ", "ワタナベ", id="half-width kana with its dakuten"),
        pytest.param("か\u3099き", "ガキ", id="a combining dakuten"),
        pytest.param("か゛き", "がき", id="a spacing dakuten"),
        pytest.param("霞ヶ関", "霞ケ関", id="small ke in a place name"),
        pytest.param("ＡＢＣ１２３", "abc123", id="full-width letters and digits"),
        pytest.param("山田　太郎", "山田 太郎", id="full-width space"),
        pytest.param("山田太郎", "山田 太郎", id="no space"),
        pytest.param("１ー２ー３", "1-2-3", id="a long sound mark for a hyphen"),
        pytest.param("1−2−3", "1-2-3", id="a minus sign for a hyphen"),
        pytest.param("㈱アウトリーチ", "(株)アウトリーチ", id="a parenthesised ideograph"),
        pytest.param("Müller", "MULLER", id="umlaut"),
        pytest.param("Đặng", "dang", id="Vietnamese"),
        pytest.param("Søren", "soren", id="a stroke that Unicode does not decompose"),
        pytest.param("Straße", "STRASSE", id="sharp s"),
        pytest.param("O'Brien", "obrien", id="an apostrophe"),
        pytest.param("Peter  James", "peter\tjames", id="white space"),
    ],
)
def test_these_are_the_same_to_a_search(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("畠山", "畑山"),
        ("ハハ", "パパ"),
        ("かき", "がき"),
        ("大阪", "大坂"),
        ("ビル", "ビール"),
        ("山田", "田山"),
        ("C+", "C"),
    ],
)
def test_these_are_not_the_same(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize("text", ["・・・", "---", "'", "〜"])
def test_a_text_of_punctuation_alone_is_not_folded_away(text: str) -> None:
    assert fold(text)


@pytest.mark.parametrize("text", ["", " ", "　"])
def test_white_space_folds_to_nothing(text: str) -> None:
    assert fold(text) == ""


def test_the_order_in_which_texts_are_met_does_not_matter() -> None:
    latin_first = fold("abc")

    assert (latin_first, fold("髙")) == ("abc", "高")


@pytest.mark.parametrize("text", ["a" + "\u0301\u0323" * 300_000, "\ufdfa" * 200_000, "か\u3099\u309a" * 200_000])
def test_a_text_of_marks_and_ligatures_is_folded_soon(text: str) -> None:
    started = time.process_time()

    fold(text)

    assert time.process_time() - started < 3


def test_as_many_marks_as_any_language_has_are_put_in_order() -> None:
    assert nfkc("か\u3099" * 20) == "が" * 20
    assert nfkc("a" + "\u0301\u0323" * 15) == unicodedata.normalize("NFKC", "a" + "\u0301\u0323" * 15)
