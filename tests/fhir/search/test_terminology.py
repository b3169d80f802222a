"""https://hl7.org/fhir/R4/valueset.html#expansion, over the loaded definitions and some made here."""

from typing import Any

import pytest

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.outcome import FhirError
from fhir_service.fhir.search.terminology import LoadedTerminology

CODES = "http://example.jp/codes"
V = "http://example.jp/vs/"
MADE: dict[str, Any] = {
    CODES: {
        "resourceType": "CodeSystem",
        "content": "complete",
        "concept": [
            {"code": "a", "concept": [{"code": "a1", "concept": [{"code": "a11"}]}, {"code": "a2"}]},
            {"code": "b", "property": [{"code": "subsumedBy", "valueCode": "a2"}]},
        ],
    }
}


class Made:
    """Finds what this module made."""

    def find(self, canonical: str) -> Any:
        return MADE.get(canonical)


@pytest.fixture
def made() -> LoadedTerminology:
    definitions: Any = Made()
    return LoadedTerminology(definitions)


def value_set(name: str, *include: dict[str, Any], exclude: list[dict[str, Any]] | None = None) -> str:
    MADE[V + name] = {"resourceType": "ValueSet", "compose": {"include": list(include), "exclude": exclude or []}}
    return V + name


def is_a(code: str, op: str = "is-a") -> dict[str, Any]:
    return {"system": CODES, "filter": [{"property": "concept", "op": op, "value": code}]}


def codes(members: frozenset[tuple[str, str | None]]) -> set[str | None]:
    return {code for _, code in members}


def test_below_and_above_follow_the_nesting_and_the_properties(made: LoadedTerminology) -> None:
    assert codes(made.below(CODES, "a")) == {"a", "a1", "a11", "a2", "b"}
    assert codes(made.above(CODES, "b")) == {"b", "a2", "a"}


def test_filters_exclusions_and_other_value_sets_are_honoured(made: LoadedTerminology) -> None:
    whole = value_set("whole", {"system": CODES})
    assert codes(made.members(whole)) == {"a", "a1", "a11", "a2", "b"}
    assert codes(made.members(value_set("below-a1", is_a("a1", "descendent-of")))) == {"a11"}
    assert codes(made.members(value_set("not-a1", {"system": CODES}, exclude=[is_a("a1")]))) == {"a", "a2", "b"}
    assert codes(made.members(value_set("both", {**is_a("a1"), "valueSet": [whole]}))) == {"a1", "a11"}


def test_a_whole_system_that_is_not_loaded_stands_for_all_its_codes(made: LoadedTerminology) -> None:
    assert made.members(value_set("loinc", {"system": "http://loinc.org"})) == {("http://loinc.org", None)}


@pytest.mark.parametrize(
    "include",
    [
        {"system": "http://loinc.org", "filter": [{"property": "concept", "op": "is-a", "value": "LP1"}]},
        {"system": CODES, "filter": [{"property": "concept", "op": "regex", "value": "(a+)+"}]},
        {"valueSet": ["http://example.jp/vs/circle"]},
        is_a("nothing"),
    ],
)
def test_what_cannot_be_expanded_is_refused(made: LoadedTerminology, include: dict[str, Any]) -> None:
    circle = value_set("circle", include)
    with pytest.raises(FhirError) as refused:
        made.members(circle)

    assert refused.value.status < 500


def test_r4s_own_value_sets_expand(definitions: Definitions) -> None:
    terminology = LoadedTerminology(definitions)

    genders = terminology.members("http://hl7.org/fhir/ValueSet/administrative-gender")
    assert codes(genders) == {"male", "female", "other", "unknown"}
    refused, expanded = 0, 0
    for each in definitions.all("ValueSet"):
        try:
            expanded += len(terminology.members(each["url"])) > 0
        except FhirError:
            refused += 1
    assert expanded > 1200
    assert refused < 60
