"""https://hl7.org/fhir/R4/terminologies-systems.html: the systems of other bodies that are known by list or grammar."""

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.terminology.loaded import LoadedTerminology

BCP47, MIME, UCUM = "urn:ietf:bcp:47", "urn:ietf:bcp:13", "http://unitsofmeasure.org"
COUNTRY, CURRENCY = "urn:iso:std:iso:3166", "urn:iso:std:iso:4217"


@pytest.fixture(scope="module")
def terminology() -> LoadedTerminology:
    return LoadedTerminology(Definitions.load())


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        (BCP47, "ja", True),
        (BCP47, "ja-JP", True),
        (BCP47, "zh-Hant-TW", True),
        (BCP47, "ja-Kana-JP-x-hira", True),
        (BCP47, "ain", True),
        (BCP47, "jpn", False),
        (BCP47, "日本語", False),
        (BCP47, "japanese", False),
        (BCP47, "ja_JP", False),
        (BCP47, "ja-ZX", False),
        (MIME, "application/fhir+json", True),
        (MIME, "text/plain; charset=shift_jis", True),
        (MIME, "image/jpeg", True),
        (MIME, "pdf", False),
        (MIME, "テキスト", False),
        (COUNTRY, "JP", True),
        (COUNTRY, "JPN", True),
        (COUNTRY, "392", True),
        (COUNTRY, "JP-13", None),
        (COUNTRY, "XX", False),
        (CURRENCY, "JPY", True),
        (CURRENCY, "円", False),
        (UCUM, "mm[Hg]", True),
        (UCUM, "10*3/uL", True),
        ("http://snomed.info/sct", "44054006", None),
        ("urn:oid:1.2.392.200119.4.504", "3F0150000023271", None),
    ],
)
def test_what_is_known_of_a_code(terminology: LoadedTerminology, system: str, code: str, expected: bool | None) -> None:
    assert terminology.valid(system, code) is expected


@pytest.mark.parametrize(
    ("value_set", "code", "expected"),
    [
        ("mimetypes", "application/pdf", True),
        ("mimetypes", "ワード", False),
        ("currencies", "JPY", True),
        ("currencies", "YEN", False),
        ("languages", "ja", True),
        ("all-languages", "ja-JP", True),
        ("all-types", "Patient", True),
        ("all-types", "患者", False),
        ("iso3166-1-3", "JPN", True),
        ("iso3166-1-3", "JP", False),
        ("all-time-units", "min", True),
        ("all-time-units", "kg", False),
        ("condition-code", "F20", None),
    ],
)
def test_value_sets_of_r4_over_them(
    terminology: LoadedTerminology, value_set: str, code: str, expected: bool | None
) -> None:
    assert terminology.contains(f"http://hl7.org/fhir/ValueSet/{value_set}", None, code) is expected
