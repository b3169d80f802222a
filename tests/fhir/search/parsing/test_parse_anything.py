"""Whatever a client sends, it is read or refused; nothing else happens."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.search.extract import Indexer
from fhir_service.fhir.search.match import matches
from fhir_service.fhir.search.parsing.parse import parse_search
from fhir_service.fhir.search.query import Match
from fhir_service.fhir.search.registry import SearchRegistry
from tests.fhir.search.conftest import BASE, NOW, observation

DEFINITIONS = Definitions.load()
INDEXER = Indexer(DEFINITIONS, SearchRegistry(DEFINITIONS), BASE)
ENTRIES = INDEXER.index(
    observation(
        code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "心拍数"},
        subject={"reference": "Patient/1"},
        effectiveDateTime="2026-11-22T10:00:00+09:00",
        valueQuantity={"value": 72, "unit": "/min"},
    )
)

WORDS = [
    "_has", ":", ".", "Patient", "Observation", "subject", "patient", "name", "code", "missing", "not", "exact", "*",
    "_include", "_revinclude", "iterate", "_sort", "_count", "_elements", "_summary", "_id", "-", "true", "date", "|",
    "$", ",", "\\", "ge", "ap", "2026-11-22", "5.4", "1e308", "value-quantity", "code-value-quantity", "山田", "・",
]  # fmt: skip
PIECES = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), max_size=8).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(PIECES, PIECES), max_size=4), st.booleans())
def test_any_parameters_are_read_or_refused(parameters: list[tuple[str, str]], lenient: bool) -> None:
    try:
        parsed = parse_search("Observation", parameters, INDEXER, base=BASE, now=NOW, lenient=lenient)
    except FhirError as refusal:
        assert refusal.status == 400
    else:
        for clause in parsed.query.clauses:
            if isinstance(clause, Match):
                matches(ENTRIES, clause)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["code", "date", "value-quantity", "subject", "value-string", "_profile", "code-value-quantity"]),
    PIECES,
)
def test_any_value_is_read_or_refused(code: str, value: str) -> None:
    try:
        parsed = parse_search("Observation", [(code, value)], INDEXER, base=BASE, now=NOW)
    except FhirError as refusal:
        assert refusal.status == 400
    else:
        assert all(
            isinstance(clause, Match) and matches(ENTRIES, clause) in (True, False) for clause in parsed.query.clauses
        )
