"""https://hl7.org/fhir/R4/search.html#content: which words are found in which texts."""

import pytest

from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.search.parsing.text_query import text_clause
from fhir_service.fhir.search.query import AllOf, AnyOf, NoneOf, WordsMatch
from fhir_service.fhir.search.words import Phrase, phrase, texts_of


def found(text: str, sought: str) -> bool:
    wanted = phrase(sought)
    assert wanted is not None
    return texts_of({"resourceType": "Basic", "note": [text]}).often("content", wanted) > 0


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("退院支援計画", "支援"),
        ("退院支援計画", "退院支援計画"),
        ("退院支援計画", "画"),
        ("退院後の訪問看護", "訪問看護"),
        ("渡邉さんの訪問", "渡辺"),
        ("さくら訪問看護", "サクラ"),
        ("ﾃﾞｲｹｱに通う", "デイケア"),
        ("2型糖尿病", "2型"),
        ("SARS-CoV-2陽性", "cov"),
        ("Bone marrow biopsy", "bone marrow"),
        ("Bone marrow biopsy", "BIOPSY"),
        ("Núñez", "nunez"),
        ("metastases", "metas*"),
        ("統合失調症(F20.0)", "F20"),
    ],
)
def test_a_text_is_found_by_what_stands_in_it(text: str, sought: str) -> None:
    assert found(text, sought)


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("退院、支援", "退院支援"),
        ("院退", "退院"),
        ("concatenate", "cat"),
        ("marrow bone", "bone marrow"),
        ("metastases", "metas"),
        ("訪問した看護師", "訪問看護"),
    ],
)
def test_a_text_is_not_found_by_what_only_looks_like_it(text: str, sought: str) -> None:
    assert not found(text, sought)


def test_no_phrase_goes_on_from_one_element_to_the_next() -> None:
    texts = texts_of({"resourceType": "Basic", "note": ["bone", "marrow"]})

    assert texts.often("content", Phrase(("bone", "marrow"))) == 0


def test_the_narrative_is_read_without_its_tags_and_entities() -> None:
    div = "<div><p>退<b>院</b>支援</p><p>A&amp;B &#x9AA8;</p></div>"
    texts = texts_of({"resourceType": "Basic", "text": {"status": "generated", "div": div}, "author": {"display": "x"}})

    for sought in ("退院支援", "骨", "a b"):
        assert texts.often("narrative", phrase(sought) or Phrase(()))
    for sought in ("div", "amp", "x"):
        assert not texts.often("narrative", phrase(sought) or Phrase(()))
    assert texts.often("content", Phrase(("x",)))


def test_words_are_joined_by_and_or_not_and_parentheses() -> None:
    bone, liver, metastases = (WordsMatch("narrative", Phrase((word,))) for word in ("bone", "liver", "metastases"))

    def clause(text: str) -> object:
        return text_clause("_text", text, "narrative")

    assert clause("(bone OR liver) AND metastases") == AllOf((AnyOf((bone, liver)), metastases))
    assert clause("bone or liver metastases") == AnyOf((bone, AllOf((liver, metastases))))
    assert clause("bone NOT liver") == AllOf((bone, NoneOf((liver,))))
    assert clause('"bone liver"') == WordsMatch("narrative", Phrase(("bone", "liver")))
    assert clause("（bone　liver）") == AllOf((bone, liver))


@pytest.mark.parametrize(
    "text", ["(", "a AND", ")", '"', "。", "a OR", "NOT", "()", "(" * 30 + "a" + ")" * 30, "a " * 100]
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(FhirError) as refusal:
        text_clause("_content", text, "content")

    assert refusal.value.status == 400
