"""Which parameters have to be indexed again when a release makes other entries."""

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.search import fingerprint
from fhir_service.fhir.search.registry import SearchRegistry


def test_only_canonicals_and_urls_are_indexed_again_when_their_entries_change(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = SearchRegistry(Definitions.load())
    types = ("Questionnaire", "QuestionnaireResponse", "Patient")

    before = {each: fingerprint.fingerprints(registry, each) for each in types}
    whole = fingerprint.whole(registry)
    monkeypatch.setattr(fingerprint, "CANONICAL", fingerprint.CANONICAL + 1)
    after = {each: fingerprint.fingerprints(registry, each) for each in types}

    changed = {each: {code for code in before[each] if before[each][code] != after[each][code]} for each in types}
    assert changed == {"Questionnaire": {"url"}, "QuestionnaireResponse": {"questionnaire"}, "Patient": set()}
    assert fingerprint.whole(registry) != whole
